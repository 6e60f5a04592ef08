//! What every registration goes through once its bytes are in the store, whether they came by the API or from a file.

use serde_json::Value;
use valor_control::engine::Engine;
use valor_control::kind::{Kind, in_file};
use valor_control::{MAX_CONFIG, MAX_CONFIG_DEPTH};

use super::{ControlError, Host};
use crate::config::{Wanted, build_grants};
use crate::plugin::{Grants, Limits};
use crate::routes::check_prefix;
use crate::store::{
    ArtifactRef, Registration, Source, Store, VERSION, Web, check_name, name_of_file, now_ms,
};
use crate::supervisor::{Asked, Inspection, Permissions, PluginView, Take};
use crate::web;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Admission {
    /// `None`: the manifest's, else the file's stem.
    pub name: Option<String>,
    /// What it is said to be; `None`: what it is.
    pub kind: Option<Kind>,
    /// What runs it; `None`: what its manifest says, else the kind's own.
    pub engine: Option<Engine>,
    /// What the artifact was called where it came from.
    pub file_name: String,
    /// `None`: a slash and the name.
    pub prefix: Option<String>,
    /// For the plugin; null: none.
    pub config: Value,
    /// What it may use.
    pub limits: Limits,
    /// What it may reach.
    pub grants: Grants,
    /// Also what the manifest asks for.
    pub grant_requested: bool,
    /// What each process must answer before it serves.
    pub probe: Option<String>,
    /// It is kept without processes.
    pub disabled: bool,
    /// What browsers get of it.
    pub web: Option<Web>,
    /// Whose place it may take.
    pub take: Take,
    /// Who asks.
    pub asked: Asked,
    /// Who owns the entry.
    pub source: Source,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The plugin, which answers now.
    pub view: PluginView,
    /// What the manifest asked for and was not given.
    pub not_granted: Wanted,
    /// It took the place of another.
    pub replaced: bool,
}

/// Inspects, fills in what was left out, and starts. Returns when the plugin answers and is saved; else nothing stays.
///
/// # Errors
/// The first step that failed.
pub async fn admit<H: Host>(
    host: &H,
    store: &Store,
    admission: Admission,
    artifact: ArtifactRef,
) -> Result<Admitted, ControlError> {
    let result = start(host, admission, artifact).await;
    if result.is_err() {
        sweep(store).await;
    }
    result
}

/// Removes artifacts that nobody needs any more; a failure is written down and tried again with the next.
pub(super) async fn sweep(store: &Store) {
    let store = store.clone();
    let swept = tokio::task::spawn_blocking(move || store.collect()).await;
    match swept {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "cannot remove artifacts that nobody needs"),
        Err(error) => tracing::error!(%error, "the collection of artifacts broke"),
    }
}

async fn start<H: Host>(
    host: &H,
    admission: Admission,
    artifact: ArtifactRef,
) -> Result<Admitted, ControlError> {
    let inspection = host.examine(&artifact).await?;
    // Before what is wrong with it as a file of that kind.
    if let Some(said) = admission.kind.filter(|said| *said != inspection.kind) {
        let reason = format!("the file is of the kind {}, not {said}: correct one of them", inspection.kind);
        return Err(invalid("type", reason));
    }
    if admission.engine.is_some() && inspection.kind != Kind::Js {
        let reason =
            format!("only JavaScript has a choice of engines, and this is {}: leave it out", inspection.kind);
        return Err(invalid("engine", reason));
    }
    if let Some(mut problem) = inspection.problem {
        problem.message = in_file(&problem.message, &admission.file_name);
        return Err(ControlError::Artifact(problem));
    }
    if admission.web.is_some() {
        web::check(inspection.kind, artifact.size()).map_err(|reason| invalid("web", reason))?;
    }
    let (take, asked) = (admission.take.clone(), admission.asked);
    let Settled { registration, not_granted } = settle(admission, artifact.sha256(), &inspection)?;
    let is_there = |view: &PluginView| view.name == registration.name;
    let replaced = !matches!(take, Take::New) && host.list().iter().any(is_there);
    let view = host.register(registration, artifact, inspection, take, asked).await?;
    Ok(Admitted { view, not_granted, replaced })
}

/// What is to be registered.
pub(super) struct Settled {
    pub(super) registration: Registration,
    /// What the manifest asks for and is not given.
    not_granted: Wanted,
}

/// Fills in what was left out.
pub(super) fn settle(
    admission: Admission,
    sha256: &str,
    inspection: &Inspection,
) -> Result<Settled, ControlError> {
    let name = name_for(&admission, inspection)?;
    let prefix = admission.prefix.clone().unwrap_or_else(|| format!("/{name}"));
    let prefix = check_prefix(&prefix).map_err(|error| invalid("prefix", error.to_string()))?;
    let mut grants = admission.grants;
    let requested =
        inspection.manifest.as_ref().map(|manifest| wanted(&manifest.permissions)).unwrap_or_default();
    let not_granted = grant(&mut grants, &requested, admission.grant_requested)?;
    let registration = Registration {
        version: VERSION,
        name,
        kind: inspection.kind,
        engine: admission.engine,
        prefix,
        sha256: sha256.to_owned(),
        file_name: admission.file_name,
        config: admission.config,
        limits: admission.limits,
        grants,
        source: admission.source,
        uid_slot: None,
        probe: admission.probe,
        disabled: admission.disabled,
        web: admission.web,
        created_ms: now_ms(),
    };
    Ok(Settled { registration, not_granted })
}

