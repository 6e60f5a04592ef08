//! Who speaks on the control socket, by the kernel's word, and whether they may.
//!
//! The file's mode keeps others away already; this is asked all the same, because a mode can be changed.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;
use tonic::{Request, Status};

use super::ControlError;
use super::places::{Account, Call, Line, PER_USER, Place, Places};
use crate::supervisor::events::Caller;
use crate::sys::users;

/// How long the system's databases may take to say who belongs to the group.
const LOOKUP: Duration = Duration::from_secs(5);

/// Asks whether a uid belongs to a gid.
type Member = dyn Fn(u32, u32) -> io::Result<bool> + Send + Sync;

/// Who may use the control API.
#[derive(Clone)]
pub struct Access {
    /// Root and the daemon's own uid.
    trusted: Vec<u32>,
    group: Option<u32>,
    member: Arc<Member>,
}

/// A caller.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The user.
    pub uid: u32,
    /// Its group when it connected.
    pub gid: u32,
    /// The process when it connected; 0: not known.
    pub pid: u32,
    /// `None`: may speak.
    refusal: Option<Refusal>,
    line: Line,
    uploads: Arc<Semaphore>,
}

/// Why a caller is not served, as it is told.
#[derive(Debug, Clone)]
enum Refusal {
    /// It may not.
    Stranger(Arc<str>),
    /// It has all its places already.
    Full(Arc<str>),
}

impl Peer {
    /// The turns of its uploads.
    pub(super) fn uploads(&self) -> Arc<Semaphore> {
        Arc::clone(&self.uploads)
    }

    /// Counts a call until it is dropped: so long its connection is not cut.
    pub(super) fn call(&self) -> Call {
        self.line.call()
    }
}

impl Peer {
    /// As the supervisor is told.
    pub(super) fn caller(&self) -> Caller {
        Caller { uid: self.uid, pid: self.pid }
    }
}

impl Access {
    /// Root, this uid, and the members of this group.
    #[must_use]
    pub fn new(own: u32, group: Option<u32>) -> Self {
        Self { trusted: vec![0, own], group, member: Arc::new(users::is_member) }
    }

    /// For tests: whoever asks is a stranger, root too.
    #[cfg(test)]
    pub(super) fn for_nobody() -> Self {
        Self { trusted: Vec::new(), group: None, member: Arc::new(|_, _| Ok(false)) }
    }

    fn account(&self, uid: u32) -> Account {
        if self.trusted.contains(&uid) { Account::Trusted(uid) } else { Account::Member(uid) }
    }

    async fn allows(&self, uid: u32, gid: u32) -> bool {
        if self.trusted.contains(&uid) {
            return true;
        }
        let Some(group) = self.group else { return false };
        if gid == group {
            return true;
        }
        let member = Arc::clone(&self.member);
        // Anything but a clear yes is a no.
        let answer = tokio::task::spawn_blocking(move || member(uid, group));
        matches!(tokio::time::timeout(LOOKUP, answer).await, Ok(Ok(Ok(true))))
    }

