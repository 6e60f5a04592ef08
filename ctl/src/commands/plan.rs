//! What `apply` and `diff` have in common: a file of plugins, and what differs from it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ValueHint;
use serde_json::Value;
use valor_control::plugins::{self, Change, Entry, Listed, PluginsFile, changes};
use valor_control::v1::{self, DiffRequest, ListRequest, PluginSpec};

use super::register::upload;
use crate::connect::Daemon;
use crate::exit::{Exit, Failure};
use crate::inspection::open;
use crate::output::clean;
use crate::view;

/// Which file.
#[derive(Debug, clap::Args)]
pub(crate) struct FileArgs {
    /// The plugins file, TOML or JSON; -: from stdin, with paths from here
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

/// What is to be done, and what of the file cannot be.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What is gone from the file first, then the entries in their order.
    pub(super) steps: Vec<Step>,
    pub(super) failures: Vec<Failure>,
}

/// What shall become of one plugin.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) action: Action,
    /// Who owns what is there; empty: nothing is.
    pub(super) source: String,
    pub(super) changes: Vec<Change>,
    /// The prefixes that it has and shall have, where there is such a plugin.
    prefixes: Option<(String, String)>,
    /// The entry, in full.
    pub(super) spec: PluginSpec,
    /// The artifact, where valord does not keep it already.
    pub(super) file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Keep,
    Register,
    Replace,
    Enable,
    Disable,
    Unregister,
}

impl Action {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Register => "register",
            Self::Replace => "replace",
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Unregister => "unregister",
        }
    }

    /// What is said of it when it is done.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Keep => "unchanged",
            Self::Register => "registered",
            Self::Replace => "replaced",
            Self::Enable => "enabled",
            Self::Disable => "disabled",
            Self::Unregister => "unregistered",
        }
    }
}

impl Plan {
    /// Reads the file and asks valord what of it is otherwise there.
    pub(super) async fn make(daemon: &mut Daemon, args: &FileArgs) -> Result<Self, Failure> {
        let (text, title) = (args.read()?, args.title());
        let file = PluginsFile::parse(&text)
            .map_err(|wrong| Failure::new(Exit::Usage, format!("{title}:{wrong}")))?;
        let deadline = daemon.deadline;
        let listed = deadline.answer("list", daemon.client.list(deadline.request(ListRequest {}))).await?;
        // What the daemon's own file owns is none of this one's business.
        let gone = |plugin: &v1::Plugin| plugin.source == "api" && !file.may_name(&plugin.name);
        let mut plan = Self::default();
        plan.steps.extend(listed.plugins.into_iter().filter(gone).map(Step::unregister));
        for listed in &file.entries {
            match Step::find(daemon, &args.folder(), listed).await {
                Ok(step) => plan.steps.push(step),
                Err(failure) => {
                    let place = listed.wrong("", "").to_string();
                    plan.failures.push(failure.at(&format!("{title}:{}", place.trim_end_matches(": "))));
                }
            }
        }
        let refused = |wrong| Failure::new(Exit::Usage, format!("{title}:{wrong}"));
        plan.failures.extend(file.refused.into_iter().map(refused));
        Ok(plan)
    }
}

impl FileArgs {
    fn is_stdin(&self) -> bool {
        self.file == Path::new("-")
    }

    /// As it stands before errors.
    fn title(&self) -> String {
        if self.is_stdin() { "stdin".to_owned() } else { self.file.display().to_string() }
    }

    fn folder(&self) -> PathBuf {
        if self.is_stdin() { PathBuf::from(".") } else { plugins::folder(&self.file) }
    }

    fn read(&self) -> Result<String, Failure> {
        let text =
            if self.is_stdin() { plugins::read_from(std::io::stdin()) } else { plugins::read(&self.file) };
        text.map_err(|error| {
            let exit = if error.kind() == ErrorKind::NotFound { Exit::NotFound } else { Exit::Failed };
            Failure::new(exit, format!("read {}: {error}", self.title()))
        })
    }
}

impl Step {
    fn unregister(plugin: v1::Plugin) -> Self {
        Self {
            name: plugin.name,
            action: Action::Unregister,
            source: plugin.source,
            changes: Vec::new(),
            prefixes: None,
            spec: PluginSpec::default(),
            file: None,
        }
    }

