//! The real `valord` as a process: what it writes down, and what it holds on to.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tonic::Code;
use valor_control::v1::{InspectRequest, ListRequest, RestartRequest, UnregisterRequest};

use super::raw::{PREFACE, Raw, SETTINGS, frame};
use super::refused;
use crate::artifacts::{built, command};
use crate::client::{self, Spec};
use crate::harness::PATIENCE;

/// Killed when it is dropped.
pub(super) struct Process {
    child: Child,
    pub(super) dir: TempDir,
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Process {
    pub(super) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let mut valord = command(built("valord"));
        valord.args(["--listen", "127.0.0.1:0", "--control"]).arg(dir.path().join("control.sock"));
        valord.arg("--state-dir").arg(dir.path().join("state")).env("VALOR_LOG", "info").env("NO_COLOR", "1");
        let mut child = valord.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line));
        });
        let this = Self { child, dir, log };
        this.until_logged("ready control=").await;
        this
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.path().join("control.sock")
    }

    /// The first line of its log that has this text.
    pub(super) async fn until_logged(&self, text: &str) -> String {
        let waiting = async {
            loop {
                if let Some(line) = self.log.lock().unwrap().iter().find(|line| line.contains(text)) {
                    return line.clone();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("valord never logs {text:?} but {:#?}", self.log.lock().unwrap()))
    }

    fn audit(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.contains(" audit: ")).cloned().collect()
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Anonymous memory that it has in use, in KiB.
    fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn every_change_is_audited_and_no_text_can_forge_a_line() {
    let valord = Process::start().await;
    let control = client::connect(&valord.socket()).await;
    let hello = |name: &str| Spec::new(built("libhello_c_plugin.so"), name);
    client::register(control.clone(), hello("one")).await.unwrap();
    client::register(control.clone(), hello("one").replace()).await.unwrap();
    let evil = "x\" outcome=\"ok\" uid=0\n2026-01-01T00:00:00Z  INFO audit: control verb=\"forged\"\u{1b}[2J";
    let forged = |change: fn(&mut valor_control::v1::PluginSpec, String)| {
        hello("two").change(|spec| change(spec, evil.to_owned()))
    };
    for spec in [
        forged(|spec, evil| spec.name = evil),
        forged(|spec, evil| spec.prefix = evil),
        forged(|spec, evil| spec.config = evil),
        forged(|spec, evil| spec.grants.get_or_insert_default().net = vec![evil]),
        forged(|spec, evil| spec.grants.get_or_insert_default().env = vec![evil]),
        forged(|spec, evil| spec.grants.get_or_insert_default().read = vec![evil]),
    ] {
        let status = client::register(control.clone(), spec).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    let mut control = control;
    let long = format!("{evil}{}", "x".repeat(1 << 20));
    for name in [evil, &long] {
        let status =
            control.restart(RestartRequest { name: name.into(), ..Default::default() }).await.unwrap_err();
        refused(&status, Code::NotFound, "NOT_FOUND", "name");
        control.unregister(UnregisterRequest { name: name.into() }).await.unwrap_err();
    }
    control.restart(RestartRequest { name: "one".into(), ..Default::default() }).await.unwrap();
    // To look is no change.
    control.list(ListRequest {}).await.unwrap();
    control.inspect(InspectRequest { name: "one".into() }).await.unwrap();
    control.unregister(UnregisterRequest { name: "one".into() }).await.unwrap();
    valord.until_logged("verb=\"unregister\" plugin=\"one\"").await;

    let audit = valord.audit();
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let who = format!("uid={uid} gid={gid} pid={}", std::process::id());
    let mut seen = Vec::new();
    for line in &audit {
        assert!(line.len() < 2000 && !line.contains('\u{1b}'), "{line}");
        // What is quoted is a text; what is not, a field.
        let mut fields = String::new();
        let (mut quoted, mut escaped) = (false, false);
        for c in line.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                c if !quoted => fields.push(c),
                _ => {}
            }
        }
        for once in ["verb=", "plugin=", "uid=", "gid=", "pid=", "outcome="] {
            assert_eq!(fields.matches(once).count(), 1, "{once} in {line}");
        }
        assert!(line.contains(&who), "{line}");
        let verb = line.split("verb=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        seen.push((verb, fields.contains("error=")));
    }
    let count = |verb: &str, failed| seen.iter().filter(|one| **one == (verb.to_owned(), failed)).count();
    assert_eq!((count("register", false), count("replace", false)), (1, 1), "{audit:#?}");
    assert_eq!((count("restart", false), count("unregister", false)), (1, 1), "{audit:#?}");
    assert_eq!(
        (count("register", true), count("restart", true), count("unregister", true)),
        (6, 2, 2),
        "{audit:#?}"
    );
    assert_eq!(seen.len(), 14, "{audit:#?}");
}

#[tokio::test]
async fn descriptors_and_memory_come_back_to_what_they_were() {
    let valord = Process::start().await;
    let mut control = client::connect(&valord.socket()).await;
    let hello = Spec::new(built("libhello_c_plugin.so"), "neighbour");
    client::register(control.clone(), hello).await.unwrap();
    let same = control.clone();
    let storm = async || {
        for round in 0..8 {
            let mut raws = Vec::new();
            for n in 0..100 {
                let mut raw = Raw::connect(&valord.socket()).await;
                let garbage = [&b"\x16\x03\x01garbage"[..], PREFACE, &[0xff; 4096]][(n + round) % 3];
                let _taken = raw.send(garbage).await;
                raws.push(raw);
            }
            for _ in 0..30 {
                let mut one = client::connect(&valord.socket()).await;
                one.restart(RestartRequest { name: "x".repeat(1 << 20), ..Default::default() })
                    .await
                    .unwrap_err();
            }
            let status = client::register(
                same.clone(),
                Spec::new(built("libhello_c_plugin.so"), "other").change(|spec| spec.config = "{".into()),
            );
            status.await.unwrap_err();
        }
        let mut last = Raw::connect(&valord.socket()).await;
        assert!(last.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await);
        assert!(last.is_served().await);
    };
    let settled = async |wanted: usize| {
        let waiting = async {
            while valord.descriptors() > wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{} descriptors, and there were {wanted}", valord.descriptors());
    };
    control.list(ListRequest {}).await.unwrap();
    let descriptors = valord.descriptors();
    // The first storm makes the allocator and the pools as large as they get.
    storm().await;
    settled(descriptors).await;
    let memory = valord.memory();
    for _ in 0..3 {
        storm().await;
    }
    settled(descriptors).await;
    let after = valord.memory();
    // Three more storms carry 720 MiB of names; what is kept of each would show.
    assert!(after < memory + 64 * 1024, "{memory} KiB became {after} KiB");
    control.list(ListRequest {}).await.unwrap();
}