    fn refusal(&self, uid: u32) -> Arc<str> {
        match self.group {
            Some(gid) => format!(
                "uid {uid} may not use this control socket; become a member of the group {} (usermod -aG), and log in again",
                users::group_name(gid)
            ),
            None => format!("uid {uid} may not use this control socket; run valorctl as the user that valord runs as, or as root"),
        }
        .into()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("trusted", &self.trusted)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Refuses calls of those who may not; fails closed.
pub(super) fn check(request: Request<()>) -> Result<Request<()>, Status> {
    let refusal = match request.extensions().get::<Peer>() {
        Some(Peer { refusal: None, .. }) => return Ok(request),
        Some(Peer { refusal: Some(refusal), uid, gid, pid, .. }) => {
            tracing::warn!(target: "audit", verb = "connect", uid, gid, pid, outcome = "denied", "control");
            refusal.clone()
        }
        None => Refusal::Stranger(UNKNOWN.into()),
    };
    Err(match refusal {
        Refusal::Stranger(text) => ControlError::Denied(text.to_string()).into(),
        Refusal::Full(text) => ControlError::Full(text.to_string()).into(),
    })
}

/// What is said where the kernel does not tell the uid.
const UNKNOWN: &str = "the kernel does not say who is calling";

/// An accepted connection, with its caller. It ends when another needs its place more.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    peer: Peer,
    place: Place,
    leave: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Connection {
    /// `None`: there is no place, not even to say so.
    pub(super) async fn new(stream: UnixStream, access: &Access, places: &Places) -> Option<Self> {
        // Nobody is uid 4294967295.
        let (mut uid, mut gid, mut pid, mut refusal) = (u32::MAX, u32::MAX, 0, None);
        match stream.peer_cred() {
            Ok(cred) => {
                (uid, gid) = (cred.uid(), cred.gid());
                pid = cred.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
                if !access.allows(uid, gid).await {
                    refusal = Some(Refusal::Stranger(access.refusal(uid)));
                }
            }
            Err(_) => refusal = Some(Refusal::Stranger(UNKNOWN.into())),
        }
        let mut place = None;
        if refusal.is_none() {
            place = places.take(access.account(uid));
            let text = || {
                format!(
                    "uid {uid} has {PER_USER} connections with calls under way; wait until one of them ends"
                )
            };
            refusal = place.is_none().then(|| Refusal::Full(text().into()));
        }
        let place = place.or_else(|| places.take(Account::Refused))?;
        // Who is refused uploads nothing.
        let uploads = if refusal.is_none() { places.uploads(uid) } else { Arc::new(Semaphore::new(0)) };
        let peer = Peer { uid, gid, pid, refusal, line: place.line(), uploads };
        let leave = Box::pin(place.leave.clone().cancelled_owned());
        Some(Self { stream, peer, place, leave })
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.leave.as_mut().poll(cx).is_ready() {
            // Nothing more comes, as far as the server can see.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.place.leave.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.place.leave.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(
        group: Option<u32>,
        member: impl Fn(u32, u32) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Access {
        Access { trusted: vec![0, 1000], group, member: Arc::new(member) }
    }

    #[tokio::test]
    async fn root_the_owner_and_the_group_may() {
        let group = access(Some(50), |uid, gid| Ok(uid == 7 && gid == 50));
        for (uid, gid, expected) in
            [(0, 0, true), (1000, 9, true), (5, 50, true), (7, 9, true), (8, 9, false)]
        {
            assert_eq!(group.allows(uid, gid).await, expected, "{uid}:{gid}");
        }
        let private = access(None, |_, _| Ok(true));
        for (uid, gid, expected) in [(0, 0, true), (1000, 1, true), (5, 50, false), (u32::MAX, 0, false)] {
            assert_eq!(private.allows(uid, gid).await, expected, "{uid}:{gid}");
        }
    }

    #[tokio::test]
    async fn who_cannot_be_looked_up_may_not() {
        assert!(!access(Some(50), |_, _| Err(io::ErrorKind::TimedOut.into())).allows(7, 9).await);
        assert!(!access(Some(50), |_, _| panic!("a broken module of the name service")).allows(7, 9).await);
    }

    #[test]
    fn a_call_without_a_caller_is_refused() {
        assert_eq!(check(Request::new(())).unwrap_err().code(), tonic::Code::PermissionDenied);
        let places = Places::default();
        let place = places.take(Account::Refused).unwrap();
        let asked = |uid, refusal| {
            let mut request = Request::new(());
            let (line, uploads) = (place.line(), places.uploads(uid));
            request.extensions_mut().insert(Peer { uid, gid: 5, pid: 5, refusal, line, uploads });
            check(request)
        };
        let stranger = Refusal::Stranger(access(None, |_, _| Ok(false)).refusal(5));
        let message = asked(5, Some(stranger)).unwrap_err().message().to_owned();
        assert!(message.contains("uid 5 may not use this control socket"), "{message}");
        let full = asked(5, Some(Refusal::Full("too many".into()))).unwrap_err();
        assert_eq!((full.code(), full.message()), (tonic::Code::ResourceExhausted, "too many"));
        asked(0, None).unwrap();
    }
}
