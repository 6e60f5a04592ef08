//! The conformance suite of `sdk/web/conformance`, run in this engine, and in Deno to hold the suite itself to what others do.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Engine, Seen};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/web/conformance")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// The tests that may fail in an engine: rows `| quickjs | test | why |` of the table.
fn differences(engine: &str) -> BTreeSet<String> {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    read("DIFFERENCES.md")
        .lines()
        .map(cells)
        .filter(|cells| cells.len() > 3 && cells[1] == engine)
        .map(|cells| cells[2].clone())
        .collect()
}

/// Runs a module of the suite; the tests that fail, and why.
fn failures(name: &str) -> (usize, Vec<(String, String)>) {
    let module = format!(
        "{}\n{}\nexport default {{ fetch: async () => Response.json(await run(tests, \"http://server.test\")) }};",
        read("runner.js").replace("export ", ""),
        read(name),
    );
    let mut engine = Engine::ready(&module);
    let id = engine.link.open("GET", "/", &[], 0, true);
    let answer = loop {
        let seen = engine.link.next(|seen| matches!(seen, Seen::Request { .. }) || seen.id() == id);
        match seen {
            Seen::Request { id, method, target, fields, .. } => {
                serve(&mut engine, id, &method, &target, &fields);
            }
            Seen::Response { status: 200, .. } => break engine.link.body(id),
            other => panic!("{name}: {other:?}"),
        }
    };
    let results: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&answer).unwrap();
    let count = results.len();
    let failed = |(test, why): (String, serde_json::Value)| Some((test, why.as_str()?.to_owned()));
    (count, results.into_iter().filter_map(failed).collect())
}

/// The server of the suite, as `runner.js` describes it.
fn serve(
    engine: &mut Engine,
    id: valor_wire::StreamId,
    method: &str,
    target: &str,
    fields: &[(String, String)],
) {
    let link = &mut engine.link;
    match target.strip_prefix("http://server.test").unwrap() {
        "/echo" => {
            let body = link.body(id);
            let mut echoed = vec![("x-method", method)];
            let kind = fields.iter().find(|(name, _)| name == "content-type");
            echoed.extend(kind.map(|(name, value)| (name.as_str(), value.as_str())));
            link.respond(id, 200, &echoed, false);
            link.send(id, &body, true);
        }
        "/stream" => {
            link.respond(id, 200, &[], false);
            link.send(id, b"a", false);
            link.send(id, b"b", false);
            link.send(id, b"c", true);
        }
        // As valord does, who follows it unless it is told not to.
        "/redirect" => {
            let manual = fields.iter().any(|(name, value)| name == "valor-redirect" && value == "manual");
            let (status, fields) =
                if manual { (302, &[("location", "/status/200")][..]) } else { (200, &[][..]) };
            link.respond(id, status, fields, true);
        }
        "/never" => {}
        path => {
            let status = path.strip_prefix("/status/").unwrap().parse().unwrap();
            link.respond(id, status, &[], true);
        }
    }
}

/// Holds what has failed in an engine against the table, which must be complete and not too long.
fn compare(engine: &str, failed: &[(String, String)]) {
    let allowed = differences(engine);
    let names: BTreeSet<String> = failed.iter().map(|(name, _)| name.clone()).collect();
    let surprises: Vec<_> = failed.iter().filter(|(name, _)| !allowed.contains(name)).collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    let passing: Vec<_> = allowed.difference(&names).collect();
    assert!(passing.is_empty(), "the table says that these fail: {passing:?}");
}

fn modules() -> Vec<String> {
    let names = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".js") && name != "runner.js").collect()
}

#[test]
fn the_suite_passes_but_for_what_the_table_says() {
    let (mut failed, mut ran) = (Vec::new(), 0);
    for name in modules() {
        let (count, failures) = failures(&name);
        assert!(count > 0, "{name} has no tests");
        ran += count;
        failed.extend(failures);
    }
    assert!(modules().len() >= 17 && ran > 100, "only {ran} tests of {} modules were found", modules().len());
    compare("quickjs", &failed);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test starts Deno")]
fn deno_passes_it_but_for_what_the_table_says() {
    let installed =
        Command::new(folder().join("../tools/deno.sh")).stderr(Stdio::inherit()).output().unwrap();
    assert!(installed.status.success(), "Deno cannot be installed: node.js and npm are needed");
    let cache = tempfile::tempdir().unwrap();
    let output = Command::new(String::from_utf8(installed.stdout).unwrap().trim())
        .args(["run", "--no-prompt", "--no-lock", "--no-remote", "--no-npm", "--no-config", "--quiet"])
        .args(["--allow-net=127.0.0.1", "--allow-read=.", "deno.mjs"])
        .args(modules())
        .current_dir(folder())
        .env("DENO_DIR", cache.path())
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let results = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let results: serde_json::Map<String, serde_json::Value> = results.unwrap_or_else(|| panic!("{errors}"));
    assert!(results.len() > 100, "only {} tests were found", results.len());
    let failed = |(test, why): (String, serde_json::Value)| Some((test, why.as_str()?.to_owned()));
    compare("deno", &results.into_iter().filter_map(failed).collect::<Vec<_>>());
}
