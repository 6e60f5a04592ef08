//! Between the daemon and its messages; and the only place where an error becomes a status.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use valor_control::v1;

use super::fit::{MAX_DETAILS, cut, cut_encoded, last_words, without_middle};
use super::{Admitted, ControlError, Outcome, Reload};
use crate::config::Wanted;
use crate::plugin::{Grants, Limits};
use crate::store::{Registration, StoreError, Web};
use crate::supervisor::logs::LogLevel;
use crate::supervisor::{
    ErrorKind, LayerReport, LayerStatus, LogLine, PluginDetail, PluginView, SupervisorError,
};

/// Whose reasons these are.
const DOMAIN: &str = "valor";
/// What is wrong with the plugin itself is `UNKNOWN`: neither the caller's arguments nor the daemon's state.
impl From<ControlError> for Status {
    fn from(error: ControlError) -> Self {
        let message = cut_encoded(&told(&error));
        let mut details = ErrorDetails::new();
        let mut metadata = HashMap::new();
        let mut room = MAX_DETAILS;
        let mut note = |key: &str, value: &str| {
            if !value.is_empty() {
                let value = cut(value, room);
                room = room.saturating_sub(value.len());
                metadata.insert(key.to_owned(), value);
            }
            room
        };
        let (code, reason) = match &error {
            ControlError::Denied(_) => {
                note("step", "connect");
                (Code::PermissionDenied, "NOT_PERMITTED")
            }
            ControlError::Full(_) => {
                note("step", "connect");
                (Code::ResourceExhausted, "TOO_MANY_CALLS")
            }
            ControlError::Invalid(wrong) => {
                let room = note("step", wrong.first().map_or("request", |(field, _)| field.as_str()));
                violations(&mut details, wrong, room);
                (Code::InvalidArgument, "INVALID")
            }
            ControlError::Upload(_) => {
                note("step", "upload");
                (Code::DataLoss, "UPLOAD_FAILED")
            }
            ControlError::Artifact(problem) => {
                note("step", &problem.step);
                note("cure", &problem.cure);
                (Code::Unknown, "ARTIFACT_UNUSABLE")
            }
            ControlError::Inspect(_) => {
                note("step", "inspect");
                (Code::Unknown, "INSPECTION_FAILED")
            }
            ControlError::File(_) => {
                note("step", "plugins file");
                (Code::Unknown, "FILE_UNUSABLE")
            }
            ControlError::Store(error) => {
                note("step", error.step());
                stored(error)
            }
            ControlError::Supervisor(error) => {
                note("step", &error.step);
                note("cure", &error.cure);
                let room = note("output", &last_words(&error.output));
                supervised(error, &mut details, room)
            }
            ControlError::Defect(_) => (Code::Internal, "DEFECT"),
        };
        details.set_error_info(reason, DOMAIN, metadata);
        Self::with_error_details(code, message, details)
    }
}

/// The message of a status: step and cure stand beside it, unless they are part of the sentence.
fn told(error: &ControlError) -> String {
    match error {
        ControlError::Invalid(wrong) if wrong.len() == 1 => "one field is wrong".to_owned(),
        ControlError::Invalid(wrong) => format!("{} fields are wrong", wrong.len()),
        ControlError::Artifact(problem) => problem.message.clone(),
        ControlError::Supervisor(error) => error.message.clone(),
        ControlError::Store(error) => error.to_string(),
        ControlError::Upload(error) => error.to_string(),
        ControlError::Inspect(error) => error.to_string(),
        ControlError::Denied(_) | ControlError::Full(_) | ControlError::File(_) | ControlError::Defect(_) => {
            error.to_string()
        }
    }
}

fn stored(error: &StoreError) -> (Code, &'static str) {
    match error {
        StoreError::Mismatch(_) => (Code::DataLoss, "UPLOAD_DAMAGED"),
        error if error.is_full() => (Code::ResourceExhausted, "STATE_FULL"),
        _ => (Code::Internal, "STATE_FAILED"),
    }
}

fn supervised(error: &SupervisorError, details: &mut ErrorDetails, room: usize) -> (Code, &'static str) {
    let mut resource = |kind: &str| {
        details.set_resource_info(kind, String::new(), String::new(), cut(&error.message, room));
    };
    match error.kind {
        ErrorKind::NotFound => {
            resource("plugin");
            (Code::NotFound, "NOT_FOUND")
        }
        ErrorKind::NameTaken => {
            resource("plugin");
            (Code::AlreadyExists, "NAME_TAKEN")
        }
        ErrorKind::PrefixTaken => {
            resource("prefix");
            (Code::AlreadyExists, "PREFIX_TAKEN")
        }
        ErrorKind::Invalid => {
            details.add_bad_request_violation(cut(&error.step, 128), cut(&error.message, room));
            (Code::InvalidArgument, "INVALID")
        }
        ErrorKind::OwnedByFile => (Code::FailedPrecondition, "OWNED_BY_FILE"),
        ErrorKind::Busy => (Code::Aborted, "BUSY"),
        ErrorKind::Disabled => (Code::FailedPrecondition, "DISABLED"),
        ErrorKind::Policy => (Code::FailedPrecondition, "SANDBOX_POLICY"),
        ErrorKind::Plugin => (Code::Unknown, "PLUGIN_FAILED"),
        ErrorKind::Deadline => (Code::Unknown, "START_TIMED_OUT"),
        ErrorKind::Full => (Code::ResourceExhausted, "STATE_FULL"),
        ErrorKind::Internal => (Code::Internal, "INTERNAL"),
        ErrorKind::ShuttingDown => (Code::Unavailable, "SHUTTING_DOWN"),
    }
}

