//! The manual pages valord(8) and valord.toml(5), made from the command line and the schema, so that they cannot say otherwise.

use std::io;
use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use serde_json::Value;

use super::Cli;
use super::file::File;

/// Writes both into a directory.
///
/// # Errors
/// When a file cannot be written.
pub fn write_manual(dir: &Path) -> io::Result<()> {
    std::fs::write(dir.join("valord.8"), daemon()?)?;
    std::fs::write(dir.join("valord.toml.5"), configuration(&schemars::schema_for!(File).to_value()).render())
}

fn daemon() -> io::Result<Vec<u8>> {
    let man = Man::new(Cli::command()).section("8");
    let mut page = Vec::new();
    man.render(&mut page)?;
    let mut more = Roff::new();
    more.control("SH", ["SIGNALS"]);
    entry(
        &mut more,
        "SIGTERM, SIGINT",
        "Finish what is in flight, end the plugins, and exit; a second one ends at once.",
    );
    more.control("SH", ["FILES"]);
    for (file, what) in [
        ("/etc/valor/valord.toml", "The configuration, see valord.toml(5)."),
        (
            "/run/valor/control.sock",
            "Where valorctl reaches valord, for root and the members of group valor.",
        ),
        ("/var/lib/valor", "Registrations, artifacts and the data of plugins."),
    ] {
        entry(&mut more, file, what);
    }
    see_also(&mut more, "valorctl(1), valord.toml(5), systemd.socket(5)");
    page.extend_from_slice(more.render().as_bytes());
    Ok(page)
}

fn configuration(schema: &Value) -> Roff {
    let mut page = Roff::new();
    page.control("TH", ["valord.toml", "5", "", concat!("valord ", env!("CARGO_PKG_VERSION")), ""]);
    page.control("SH", ["NAME"]).text([roman("valord.toml - the configuration of valord(8)")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "TOML. Every key may be left out, an unknown one is an error. Times are written as 500ms, 30s or 5m, sizes as 512KiB or 64MiB.",
    )]);
    page.control("SH", ["KEYS"]);
    let (tables, keys): (Vec<_>, Vec<_>) =
        properties(schema).into_iter().partition(|(_, key)| table(schema, key).is_some());
    for (name, key) in keys {
        entry(&mut page, name, description(key));
    }
    for (name, key) in tables {
        let Some(inner) = table(schema, key) else { continue };
        page.control("SS", [format!("[{name}]").as_str()]);
        page.text([italic(description(key))]);
        for (name, key) in properties(inner) {
            entry(&mut page, name, description(key));
        }
    }
    see_also(&mut page, "valord(8), valorctl(1)");
    page
}

fn entry(page: &mut Roff, name: &str, text: &str) {
    page.control("TP", []).text([bold(name)]).text([roman(text)]);
}

fn see_also(page: &mut Roff, pages: &str) {
    page.control("SH", ["SEE ALSO"]).text([roman(pages)]);
}

fn properties(schema: &Value) -> Vec<(&str, &Value)> {
    let map = schema["properties"].as_object();
    map.into_iter().flatten().map(|(name, key)| (name.as_str(), key)).collect()
}

/// The table that a key is, where it is one.
fn table<'a>(schema: &'a Value, key: &Value) -> Option<&'a Value> {
    let name = key["$ref"].as_str()?.strip_prefix("#/$defs/")?;
    Some(&schema["$defs"][name]).filter(|def| def["properties"].is_object())
}

fn description(key: &Value) -> &str {
    key["description"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_every_flag_is_told() {
        let dir = tempfile::tempdir().unwrap();
        write_manual(dir.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        let (daemon, file) = (read("valord.8"), read("valord.toml.5"));
        for flag in Cli::command().get_arguments().filter(|flag| !flag.is_hide_set()) {
            let long = flag.get_long().unwrap_or_default().replace('-', "\\-");
            assert!(daemon.contains(&long), "{long}: {daemon}");
        }
        let schema = schemars::schema_for!(File).to_value();
        let mut keys = 0;
        for (name, key) in properties(&schema) {
            let inner = table(&schema, key).map(properties).unwrap_or_default();
            for (name, key) in inner.into_iter().chain([(name, key)]) {
                keys += 1;
                assert!(file.contains(name), "{name}: {file}");
                assert!(!description(key).is_empty(), "{name} is not described");
            }
        }
        assert!(keys > 30, "{keys}");
    }
}
