//! The manifest: from Cargo.toml and the attribute's arguments to the JSON in the library.

use std::path::{Path, PathBuf};

use proc_macro2::Span;
use serde_json::{Map, Value, json};
use syn::Error;

use crate::args::Args;

pub(crate) struct Manifest {
    pub(crate) json: String,
    /// What it was made of, apart from the source.
    pub(crate) files: Vec<PathBuf>,
}

/// Builds it, from what Cargo says about the package that is compiled.
pub(crate) fn build(args: &Args) -> syn::Result<Manifest> {
    let var = |name: &str| std::env::var(name).ok();
    let dir = var("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let package = Package {
        name: var("CARGO_PKG_NAME")
            .or_else(|| var("CARGO_CRATE_NAME"))
            .unwrap_or_else(|| "plugin".to_owned()),
        version: var("CARGO_PKG_VERSION").unwrap_or_else(|| "0.0.0".to_owned()),
    };
    let cargo_toml = dir.as_ref().map(|dir| dir.join("Cargo.toml")).filter(|path| path.exists());
    let text = match &cargo_toml {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|e| failed(&format!("{}: {e}", path.display())))?
        }
        None => String::new(),
    };
    let mut files: Vec<_> = cargo_toml.into_iter().collect();
    let mut read = |name: &str| {
        let path = dir.as_deref().unwrap_or(Path::new(".")).join(name);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{name}, beside Cargo.toml: {e}"))?;
        files.push(path);
        serde_json::from_str(&text).map_err(|e| format!("{name} is no JSON: {e}"))
    };
    let json = assemble(&package, &text, args, &mut read).map_err(|reason| failed(&reason))?.to_string();
    Ok(Manifest { json, files })
}

fn failed(reason: &str) -> Error {
    Error::new(Span::call_site(), format!("the plugin's manifest: {reason}"))
}

struct Package {
    name: String,
    version: String,
}

type Read<'a> = &'a mut dyn FnMut(&str) -> Result<Value, String>;

fn assemble(package: &Package, cargo_toml: &str, args: &Args, read: Read<'_>) -> Result<Value, String> {
    let document: toml::Table = cargo_toml.parse().map_err(|e| format!("Cargo.toml: {e}"))?;
    let metadata = document.get("package").and_then(|p| p.get("metadata")).and_then(|m| m.get("valor"));
    let metadata = match metadata.map(serde_json::to_value) {
        None => Map::new(),
        Some(Ok(Value::Object(metadata))) => metadata,
        Some(_) => return Err("[package.metadata.valor] of Cargo.toml is no table".to_owned()),
    };
    known(&metadata, &["name", "permissions", "config_schema", "openapi"], "[package.metadata.valor]")?;
    let name = match (&args.name, metadata.get("name")) {
        (Some(name), _) => name.clone(),
        (None, None) => package.name.clone(),
        (None, Some(Value::String(name))) => name.clone(),
        (None, Some(_)) => return Err("`name` is no string".to_owned()),
    };
    let mut schema = |key: &str, argument: &Option<String>| match (argument, metadata.get(key)) {
        (Some(path), _) => read(path),
        (None, Some(Value::String(path))) => read(path),
        (None, Some(inline @ Value::Object(_))) => Ok(inline.clone()),
        (None, None) => Ok(Value::Null),
        (None, Some(_)) => Err(format!("`{key}` is neither a table nor the name of a file")),
    };
    Ok(json!({
        "manifest": 1,
        "name": name,
        "version": package.version,
        "abi": 1,
        "sdk": concat!("valor ", env!("CARGO_PKG_VERSION")),
        "permissions": permissions(metadata.get("permissions"), args)?,
        "config_schema": schema("config_schema", &args.config_schema)?,
        "openapi": schema("openapi", &args.openapi)?,
    }))
}

fn permissions(metadata: Option<&Value>, args: &Args) -> Result<Value, String> {
    let empty = Map::new();
    let metadata = match metadata {
        None => &empty,
        Some(Value::Object(metadata)) => metadata,
        Some(_) => return Err("`permissions` is no table".to_owned()),
    };
    known(metadata, &["net", "read", "write", "env"], "`permissions`")?;
    let mut all = Map::new();
    for (key, argument) in
        [("net", &args.net), ("read", &args.read), ("write", &args.write), ("env", &args.env)]
    {
        let list = match (argument, metadata.get(key)) {
            (Some(list), _) => list.clone(),
            (None, None) => Vec::new(),
            (None, Some(value)) => serde_json::from_value(value.clone())
                .map_err(|_| format!("`{key}` of `permissions` is no list of strings"))?,
        };
        all.insert(key.to_owned(), list.into());
    }
    Ok(all.into())
}

fn known(table: &Map<String, Value>, keys: &[&str], place: &str) -> Result<(), String> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!("`{key}` is not known in {place}; there are: {}", keys.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cargo_toml: &str, args: &Args) -> Result<Value, String> {
        let package = Package { name: "notes".to_owned(), version: "1.2.3".to_owned() };
        assemble(&package, cargo_toml, args, &mut |name| Ok(json!({ "read from": name })))
    }

    #[test]
    fn without_a_word_it_asks_for_nothing() {
        let sdk = concat!("valor ", env!("CARGO_PKG_VERSION"));
        let none = json!({"net": [], "read": [], "write": [], "env": []});
        let expected = json!({"manifest": 1, "name": "notes", "version": "1.2.3", "abi": 1, "sdk": sdk,
            "permissions": none, "config_schema": null, "openapi": null});
        assert_eq!(of("[package]\nname = 'x'", &Args::default()).unwrap(), expected);
    }

    #[test]
    fn cargo_toml_says_more_and_arguments_go_before_it() {
        let text = "[package.metadata.valor]\nname = 'n'\nopenapi = 'api.json'\nconfig_schema = { type = 'string' }\n\
                    permissions = { net = ['a:1'], env = ['TZ'] }";
        let manifest = of(text, &Args::default()).unwrap();
        assert_eq!(manifest["name"], "n");
        assert_eq!(manifest["openapi"], json!({"read from": "api.json"}));
        assert_eq!(manifest["config_schema"], json!({"type": "string"}));
        let args = Args { net: Some(vec!["b:2".to_owned()]), name: Some("m".to_owned()), ..Args::default() };
        let manifest = of(text, &args).unwrap();
        assert_eq!(manifest["name"], "m");
        assert_eq!(manifest["permissions"], json!({"net": ["b:2"], "read": [], "write": [], "env": ["TZ"]}));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, word) in [
            ("[package.metadata.valor]\nopenApi = 'x'", "`openApi` is not known"),
            ("[package.metadata.valor]\npermissions = { network = [] }", "`network` is not known"),
            ("[package.metadata.valor]\npermissions = { net = 'a:1' }", "`net` of `permissions`"),
            ("[package.metadata]\nvalor = 1", "no table"),
            ("[package", "Cargo.toml"),
        ] {
            let error = of(text, &Args::default()).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