/// As many fields as fit, and how many more there are.
fn violations(details: &mut ErrorDetails, wrong: &[(String, String)], mut room: usize) {
    for (at, (field, reason)) in wrong.iter().enumerate() {
        let (field, reason) = (cut(field, 128), without_middle(reason, MAX_DETAILS / 8));
        let cost = field.len() + reason.len() + 8;
        if cost + 64 > room {
            let more = format!("{} more fields are wrong", wrong.len() - at);
            details.add_bad_request_violation("request", more);
            return;
        }
        room -= cost;
        details.add_bad_request_violation(field, reason);
    }
}

/// Limits as they are asked for; what is not said is the default.
pub(super) fn limits_of(asked: Option<&v1::Limits>, base: &Limits) -> Result<Limits, String> {
    let Some(asked) = asked else {
        return Ok(base.clone());
    };
    let or = |asked: u32, base: u32| if asked == 0 { base } else { asked };
    let span = |asked: u32| (asked != 0).then(|| Duration::from_millis(asked.into()));
    Ok(Limits {
        timeout: span(asked.timeout_ms).unwrap_or(base.timeout),
        idle_timeout: span(asked.idle_timeout_ms).unwrap_or(base.idle_timeout),
        total_timeout: asked.total_timeout_ms.map_or(base.total_timeout, span),
        concurrency: or(asked.concurrency, base.concurrency),
        queue: asked.queue.unwrap_or(base.queue),
        instances: match asked.instances {
            0 => base.instances,
            n => u16::try_from(n).map_err(|_| format!("{n} is not between 1 and 64"))?,
        },
        memory: if asked.memory == 0 { base.memory } else { asked.memory },
        cpu: Some(asked.cpu_milli).filter(|&cpu| cpu != 0).or(base.cpu),
        pids: or(asked.pids, base.pids),
        max_body: asked.max_body.unwrap_or(base.max_body),
    })
}

fn limits(limits: &Limits) -> v1::Limits {
    let millis = |span: Duration| u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
    v1::Limits {
        timeout_ms: millis(limits.timeout),
        idle_timeout_ms: millis(limits.idle_timeout),
        total_timeout_ms: Some(limits.total_timeout.map_or(0, millis)),
        concurrency: limits.concurrency,
        queue: Some(limits.queue),
        instances: limits.instances.into(),
        memory: limits.memory,
        cpu_milli: limits.cpu.unwrap_or(0),
        pids: limits.pids,
        max_body: Some(limits.max_body),
    }
}

/// How a plugin is registered: each thing in its one form, so that equal registrations are equal messages.
pub(super) fn spec(registration: &Registration) -> v1::PluginSpec {
    let mut granted = grants(&registration.grants);
    granted.env = registration.grants.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for list in [&mut granted.net, &mut granted.read, &mut granted.write, &mut granted.env] {
        list.sort();
    }
    let config = Some(&registration.config).filter(|config| !config.is_null());
    v1::PluginSpec {
        name: registration.name.clone(),
        file_name: registration.file_name.clone(),
        sha256: registration.sha256.clone(),
        size: 0,
        prefix: registration.prefix.clone(),
        config: config.map(ToString::to_string).unwrap_or_default(),
        limits: Some(limits(&registration.limits)),
        grants: Some(granted),
        grant_requested: false,
        replace: false,
        probe: registration.probe.clone().unwrap_or_default(),
        disabled: registration.disabled,
        stored: false,
        // The artifact says it.
        kind: String::new(),
        web: registration.web.as_ref().map(web),
        engine: registration.engine.map(|engine| engine.as_str().to_owned()).unwrap_or_default(),
    }
}

fn web(web: &Web) -> v1::Web {
    let config = Some(&web.config).filter(|config| !config.is_null());
    v1::Web {
        mode: web.mode.as_str().to_owned(),
        config: config.map(ToString::to_string).unwrap_or_default(),
    }
}

/// Grants as they are asked for.
pub(super) fn wanted_of(asked: Option<&v1::Grants>) -> Wanted {
    let asked = asked.cloned().unwrap_or_default();
    Wanted { net: asked.net, read: asked.read, write: asked.write, env: asked.env }
}

