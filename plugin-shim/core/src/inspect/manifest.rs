//! The manifest: JSON in a section of its own, so that it is read without running anything.

use serde_json::Value;

use super::{Problem, problem};

/// The longest manifest.
const MAX: usize = 256 * 1024;
/// The deepest; it travels to the daemon within another object, where serde_json's own bound holds again.
const MAX_DEPTH: usize = 64;

/// What may run JavaScript.
const ENGINES: [&str; 3] = ["quickjs", "deno", "auto"];

/// The section's text as an object of the shape that the daemon reads.
///
/// # Errors
///
/// When it is none.
pub fn parse(section: &[u8]) -> Result<Value, Problem> {
    let text = section.trim_ascii_end();
    let text = &text[..text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
    let refuse = |why: String| {
        problem(
            "format",
            format!("its manifest {why}"),
            "write it through #[vlugin(...)] or [package.metadata.valor]",
        )
    };
    if text.len() > MAX {
        return Err(refuse(format!("is longer than {MAX} bytes")));
    }
    let manifest: Value =
        serde_json::from_slice(text).map_err(|error| refuse(format!("is not valid JSON: {error}")))?;
    if !manifest.is_object() {
        return Err(refuse("is not a JSON object".to_owned()));
    }
    if too_deep(&manifest, MAX_DEPTH) {
        return Err(refuse(format!("is nested deeper than {MAX_DEPTH} levels")));
    }
    match misshapen(&manifest) {
        Some(why) => Err(refuse(why)),
        None => Ok(manifest),
    }
}

/// Whether lists and objects stand in each other more than `left` times.
fn too_deep(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else {
        return value.is_array() || value.is_object();
    };
    match value {
        Value::Array(items) => items.iter().any(|item| too_deep(item, left)),
        Value::Object(fields) => fields.values().any(|field| too_deep(field, left)),
        _ => false,
    }
}

/// The first known key whose value is of another kind than the daemon expects; unknown keys are the author's.
fn misshapen(manifest: &Value) -> Option<String> {
    let text = ["name", "version", "sdk"];
    if let Some(key) = text.into_iter().find(|key| manifest.get(key).is_some_and(|value| !value.is_string()))
    {
        return Some(format!("has a `{key}` that is no string"));
    }
    if manifest.get("abi").is_some_and(|abi| !abi.is_u64()) {
        return Some("has an `abi` that is no version number".to_owned());
    }
    if manifest.get("engine").is_some_and(|engine| !ENGINES.iter().any(|known| engine == known)) {
        return Some("has an `engine` that is none of quickjs, deno and auto".to_owned());
    }
    let permissions = manifest.get("permissions")?;
    if !permissions.is_object() {
        return Some("has `permissions` that are no object".to_owned());
    }
    let strings = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
    let lists = ["net", "read", "write", "env"];
    let wrong = lists.into_iter().find(|key| permissions.get(key).is_some_and(|value| !strings(value)))?;
    Some(format!("has `permissions.{wrong}` that is no list of strings"))
}

/// Whether `shim` can serve what was `parsed`, up to this version of its ABI.
///
/// # Errors
///
/// When it could not be parsed, or is too new.
pub fn check(
    manifest: Option<&Value>,
    parsed: Result<Option<Value>, Problem>,
    shim: &str,
    newest: u64,
) -> Result<(), Problem> {
    parsed?;
    let Some(abi) = manifest.and_then(|manifest| manifest.get("abi")).and_then(Value::as_u64) else {
        return Ok(());
    };
    if abi > newest {
        let message =
            format!("it is built for version {abi} of the plugin ABI, {shim} speaks version {newest}");
        return Err(problem(
            "abi",
            message,
            "update valor on this machine, or build the plugin with an older SDK",
        ));
    }
    Ok(())
}
