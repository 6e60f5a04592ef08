//! One start, from the spawn to the first pong, against a peer that may be hostile from `Start` on.

mod probe;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use valor_wire::control::{FromShim, Hello, LayerReport, LayerStatus, LogLevel, Start, Step, ToShim};

use super::channel::{Broken, Channel};
use super::logs::{LogBook, LogStream};
use super::shared::Shared;
use super::start_error::StartError;
use super::tree::{self, Tree, describe};
use super::version::{Prepared, Source, Version};
use super::{pipes, policy, verify};
use crate::plane::Install;
use crate::plugin::Generation;
use crate::sys::cgroup::{Bounds, Cgroup};
use crate::sys::creds::ControlSocket;
use crate::sys::host;
use crate::sys::spawn::{Spec, null, spawn};

/// The shim greets before it does anything else.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);

/// For what a dying process has to say.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(500);

/// A process that is ready to serve.
#[derive(Debug)]
pub(super) struct Started {
    pub tree: Tree,
    pub channel: Channel,
    pub pipes: Vec<JoinHandle<()>>,
    /// The plugin process.
    pub pid: u32,
    pub layers: Vec<LayerReport>,
    pub abi: u32,
    pub sdk: String,
}

/// Starts a process of `version` from its source and waits until it is ready. Dropped at any point, everything is killed.
pub(super) async fn start(
    shared: &Shared,
    version: &Version,
    source: Source,
    generation: Generation,
    book: &LogBook,
) -> Result<Started, StartError> {
    let mut prepared = version.prepare(shared, &source).await?;
    let deadline = Instant::now() + shared.options.start_deadline;
    loop {
        let engine = prepared.setup.engine.is_some();
        let mut attempt = Attempt::spawn(shared, version, engine, generation, book)?;
        let error = match attempt.run(shared, version, &prepared, generation, deadline).await {
            Ok(ready) => return Ok(attempt.finish(ready)),
            Err(error) => error,
        };
        shared.plane.cut(generation).await;
        let error = attempt.fail(error).await;
        // Nothing of the plugin's has run then.
        if !engine || !error.is_before_its_code() {
            return Err(error);
        }
        if !prepared.do_without(shared) {
            return Err(error.of_deno());
        }
        let message = format!("Deno cannot be used, QuickJS runs it: {error}");
        book.push(LogStream::Valord, LogLevel::Warn, "", &message);
    }
}

/// A process that is being started.
struct Attempt {
    tree: Tree,
    channel: Channel,
    pipes: Vec<JoinHandle<()>>,
    sockets: Vec<UnixStream>,
    layers: Vec<LayerReport>,
    pid: u32,
}

struct Ready {
    abi: u32,
    sdk: String,
}

impl Attempt {
    fn spawn(
        shared: &Shared,
        version: &Version,
        engine: bool,
        generation: Generation,
        book: &LogBook,
    ) -> Result<Self, StartError> {
        let kind = version.registration.kind;
        let shim = shared.options.shims.of(kind);
        let failed = |error: io::Error| StartError::spawn(kind, &shim, &error);
        let name = format!("{}-{}-{generation}", version.registration.name, std::process::id());
        let limits = &version.registration.limits;
        let bounds = Bounds { memory: limits.memory, pids: limits.pids.into(), cpu: limits.cpu };
        // Without its group nothing would hold it to its memory.
        let group = shared.cgroups.create(&name, &bounds).map_err(|error| StartError::group(&error))?;
        let mut layers = vec![
            full("artifact-hash", "sha256 of the stored file, taken before this start"),
            full("environment", "started without any"),
        ];

        let (socket, control) = ControlSocket::pair().map_err(failed)?;
        let mut sockets = Vec::new();
        let mut theirs: Vec<OwnedFd> = vec![control];
        for _ in 0..shared.plane.workers() {
            let (ours, peer) = UnixStream::pair().map_err(failed)?;
            ours.set_nonblocking(true).map_err(failed)?;
            sockets.push(ours);
            theirs.push(peer.into());
        }
        let data: Vec<String> = (4..4 + sockets.len()).map(|fd| fd.to_string()).collect();
        let (stdout, to_stdout) = io::pipe().map_err(failed)?;
        let (stderr, to_stderr) = io::pipe().map_err(failed)?;
        let null = null().map_err(failed)?;
        let extra: Vec<BorrowedFd<'_>> = theirs.iter().map(|fd| fd.as_fd()).collect();
        let child = spawn(&Spec {
            program: &shim,
            args: &["run", "--control", "3", "--data", &data.join(",")],
            stdio: [null.as_fd(), to_stdout.as_fd(), to_stderr.as_fd()],
            extra: &extra,
        })
        .map_err(failed)?;
        // It waits for the greeting, so it is in its group before it does anything.
        if let Some(group) = &group {
            group.add(child.pid()).map_err(|error| StartError::group(&error))?;
        }
        let mut cgroup_row = host::cgroup(&shared.cgroups);
        let held = group.as_ref().map(Cgroup::limits).filter(|held| !held.is_empty());
        cgroup_row.reason = [Some(cgroup_row.reason), held, unheld(shared, &bounds, engine)]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        layers.push(cgroup_row);
        let pipes = vec![
            pipes::read(stdout.into(), LogStream::Stdout, book.clone()).map_err(failed)?,
            pipes::read(stderr.into(), LogStream::Stderr, book.clone()).map_err(failed)?,
        ];
        let channel = Channel::new(socket, book.clone());
        Ok(Self { tree: Tree::new(child, group), channel, pipes, sockets, layers, pid: 0 })
    }

