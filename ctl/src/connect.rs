//! Finding valord's socket and talking to it, with a deadline on everything.

use std::future::Future;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use nix::unistd::{Gid, Group, Uid, User};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Response, Status};
use valor_control::v1::control_client::ControlClient;

use crate::checked::Checked;
use crate::cli::Globals;
use crate::exit::{Exit, Failure, chain};

/// The group whose members may talk to the system's valord.
const GROUP: &str = "valor";

/// The largest answer: `inspect` brings logs and a manifest.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Its calls.
pub(crate) type Client = ControlClient<Checked>;

/// A daemon that answers, and how long to wait for what it says.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) client: Client,
    pub(crate) deadline: Deadline,
}

/// How long one answer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Duration);

impl Daemon {
    /// Connects to the socket that was named, else to the first that answers.
    pub(crate) async fn connect(globals: &Globals) -> Result<Self, Failure> {
        let wait = globals.wait_timeout;
        let candidates =
            globals.control.clone().map_or_else(valor_control::paths::candidates, |path| vec![path]);
        let attempt = async {
            let stream = reach(&candidates).await?;
            channel(stream).await.map_err(|error| {
                Failure::new(Exit::Unreachable, format!("connect: {}", chain(&error)))
                    .cure("is this valord's control socket? see --control")
            })
        };
        let channel =
            tokio::time::timeout(wait, attempt).await.map_err(|_| Failure::timed_out("connect", wait))??;
        let client = ControlClient::new(Checked(channel)).max_decoding_message_size(MAX_ANSWER);
        Ok(Self { client, deadline: Deadline(wait) })
    }
}

impl Deadline {
    /// A request that also tells valord how long its answer is wanted.
    pub(crate) fn request<T>(self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        // Longer, so that it is here that the time runs out, with the message of here, however slow this machine is.
        request.set_timeout(self.0 + Duration::from_secs(60));
        request
    }

    /// Waits for an answer, not longer than was asked.
    pub(crate) async fn answer<T>(
        self,
        verb: &str,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        match tokio::time::timeout(self.0, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(Failure::status(verb, &status)),
            Err(_) => Err(Failure::timed_out(verb, self.0)),
        }
    }
}

/// The first socket that somebody listens on.
async fn reach(candidates: &[PathBuf]) -> Result<UnixStream, Failure> {
    let mut tried = Vec::new();
    let mut forbidden = None;
    for path in candidates {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                if error.kind() == ErrorKind::PermissionDenied {
                    forbidden.get_or_insert(path);
                }
                tried.push(format!("{}: {}", path.display(), plain(&error)));
            }
        }
    }
    if let Some(path) = forbidden {
        return Err(forbidden_failure(path));
    }
    let failure = Failure::new(Exit::Unreachable, "connect: no valord answers");
    Err(tried.into_iter().fold(failure, |failure, line| failure.detail(format!("tried {line}"))).cure(
        "start one with `valord` or `systemctl start valord`, or say where its socket is with --control or VALOR_CONTROL",
    ))
}

fn forbidden_failure(path: &Path) -> Failure {
    let failure = Failure::new(Exit::Refused, format!("connect: no permission on {}", path.display()));
    let join = |group: &str| {
        format!(
            "become a member of the group `{group}` (`sudo usermod -aG {group} $USER`, then log in again), or be root"
        )
    };
    // The file says who may; where it cannot even be looked at, the directory is the group's.
    let Ok(found) = std::fs::metadata(path) else { return failure.cure(join(GROUP)) };
    if found.mode() & 0o060 == 0o060 {
        let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
        return failure.cure(join(&group.map_or_else(|| found.gid().to_string(), |group| group.name)));
    }
    let owner = User::from_uid(Uid::from_raw(found.uid())).ok().flatten();
    let owner = owner.map_or_else(|| format!("uid {}", found.uid()), |owner| owner.name);
    failure.cure(format!(
        "only {owner} may use it: be that user, or root; for others a group `{GROUP}` must exist when valord is started by root"
    ))
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such socket".into(),
        ErrorKind::ConnectionRefused => "nobody listens there any more".into(),
        _ => error.to_string(),
    }
}

/// HTTP/2 over a stream that is connected already; a second connection is never made.
async fn channel(stream: UnixStream) -> Result<Channel, tonic::transport::Error> {
    let stream = Arc::new(Mutex::new(Some(stream)));
    let connector = tower::service_fn(move |_: Uri| {
        let stream = stream.lock().ok().and_then(|mut slot| slot.take());
        async move { stream.map(TokioIo::new).ok_or_else(|| std::io::Error::from(ErrorKind::NotConnected)) }
    });
    Endpoint::from_static("http://valord.invalid").connect_with_connector(connector).await
}
