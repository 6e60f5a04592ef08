//! `replace`: what is named is new, the rest is as it was.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use tonic::Status;
use valor_control::v1::register_request::Part as Sent;
use valor_control::v1::replace_request::Part;
use valor_control::v1::{RegisterRequest, ReplaceRequest, ReplaceSpec};

use super::error::UploadError;
use super::fields::Fields;
use super::register::{Accepted, Patience};
use super::{Admission, ControlError};
use crate::plugin::Grants;
use crate::store::{Registration, Source};
use crate::supervisor::{Asked, SupervisorError, Take};

/// The first message.
pub(super) async fn spec(
    messages: &mut (impl Stream<Item = Result<ReplaceRequest, Status>> + Unpin),
    patience: Patience,
) -> Result<ReplaceSpec, ControlError> {
    match tokio::time::timeout(patience.idle, messages.next()).await {
        Err(_) => Err(ControlError::Upload(UploadError::Stalled(patience.idle))),
        Ok(Some(Ok(ReplaceRequest { part: Some(Part::Spec(spec)) }))) => Ok(spec),
        Ok(Some(Ok(_)) | None) => Err(ControlError::Upload(UploadError::Order)),
        Ok(Some(Err(_))) => Err(ControlError::Upload(UploadError::Broken)),
    }
}

/// The others, as those of a registration.
pub(super) fn chunks(
    messages: impl Stream<Item = Result<ReplaceRequest, Status>> + Unpin,
) -> impl Stream<Item = Result<RegisterRequest, Status>> + Unpin {
    messages.map(|message| {
        let ReplaceRequest { part } = message?;
        let part = part.and_then(|part| match part {
            Part::Chunk(chunk) => Some(Sent::Chunk(chunk)),
            Part::Spec(_) => None,
        });
        Ok(RegisterRequest { part })
    })
}

/// Puts the change over what is registered. An empty hash: the artifact stays.
pub(super) fn accept(
    spec: ReplaceSpec,
    base: Option<Arc<Registration>>,
    most: u16,
    asked: Asked,
) -> Result<Accepted, ControlError> {
    let mut fields = Fields::default();
    fields.name(&spec.name);
    let stays = spec.sha256.is_empty() && spec.size == 0;
    if !stays {
        fields.artifact(&spec.file_name, &spec.sha256, Some(spec.size));
    }
    fields.prefix(&spec.prefix);
    let config = fields.config(&spec.config);
    let named = fields.grants(spec.grants.as_ref());
    let probe = spec.probe.as_deref().map(|path| fields.probe(path));
    let engine = fields.engine(&spec.engine);
    // What is wrong in itself is said before it is asked what is there.
    let Some(base) = base else {
        fields.done()?;
        return Err(SupervisorError::not_found(&spec.name).into());
    };
    let limits = fields.limits(spec.limits.as_ref(), &base.limits, most);
    let web = spec.web.as_ref().map(|web| fields.web(web, base.web.as_ref()));
    fields.done()?;
    let former = if spec.no_grants { Grants::default() } else { base.grants.clone() };
    let admission = Admission {
        name: Some(base.name.clone()),
        kind: None,
        engine: engine.or(base.engine),
        file_name: if stays { base.file_name.clone() } else { spec.file_name },
        prefix: Some(if spec.prefix.is_empty() { base.prefix.clone() } else { spec.prefix }),
        config: config.unwrap_or_else(|| base.config.clone()),
        limits,
        grants: over(former, named),
        grant_requested: spec.grant_requested,
        probe: probe.unwrap_or_else(|| base.probe.clone()),
        disabled: base.disabled,
        web: web.or_else(|| base.web.clone()).filter(|_| !spec.no_web),
        source: Source::Api,
        asked,
        take: Take::Change(Arc::clone(&base)),
    };
    let sha256 = if stays { base.sha256.clone() } else { spec.sha256 };
    Ok(Accepted { admission, sha256, size: spec.size })
}