    async fn find(daemon: &mut Daemon, folder: &Path, listed: &Listed) -> Result<Self, Failure> {
        let entry = &listed.entry;
        let mut spec = entry.spec();
        let mut file = None;
        if entry.sha256.is_none() {
            file = Some(locate(entry, folder, &mut spec).await?);
        }
        let deadline = daemon.deadline;
        let request = deadline.request(DiffRequest { spec: Some(spec.clone()) });
        let found = deadline.answer("diff", daemon.client.diff(request)).await?;
        if found.stored {
            (spec.stored, spec.size, file) = (true, 0, None);
        } else if file.is_none() {
            file = Some(locate(entry, folder, &mut spec).await?);
        }
        if spec.file_name.is_empty() {
            spec.file_name = file_name(Path::new(entry.path.as_deref().unwrap_or_default()));
        }
        let prefix_of = |spec: &Option<PluginSpec>| spec.as_ref().map(|spec| spec.prefix.clone());
        let prefixes = prefix_of(&found.from).zip(prefix_of(&found.to));
        let to = settings(found.to.unwrap_or_default());
        let (action, changes) = match found.from {
            None => (Action::Register, changes(&Value::Null, &settings(entry.spec()))),
            Some(from) => {
                let changes = changes(&settings(from), &to);
                (action(&changes, entry.disabled), changes)
            }
        };
        Ok(Self { name: entry.name.clone(), action, source: found.source, changes, prefixes, spec, file })
    }

    /// Where it is and where it shall be.
    pub(super) fn place(&self) -> Option<plugins::Home<'_>> {
        let (from, to) = match &self.prefixes {
            Some((from, to)) => (Some(from.as_str()), to.as_str()),
            None => (None, self.spec.prefix.as_str()),
        };
        (!to.is_empty()).then_some(plugins::Home { name: &self.name, from, to })
    }

    /// For machines.
    pub(super) fn view(self, done: bool, error: Option<String>) -> view::Step {
        let Self { name, action, source, changes, .. } = self;
        view::Step { name, action: action.as_str(), source, done, changes, error }
    }

    /// For people: each change on a line.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.changes
            .iter()
            .filter(|change| change.field != "name")
            .map(|change| format!("    {}", text(change)))
    }
}

/// What the artifact is called, hashes to, and how long it is; an entry's own hash must be right.
async fn locate(entry: &Entry, folder: &Path, spec: &mut PluginSpec) -> Result<PathBuf, Failure> {
    let wrong = |exit, what: String| Failure::new(exit, what);
    let Some(path) = &entry.path else {
        let message = "sha256: valord keeps no such artifact".to_owned();
        return Err(wrong(Exit::NotFound, message).cure("say with `path` where it is"));
    };
    let mut places = plugins::search_path();
    places.push(folder.to_owned());
    let found = plugins::find(path, folder, &places)
        .map_err(|reason| wrong(Exit::NotFound, format!("path: {reason}")))?;
    let upload::Digest { sha256, size, .. } = upload::digest(open(&found)?, &found).await?;
    if entry.sha256.as_ref().is_some_and(|expected| *expected != sha256) {
        let message = format!("sha256: {} has {sha256}", found.display());
        return Err(wrong(Exit::Failed, message).cure("correct `path` or `sha256`"));
    }
    (spec.file_name, spec.sha256, spec.size) = (file_name(&found), sha256, size);
    Ok(found)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What differs decides what is done: to enable or disable starts nothing anew.
fn action(changes: &[Change], disabled: bool) -> Action {
    match changes {
        [] => Action::Keep,
        [only] if only.field == "disabled" && disabled => Action::Disable,
        [only] if only.field == "disabled" => Action::Enable,
        _ => Action::Replace,
    }
}

/// As in a file; what the artifact's file was called does not matter.
fn settings(spec: PluginSpec) -> Value {
    let entry = Entry { path: None, ..Entry::from(spec) };
    serde_json::to_value(entry).unwrap_or_default()
}

/// `limits.timeout: 30s → 5s`, `grants.net: +example.org:443 -old.example:443`.
fn text(Change { field, from, to }: &Change) -> String {
    let items = |value: &Value| value.as_array().cloned().or_else(|| value.is_null().then(Vec::new));
    let change = match (items(from), items(to)) {
        (Some(from), Some(to)) if field.starts_with("grants.") => {
            let added = to.iter().filter(|item| !from.contains(item)).map(|item| format!("+{}", word(item)));
            let removed =
                from.iter().filter(|item| !to.contains(item)).map(|item| format!("-{}", word(item)));
            added.chain(removed).collect::<Vec<_>>().join(" ")
        }
        _ if field == "sha256" => [from, to].map(|hash| format!("{:.12}", word(hash))).join(" → "),
        _ if from.is_null() => word(to),
        _ => format!("{} → {}", word(from), word(to)),
    };
    clean(&format!("{field}: {change}")).into_owned()
}

/// Text as it is, if it is one word; else as JSON.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) => text.clone(),
        other => other.to_string(),
    }
}