fn grants(grants: &Grants) -> v1::Grants {
    let texts =
        |paths: &[std::path::PathBuf]| paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    v1::Grants {
        net: grants.net.clone(),
        read: texts(&grants.read),
        write: texts(&grants.write),
        // Values may be secrets.
        env: grants.env.iter().map(|(name, _)| name.clone()).collect(),
    }
}

pub(super) fn admitted(admitted: Admitted) -> v1::RegisterResponse {
    let Wanted { net, read, write, env } = admitted.not_granted;
    v1::RegisterResponse {
        plugin: Some(plugin(&admitted.view)),
        not_granted: Some(v1::Grants { net, read, write, env }),
        replaced: admitted.replaced,
    }
}

pub(super) fn reloaded(reload: Reload) -> v1::ReloadResponse {
    let plugin = |outcome: Outcome| v1::Reloaded {
        name: outcome.name,
        action: outcome.action.as_str().to_owned(),
        error: outcome.error.unwrap_or_default(),
    };
    v1::ReloadResponse {
        file: reload.file.map(|file| file.display().to_string()).unwrap_or_default(),
        plugins: reload.outcomes.into_iter().map(plugin).collect(),
        restart: reload.restart,
    }
}

pub(super) fn plugin(view: &PluginView) -> v1::Plugin {
    v1::Plugin {
        name: view.name.clone(),
        version: view.version.clone(),
        prefix: view.prefix.clone(),
        state: view.state.as_str().to_owned(),
        reason: view.reason.clone(),
        kind: view.kind.to_string(),
        sha256: view.sha256.clone(),
        restarts: view.restarts,
        out_of_memory: view.out_of_memory,
        web: view.web.map(|mode| mode.to_string()).unwrap_or_default(),
        since_ms: view.since_ms,
        source: view.source.as_str().to_owned(),
        requests: view.requests,
        errors: view.errors,
        in_flight: view.in_flight,
        wanted: view.wanted.into(),
        ready: view.ready.into(),
    }
}

pub(super) fn detail(detail: &PluginDetail) -> v1::InspectResponse {
    let registration = detail.registration.as_deref();
    let config = registration.map(|kept| &kept.config).filter(|config| !config.is_null());
    let instance = |instance: &crate::supervisor::InstanceView| v1::Instance {
        index: instance.index.into(),
        generation: instance.generation.0,
        pid: instance.pid,
        state: instance.state.as_str().to_owned(),
        started_ms: instance.started_ms,
        sdk: instance.sdk.clone(),
        abi: instance.abi,
        reason: instance.reason.clone(),
        restarts: instance.restarts,
    };
    v1::InspectResponse {
        plugin: Some(plugin(&detail.view)),
        config: config.map(ToString::to_string).unwrap_or_default(),
        limits: registration.map(|kept| limits(&kept.limits)),
        grants: registration.map(|kept| grants(&kept.grants)),
        manifest: detail.manifest.as_ref().map(ToString::to_string).unwrap_or_default(),
        instances: detail.instances.iter().map(instance).collect(),
        sandbox: detail.sandbox.iter().map(layer).collect(),
        log: detail.log.iter().map(|line| log_line(line)).collect(),
        engine: registration
            .and_then(|kept| kept.engine)
            .map(|engine| engine.as_str().to_owned())
            .unwrap_or_default(),
        probe: registration.and_then(|kept| kept.probe.clone()).unwrap_or_default(),
        web: registration.and_then(|kept| kept.web.as_ref()).map(web),
    }
}

pub(super) fn layer(layer: &LayerReport) -> v1::Layer {
    let status = match layer.status {
        LayerStatus::Full => "full",
        LayerStatus::Partial => "partial",
        LayerStatus::Absent => "absent",
    };
    v1::Layer {
        layer: layer.layer.clone(),
        status: status.to_owned(),
        reason: layer.reason.clone(),
        verified: layer.verified,
    }
}

pub(super) fn log_line(line: &LogLine) -> v1::LogLine {
    let level = match line.level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    v1::LogLine {
        time_ms: line.time_ms,
        stream: line.stream.as_str().to_owned(),
        level: level.to_owned(),
        target: line.target.clone(),
        message: line.message.clone(),
    }
}

/// As they are matched: longest prefix first.
pub(super) fn routes(views: &[PluginView]) -> v1::RoutesResponse {
    let mut routes: Vec<_> = views
        .iter()
        // A damaged state file does not say where its plugin was.
        .filter(|view| !view.prefix.is_empty())
        .map(|view| v1::Route {
            prefix: view.prefix.clone(),
            plugin: view.name.clone(),
            state: view.state.as_str().to_owned(),
        })
        .collect();
    routes.sort_by(|a, b| b.prefix.len().cmp(&a.prefix.len()).then_with(|| a.prefix.cmp(&b.prefix)));
    v1::RoutesResponse { routes }
}