    async fn run(
        &mut self,
        shared: &Shared,
        version: &Version,
        prepared: &Prepared,
        generation: Generation,
        deadline: Instant,
    ) -> Result<Ready, StartError> {
        let whole = shared.options.start_deadline;
        within(deadline.min(Instant::now() + HELLO_DEADLINE), "greeting", whole, self.greet(prepared))
            .await?;
        let filters = within(deadline, "sandbox", whole, self.confine(shared, version, prepared)).await?;
        let ready = self.create(shared, version, generation, deadline).await?;

        let seal = verify::seal(self.pid, filters);
        self.layers.push(seal);
        policy::check_seal(&self.layers, &shared.options.give_up)?;
        self.probe(shared, version, generation, deadline).await?;
        Ok(ready)
    }

    /// Everything from here on may be the plugin's own doing. The links are there before it is ready, for `on_create` may
    /// fetch; no route points at them yet.
    async fn create(
        &mut self,
        shared: &Shared,
        version: &Version,
        generation: Generation,
        deadline: Instant,
    ) -> Result<Ready, StartError> {
        let whole = shared.options.start_deadline;
        let install = shared.plane.install(Install {
            plugin: Arc::clone(&version.plugin),
            generation,
            sockets: std::mem::take(&mut self.sockets),
            // Longer than the other, which has more to say.
            deadline: deadline.saturating_duration_since(Instant::now()) + Duration::from_secs(1),
            witness: self.tree.witness(),
        });
        let load = within(deadline, "create", whole, self.load(shared, version));
        tokio::pin!(install, load);
        tokio::select! {
            ready = &mut load => {
                let ready = ready?;
                install.await?;
                Ok(ready)
            }
            installed = &mut install => match installed {
                Ok(()) => load.await,
                // Its sockets are gone; the control socket likely knows why.
                Err(error) => match tokio::time::timeout(LAST_WORDS, load).await {
                    Ok(Err(why)) => Err(why),
                    _ => Err(error.into()),
                },
            },
        }
    }

    async fn greet(&mut self, prepared: &Prepared) -> Result<(), StartError> {
        let ours = Hello::new(concat!("valord ", env!("CARGO_PKG_VERSION")));
        self.channel.send(&ToShim::Hello(ours.clone())).await?;
        self.channel.send(&ToShim::Setup(Box::new(prepared.setup.clone()))).await?;
        match self.channel.receive().await?.0 {
            FromShim::Hello(theirs) => ours.accept(&theirs).map_err(|message| StartError::version(&message)),
            FromShim::Failed { step, message } => Err(StartError::shim(step, &message)),
            _ => Err(Broken::Violation("it does not begin with a greeting".to_owned()).into()),
        }
    }

