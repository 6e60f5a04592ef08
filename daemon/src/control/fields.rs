//! The fields of a request, each checked, so that all that is wrong is said at once.

use serde_json::Value;
use valor_control::engine::Engine;
use valor_control::kind::Kind;
use valor_control::{MAX_ARTIFACT, MAX_CONFIG, probe, v1};

use super::ControlError;
use super::admit::{check_config, too_long};
use super::convert::{limits_of, wanted_of};
use crate::config::{build_grants, check_limits};
use crate::plugin::{Grants, Limits};
use crate::routes::check_prefix;
use crate::store::{Web, check_name};

/// What is wrong so far: pairs of field and reason.
#[derive(Debug, Default)]
pub(super) struct Fields {
    wrong: Vec<(String, String)>,
}

impl Fields {
    /// Nothing is wrong, or all of it.
    pub(super) fn done(self) -> Result<(), ControlError> {
        if self.wrong.is_empty() { Ok(()) } else { Err(ControlError::Invalid(self.wrong)) }
    }

    fn say(&mut self, field: &str, reason: impl Into<String>) {
        self.wrong.push((field.to_owned(), reason.into()));
    }

    pub(super) fn name(&mut self, name: &str) {
        if let Err(reason) = check_name(name) {
            self.say("name", format!("{name:?} is not allowed: {reason}"));
        }
    }

    /// `size`: of what comes; `None`: valord keeps it already.
    pub(super) fn artifact(&mut self, file_name: &str, sha256: &str, size: Option<u64>) {
        if file_name.len() > 255 || file_name.chars().any(char::is_control) {
            self.say("file_name", "must be the name of a file, without control characters");
        }
        if sha256.len() != 64 || !sha256.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
            self.say("sha256", "must be 64 lower-case hexadecimal digits");
        }
        match size.unwrap_or(1) {
            0 => self.say("size", "the file is empty; name the built plugin"),
            1..=MAX_ARTIFACT => {}
            size => self.say("size", format!("{size} bytes are more than {MAX_ARTIFACT}; strip the library")),
        }
    }

    /// Empty: not said.
    pub(super) fn kind(&mut self, word: &str) -> Option<Kind> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
        if kind.is_none() && !word.is_empty() {
            self.say("kind", format!("{word:?} is no kind: native, wasm, wasi or js"));
        }
        kind
    }

    /// Empty: not named.
    pub(super) fn prefix(&mut self, prefix: &str) {
        if !prefix.is_empty()
            && let Err(error) = check_prefix(prefix)
        {
            self.say("prefix", error.to_string());
        }
    }

    /// `None`: not named.
    pub(super) fn config(&mut self, text: &str) -> Option<Value> {
        self.json("config", text)
    }

    /// What is not named is what it is in `base`.
    pub(super) fn web(&mut self, asked: &v1::Web, base: Option<&Web>) -> Web {
        let base = base.cloned().unwrap_or_default();
        let mode = match asked.mode.as_str() {
            "" => Ok(base.mode),
            word => word.parse(),
        };
        let mode = mode.unwrap_or_else(|reason| {
            self.say("web.mode", reason);
            base.mode
        });
        Web { mode, config: self.json("web.config", &asked.config).unwrap_or(base.config) }
    }

    fn json(&mut self, field: &str, text: &str) -> Option<Value> {
        if text.is_empty() {
            return None;
        }
        parse(text).map_err(|reason| self.say(field, reason)).ok()
    }

    /// 0 is what `base` has; no more than `most` processes.
    pub(super) fn limits(&mut self, asked: Option<&v1::Limits>, base: &Limits, most: u16) -> Limits {
        let limits = limits_of(asked, base).unwrap_or_else(|reason| {
            self.say("limits.instances", reason);
            base.clone()
        });
        let wrong = check_limits(&limits);
        if limits.instances > most && !wrong.iter().any(|(key, _)| *key == "instances") {
            let reason = format!(
                "{} is more than {most}, the most that this valord allows: max_instances in valord.toml",
                limits.instances
            );
            self.say("limits.instances", reason);
        }
        for (key, reason) in wrong {
            let unit = if key.ends_with("timeout") { "_ms" } else { "" };
            self.say(&format!("limits.{key}{unit}"), reason);
        }
        limits
    }

    pub(super) fn grants(&mut self, asked: Option<&v1::Grants>) -> Grants {
        build_grants(&wanted_of(asked), |name| std::env::var(name).ok()).unwrap_or_else(|reasons| {
            reasons.into_iter().for_each(|(field, reason)| self.say(&format!("grants.{field}"), reason));
            Grants::default()
        })
    }

    /// Empty: not named.
    pub(super) fn engine(&mut self, word: &str) -> Option<Engine> {
        if word.is_empty() {
            return None;
        }
        word.parse().map_err(|reason| self.say("engine", reason)).ok()
    }

    /// Empty: none.
    pub(super) fn probe(&mut self, path: &str) -> Option<String> {
        if path.is_empty() {
            return None;
        }
        probe::check(path).map_err(|reason| self.say("probe", reason)).ok()
    }
}

fn parse(text: &str) -> Result<Value, String> {
    if text.len() > MAX_CONFIG {
        return Err(too_long());
    }
    let config = serde_json::from_str(text)
        .map_err(|error| format!("is no JSON ({error}); a plain text needs its quotes: '\"text\"'"))?;
    check_config(&config).map(|()| config)
}