/// Each kind that is named takes the place of the former ones of this kind.
fn over(former: Grants, named: Grants) -> Grants {
    fn one<T>(former: Vec<T>, named: Vec<T>) -> Vec<T> {
        if named.is_empty() { former } else { named }
    }
    Grants {
        net: one(former.net, named.net),
        read: one(former.read, named.read),
        write: one(former.write, named.write),
        env: one(former.env, named.env),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Limits;
    use serde_json::Value;
    use valor_control::web::Mode;

    use crate::store::{VERSION, Web};
    use valor_control::kind::Kind;
    use valor_control::v1;

    fn base() -> Arc<Registration> {
        Arc::new(Registration {
            version: VERSION,
            name: "x".into(),
            kind: Kind::Native,
            engine: None,
            prefix: "/deep".into(),
            sha256: "ab".repeat(32),
            file_name: "libx.so".into(),
            config: serde_json::json!({"a": 1}),
            limits: Limits { concurrency: 7, instances: 3, ..Limits::default() },
            grants: Grants {
                net: vec!["example.org:443".into()],
                env: vec![("SECRET".into(), "kept".into())],
                ..Grants::default()
            },
            source: Source::Api,
            uid_slot: Some(1),
            probe: Some("/health".into()),
            disabled: true,
            web: Some(Web { mode: Mode::Local, config: "public".into() }),
            created_ms: 1,
        })
    }

    fn change(change: impl FnOnce(&mut ReplaceSpec)) -> Result<Accepted, ControlError> {
        let mut spec = ReplaceSpec { name: "x".into(), ..ReplaceSpec::default() };
        change(&mut spec);
        accept(spec, Some(base()), 4, Asked::AT_BOOT)
    }

    #[test]
    fn what_is_not_named_stays_as_it_was() {
        let base = base();
        let Accepted { admission, sha256, size } = change(|_| {}).unwrap();
        assert_eq!((sha256.as_str(), size), (base.sha256.as_str(), 0));
        assert_eq!(admission.prefix.as_ref(), Some(&base.prefix));
        assert_eq!((&admission.config, &admission.limits), (&base.config, &base.limits));
        assert_eq!((&admission.grants, &admission.probe), (&base.grants, &base.probe));
        assert_eq!((admission.file_name.as_str(), admission.disabled), ("libx.so", true));
        assert_eq!(admission.web, base.web);
        assert!(matches!(admission.take, Take::Change(of) if of == base));
    }

    #[test]
    fn what_is_named_is_new() {
        let admission = change(|spec| {
            spec.prefix = "/new".into();
            spec.config = "null".into();
            spec.limits = Some(v1::Limits { concurrency: 9, ..v1::Limits::default() });
            spec.grants = Some(v1::Grants { net: vec!["other.org".into()], ..v1::Grants::default() });
            spec.probe = Some(String::new());
        });
        let admission = admission.unwrap().admission;
        assert_eq!((admission.prefix.as_deref(), admission.probe), (Some("/new"), None));
        assert!(admission.config.is_null());
        assert_eq!((admission.limits.concurrency, admission.limits.instances), (9, 3));
        assert_eq!(admission.grants.net, ["other.org"]);
        assert_eq!(admission.grants.env, base().grants.env, "another kind stays");
        let web = |config: &str| Some(v1::Web { mode: "server".into(), config: config.into() });
        let admission = change(|spec| spec.web = web("")).unwrap().admission;
        assert_eq!(admission.web, Some(Web { mode: Mode::Server, config: "public".into() }));
        let admission = change(|spec| spec.web = web("null")).unwrap().admission;
        assert_eq!(admission.web, Some(Web { mode: Mode::Server, config: Value::Null }));
        assert_eq!(change(|spec| spec.no_web = true).unwrap().admission.web, None);
        let none = change(|spec| spec.no_grants = true).unwrap().admission.grants;
        assert_eq!(none, Grants::default());
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let error = change(|spec| {
            spec.size = 5;
            spec.config = "{".into();
            spec.probe = Some("health".into());
            spec.limits = Some(v1::Limits { instances: 5, ..v1::Limits::default() });
        });
        let ControlError::Invalid(wrong) = error.unwrap_err() else { panic!() };
        let fields: Vec<&str> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["sha256", "config", "probe", "limits.instances"]);
        assert!(wrong[3].1.contains("max_instances"), "{wrong:?}");
        let missing =
            accept(ReplaceSpec { name: "y".into(), ..ReplaceSpec::default() }, None, 4, Asked::AT_BOOT);
        assert!(missing.unwrap_err().to_string().contains("there is no plugin \"y\""));
    }
}