    /// Waits for the report, looks for itself, and asks the policy. Returns the number of seccomp filters.
    async fn confine(
        &mut self,
        shared: &Shared,
        version: &Version,
        prepared: &Prepared,
    ) -> Result<Option<u32>, StartError> {
        let (message, sender) = self.channel.receive().await?;
        let mut rows = match message {
            FromShim::Report { layers } => layers,
            FromShim::Failed { step, message } => return Err(StartError::shim(step, &message)),
            _ => return Err(Broken::Violation("it does not report its sandbox".to_owned()).into()),
        };
        rows.truncate(MAX_ROWS);
        rows.retain(|row| row.layer != "seal");
        self.pid = sender.unwrap_or_default();
        self.tree.adopt(self.pid).map_err(|error| StartError::stranger(&error))?;
        let expected = verify::Expected {
            identity: prepared.setup.identity,
            rlimits: prepared.setup.rlimits,
            // With an engine of its own, the socket to that.
            descriptors: 4 + self.sockets.len() + usize::from(prepared.setup.engine.is_some()),
        };
        let filters =
            verify::layers(&mut rows, self.pid, &expected).map_err(|error| StartError::stranger(&error))?;
        self.layers.append(&mut rows);
        version.show(&self.layers);
        policy::check(&self.layers, &shared.options.give_up)?;
        Ok(filters)
    }

    async fn load(&mut self, shared: &Shared, version: &Version) -> Result<Ready, StartError> {
        let config = version.registration.config.clone();
        let workers = shared.options.workers(version.registration.kind);
        self.channel.send(&ToShim::Start(Start { config, workers })).await?;
        match self.channel.receive().await?.0 {
            FromShim::Ready { abi, mut sdk } => {
                let cut = (0..=MAX_SDK.min(sdk.len()))
                    .rev()
                    .find(|&at| sdk.is_char_boundary(at))
                    .unwrap_or_default();
                sdk.truncate(cut);
                Ok(Ready { abi, sdk })
            }
            // What comes after Start can be forged, but only to the plugin's own harm.
            FromShim::Failed {
                step: step @ (Step::Load | Step::Abi | Step::Seal | Step::Create),
                message,
            } => Err(StartError::shim(step, &message)),
            _ => Err(Broken::Violation(
                "after the start it must say whether it is ready, and nothing else".to_owned(),
            )
            .into()),
        }
    }

    fn finish(self, ready: Ready) -> Started {
        let Self { tree, channel, pipes, layers, pid, .. } = self;
        Started { tree, channel, pipes, pid, layers, abi: ready.abi, sdk: ready.sdk }
    }

    /// Ends what was started, and finds out more about the reason.
    async fn fail(mut self, mut error: StartError) -> StartError {
        if error.ended {
            // It has closed its end; how it ends says why.
            if let Ok(exit) = tokio::time::timeout(LAST_WORDS, self.tree.exit()).await {
                let how = describe(exit, self.tree.out_of_memory());
                error.cause = tree::cause(exit, self.tree.out_of_memory());
                error.message = format!("{}: {how}", error.message);
            }
        }
        drop(self.channel);
        self.tree.end().await;
        join(self.pipes).await;
        error
    }
}

/// Longer reports are none.
const MAX_ROWS: usize = 64;
/// Longer names of an SDK are cut.
const MAX_SDK: usize = 128;

/// What holds a process where its group does not.
fn unheld(shared: &Shared, bounds: &Bounds, engine: bool) -> Option<String> {
    let memory = if engine {
        "memory of its objects by --max-old-space-size, of its buffers by nothing"
    } else {
        "memory is bounded by RLIMIT_DATA"
    };
    let other = [
        ("memory", Some(memory)),
        ("pids", Some("processes by RLIMIT_NPROC")),
        ("cpu", bounds.cpu.map(|_| "CPU by nothing")),
    ];
    let missing = other.into_iter().filter(|(controller, _)| !shared.cgroups.holds(controller));
    let parts: Vec<_> = missing.filter_map(|(_, instead)| instead).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What the process has written is in the log when this returns, or it is held up by somebody who lives on.
pub(super) async fn join(pipes: Vec<JoinHandle<()>>) {
    for mut pipe in pipes {
        if tokio::time::timeout(LAST_WORDS, &mut pipe).await.is_err() {
            pipe.abort();
        }
    }
}

async fn within<T>(
    deadline: Instant,
    step: &'static str,
    whole: Duration,
    work: impl Future<Output = Result<T, StartError>>,
) -> Result<T, StartError> {
    match tokio::time::timeout_at(deadline.into(), work).await {
        Ok(result) => result.map_err(|error| error.during(step)),
        Err(_) => Err(StartError::deadline(step, whole)),
    }
}

fn full(layer: &str, reason: &str) -> LayerReport {
    LayerReport {
        layer: layer.to_owned(),
        status: LayerStatus::Full,
        reason: reason.to_owned(),
        verified: true,
    }
}