/// Whether it can be kept and handed to a plugin.
pub(super) fn check_config(config: &Value) -> Result<(), String> {
    // Parsers allow 128 levels, so this ends.
    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    match depth(config) {
        0..=MAX_CONFIG_DEPTH => {}
        deep => {
            return Err(format!(
                "is nested {deep} levels deep, and {MAX_CONFIG_DEPTH} are allowed: make it flatter"
            ));
        }
    }
    // `1e15` is longer than it looks.
    if config.to_string().len() > MAX_CONFIG { Err(too_long()) } else { Ok(()) }
}

pub(super) fn too_long() -> String {
    format!("has more than {MAX_CONFIG} bytes; put large data in a file and grant it with --allow-read")
}

fn name_for(admission: &Admission, inspection: &Inspection) -> Result<String, ControlError> {
    if let Some(name) = &admission.name {
        check_name(name).map_err(|reason| invalid("name", format!("{name:?} is not allowed: {reason}")))?;
        return Ok(name.clone());
    }
    if let Some(manifest) = inspection.manifest.as_ref().filter(|manifest| !manifest.name.is_empty()) {
        let name = &manifest.name;
        let wrong = |reason| {
            invalid(
                "name",
                format!("the manifest's {name:?} is not allowed: {reason}; give another with --name"),
            )
        };
        check_name(name).map_err(wrong)?;
        return Ok(name.clone());
    }
    let file = &admission.file_name;
    name_of_file(file)
        .ok_or_else(|| invalid("name", format!("the file {file:?} suggests none; give one with --name")))
}

fn invalid(field: &str, reason: String) -> ControlError {
    ControlError::Invalid(vec![(field.to_owned(), reason)])
}

fn wanted(permissions: &Permissions) -> Wanted {
    let texts =
        |paths: &[std::path::PathBuf]| paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    Wanted {
        net: permissions.net.clone(),
        read: texts(&permissions.read),
        write: texts(&permissions.write),
        env: permissions.env.clone(),
    }
}

/// Adds what is requested, where it shall be given, and returns what is not.
fn grant(grants: &mut Grants, requested: &Wanted, give: bool) -> Result<Wanted, ControlError> {
    // Of the environment a manifest gets the daemon's own values only, and what is not set cannot be given.
    let name_only = |text: &String| text.split('=').next().unwrap_or_default().to_owned();
    let names: Vec<String> = requested.env.iter().map(name_only).collect();
    let lookup = |name: &str| std::env::var(name).ok();
    let given_or_set = |name: &&String| lookup(name).is_some();
    let asked = Wanted { env: names.iter().filter(given_or_set).cloned().collect(), ..requested.clone() };
    let more = build_grants(&asked, lookup).map_err(|wrong| {
        let said = |(field, reason)| (format!("manifest.permissions.{field}"), reason);
        ControlError::Invalid(wrong.into_iter().map(said).collect())
    })?;
    if give {
        more.net.into_iter().for_each(|one| add(&mut grants.net, one));
        more.read.into_iter().for_each(|one| add(&mut grants.read, one));
        more.write.into_iter().for_each(|one| add(&mut grants.write, one));
        for (name, value) in more.env {
            if !grants.env.iter().any(|(known, _)| *known == name) {
                grants.env.push((name, value));
            }
        }
        let missing = names.into_iter().filter(|name| !grants.env.iter().any(|(known, _)| known == name));
        return Ok(Wanted { env: missing.collect(), ..Wanted::default() });
    }
    let texts = |paths: Vec<std::path::PathBuf>| {
        paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
    };
    Ok(Wanted {
        net: without(more.net, &grants.net),
        read: texts(without(more.read, &grants.read)),
        write: texts(without(more.write, &grants.write)),
        env: names.into_iter().filter(|name| !grants.env.iter().any(|(known, _)| known == name)).collect(),
    })
}

fn add<T: PartialEq>(to: &mut Vec<T>, one: T) {
    if !to.contains(&one) {
        to.push(one);
    }
}

fn without<T: PartialEq>(all: Vec<T>, given: &[T]) -> Vec<T> {
    all.into_iter().filter(|one| !given.contains(one)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested() -> Wanted {
        Wanted {
            net: vec!["Example.org:443".into(), "other.org".into()],
            read: vec!["/usr/share".into()],
            write: vec!["/srv/x".into()],
            env: vec!["PATH".into(), "VALOR_TEST_IS_NOT_SET".into()],
        }
    }

    #[test]
    fn what_is_not_given_is_said() {
        let mut grants = Grants { net: vec!["example.org:443".into()], ..Grants::default() };
        let not_granted = grant(&mut grants, &requested(), false).unwrap();
        assert_eq!(not_granted.net, ["other.org"]);
        assert_eq!(
            (not_granted.read, not_granted.write),
            (vec!["/usr/share".to_owned()], vec!["/srv/x".to_owned()])
        );
        assert_eq!(not_granted.env, ["PATH", "VALOR_TEST_IS_NOT_SET"]);
        assert_eq!(grants.net.len(), 1);
    }

    #[test]
    fn what_is_requested_is_given_when_asked_for() {
        let mut grants = Grants { env: vec![("PATH".into(), "mine".into())], ..Grants::default() };
        let not_granted = grant(&mut grants, &requested(), true).unwrap();
        assert_eq!(grants.net, ["example.org:443", "other.org"]);
        assert_eq!(grants.env, [("PATH".to_owned(), "mine".to_owned())], "the operator's own word stays");
        assert_eq!(not_granted, Wanted { env: vec!["VALOR_TEST_IS_NOT_SET".into()], ..Wanted::default() });
    }

    #[test]
    fn a_manifest_cannot_ask_for_nonsense() {
        let requested = Wanted { read: vec!["../etc".into()], ..Wanted::default() };
        for give in [false, true] {
            let error = grant(&mut Grants::default(), &requested, give).unwrap_err().to_string();
            assert!(error.contains("manifest.permissions.read[0]: write an absolute path"), "{error}");
        }
    }
}
