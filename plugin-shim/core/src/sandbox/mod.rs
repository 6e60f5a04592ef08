//! The sandbox of a plugin process: [`enter`] builds it, [`Confined::seal`] closes it. One file a layer.
//!
//! ```text
//! outer process   descriptors → session → scheduling → namespaces → rlimits → fork
//! init (PID 1)    session → root filesystem → fork → own uid, no capabilities, a filter of its own, then it waits
//! plugin (PID 2)  uid → capabilities → no_new_privs → Landlock → non-dumpable → MDWE → seccomp → report
//!                 ... the plugin is loaded ... → seal
//! engine (PID 3)  only where a program of its own runs the plugin: forked before MDWE, a filter of its own, execve
//! ```
//!
//! A layer that this machine cannot give is reported as absent with the reason, and the rest goes on: whether that is
//! enough is decided by the daemon, before the plugin's code is mapped. Each layer probes itself after it was applied.

mod capabilities;
mod descriptors;
mod engine;
mod environment;
mod error;
pub(crate) mod fds;
mod identity;
mod init;
pub(crate) mod landlock;
mod mdwe;
mod mounts;
mod namespaces;
mod no_new_privs;
mod non_dumpable;
mod rlimits;
mod root;
mod scheduling;
mod seal;
pub mod seccomp;
mod session;
pub(crate) mod sys;

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use seccompiler::BpfProgram;
use valor_wire::control::{Identity, LayerReport, LayerStatus, Setup};

pub use engine::{EngineProcess, EngineProfile};
pub use error::SandboxError;

use crate::report;

/// The sockets that a shim was started with, by number, since they are in three processes at once. In the outer process and in the
/// init the numbers stay open but stand for something harmless when [`enter`] returns, so that owners of them may be dropped there.
#[derive(Debug, Clone)]
pub struct Fds {
    /// The control socket.
    pub control: RawFd,
    /// The data sockets.
    pub data: Vec<RawFd>,
}

impl Fds {
    fn all(&self) -> impl Iterator<Item = RawFd> + '_ {
        std::iter::once(self.control).chain(self.data.iter().copied())
    }
}

/// How far an engine lets its process be confined.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Memory that was ever writable never becomes executable: not for engines that map code and then patch it. The seal forbids new
    /// code either way, before anything of a plugin runs.
    pub mdwe: bool,
    /// What there is to know of an engine that is a program of its own.
    pub engine: Option<EngineProfile>,
}

/// Which of the three processes has returned from [`enter`].
#[derive(Debug)]
pub enum Outcome {
    /// The plugin process, confined.
    Plugin(Box<Confined>),
    /// The outer process or the init, when all is over: `main` returns this code at once.
    Exit(u8),
}

/// The plugin process, ready to report and to load the plugin.
#[derive(Debug)]
pub struct Confined {
    /// What became of every layer, in order.
    pub reports: Vec<LayerReport>,
    /// What to load.
    pub plugin_path: PathBuf,
    /// The plugin's own directory, which is also the working directory, if it has one.
    pub data_path: Option<PathBuf>,
    /// A directory for temporary files, if there is one.
    pub tmp_path: Option<PathBuf>,
    /// The process of an engine that is a program of its own; it waits to be let go.
    pub engine: Option<EngineProcess>,
    seal: BpfProgram,
}

impl Confined {
    /// Stage two, for all threads at once: after the library is loaded, before any function of it is called.
    ///
    /// # Errors
    ///
    /// When a thread does not take the filter. The process must end then.
    pub fn seal(self) -> Result<LayerReport, SandboxError> {
        seal::apply(&self.seal)
    }
}

/// Builds the sandbox. Forks twice; returns [`Outcome::Plugin`] only in the innermost process.
///
/// Must be called while the process has one thread.
///
/// # Errors
///
/// In whichever of the processes something failed without which none of this makes sense; the control socket is then
/// still open there.
pub fn enter(setup: &Setup, fds: &Fds, profile: Profile) -> Result<Outcome, SandboxError> {
    check(setup)?;
    sys::single_threaded()?;
    let mut reports = vec![descriptors::apply(fds)?];
    session::leave()?;
    reports.push(scheduling::apply());
    // Without it all works, but for cancelling a thread; the message goes to the plugin's log.
    let unwinder = sys::preload();
    let spaces = namespaces::apply(setup.identity.is_some(), &mut reports);
    reports.push(rlimits::apply(&setup.rlimits));
    if let Some(init) = sys::fork("starting the init")? {
        return Ok(Outcome::Exit(init::outer(init, setup, fds)?));
    }

    reports.push(session::apply());
    sys::name_process("valor-init");
    let root = match spaces.mount {
        true => root::apply(setup, profile.engine.as_ref())?,
        false => {
            Err("there is no mount namespace to build it in: files are confined by Landlock only".to_owned())
        }
    };
    let own_root = root.is_ok();
    reports.push(report::probed("root-filesystem", root));
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)
        .map_err(SandboxError::call("a pipe for the init's report", "report this"))?;
    let prepared = init::Init::prepare(write)?;
    if let Some(child) = sys::fork("starting the plugin process")? {
        drop(read);
        return Ok(Outcome::Exit(prepared.run(child, setup, fds, spaces.pid)?));
    }

    prepared.leave()?;
    reports.push(inits_report(read));
    let mut confined = confine(setup, fds, own_root, profile, reports)?;
    if let Err(why) = unwinder {
        note(&mut confined.reports, "root-filesystem", &why);
    }
    Ok(Outcome::Plugin(Box::new(confined)))
}

/// The layers of the plugin process.
fn confine(
    setup: &Setup,
    fds: &Fds,
    own_root: bool,
    profile: Profile,
    mut reports: Vec<LayerReport>,
) -> Result<Confined, SandboxError> {
    sys::name_process(&setup.plugin);
    environment::apply(&setup.env)?;
    let places = Places::new(setup, own_root, profile.engine.as_ref());
    if let Some(data) = &places.data {
        // Relative paths of an honest plugin end up where it can write.
        std::env::set_current_dir(data).or_else(|_| std::env::set_current_dir("/")).unwrap_or_default();
    }
    let seal = seal::compile().map_err(SandboxError::Seal)?;

    capabilities::bound();
    reports.push(identity::apply(setup.identity)?);
    reports.push(capabilities::apply());
    init::die_with_parent();
    reports.push(no_new_privs::apply());
    reports.extend(landlock::apply(&places.reachable(setup, own_root)));
    reports.push(non_dumpable::apply());
    let engine = engine::start(setup, profile.engine.as_ref(), own_root)?;
    reports.push(if profile.mdwe { mdwe::apply() } else { mdwe::not_for_this_engine() });
    let mut kept = fds.clone();
    kept.data.extend(engine.as_ref().map(|(process, _)| process.socket.as_raw_fd()));
    descriptors::close_others(&kept)?;
    let caller = engine.as_ref().map_or(seccomp::Caller::Plugin, |(process, _)| process.keeper());
    let filter = seccomp::compile(own_root, caller).map_err(SandboxError::Seal)?;
    reports.push(seccomp::apply(&filter));
    let mut reports = report::ordered(reports);
    let engine = engine.map(|(process, mut rows)| {
        reports.append(&mut rows);
        process
    });
    Ok(Confined {
        reports,
        plugin_path: places.plugin,
        data_path: places.data,
        tmp_path: places.tmp,
        engine,
        seal,
    })
}

/// For one-shots, which need no namespaces: another user if there is a privilege to drop, and no privilege ever again.
pub(crate) fn give_up_privileges(identity: Option<Identity>) -> Vec<LayerReport> {
    capabilities::bound();
    let uid = identity::apply(identity).unwrap_or_else(|error| report::absent("uid", error.to_string()));
    vec![uid, capabilities::apply(), no_new_privs::apply(), non_dumpable::apply()]
}

/// For one-shots: both filters at once.
pub(crate) fn filter_and_seal() -> Vec<LayerReport> {
    let filter =
        seccomp::compile(false, seccomp::Caller::Plugin).map_err(|why| report::absent("seccomp", why));
    let sealed = seal::compile().map_err(SandboxError::Seal).and_then(|program| {
        let filtered = filter.map_or_else(|absent| absent, |filter| seccomp::apply(&filter));
        Ok(vec![filtered, seal::apply(&program)?])
    });
    sealed.unwrap_or_else(|error| vec![report::absent("seal", error.to_string())])
}

/// Where things are: inside a root of its own, or where the daemon has them.
struct Places {
    plugin: PathBuf,
    data: Option<PathBuf>,
    tmp: Option<PathBuf>,
}

impl Places {
    fn new(setup: &Setup, own_root: bool, engine: Option<&EngineProfile>) -> Self {
        if own_root {
            let data = setup.data.is_some().then(|| root::DATA.into());
            return Self { plugin: root::plugin(setup, engine), data, tmp: Some(root::TMP.into()) };
        }
        Self { plugin: setup.artifact.clone(), data: setup.data.clone(), tmp: None }
    }

    /// What Landlock leaves reachable.
    fn reachable(&self, setup: &Setup, own_root: bool) -> landlock::Paths {
        let mut read = vec![self.plugin.clone()];
        if own_root {
            read.push("/lib".into());
        } else {
            read.extend(setup.libraries.iter().map(|library| library.path.clone()));
            // The dynamic linker finds the libraries by it.
            read.extend(Some(PathBuf::from("/etc/ld.so.cache")).filter(|path| path.exists()));
        }
        read.extend(setup.read.iter().cloned());
        let mut execute = Vec::new();
        if let Some(engine) = setup.engine.as_ref().filter(|_| own_root) {
            read.push(root::ENGINE.into());
            execute.push(root::PROGRAM.into());
            execute.extend(engine::linker(engine).map(|linker| PathBuf::from("/lib").join(linker)));
        }
        let write = self.data.iter().chain(&self.tmp).chain(&setup.write).cloned().collect();
        let devices =
            root::DEVICES.map(PathBuf::from).into_iter().filter(|path| Path::exists(path)).collect();
        landlock::Paths { read, write, devices, execute }
    }
}

/// Waits until the init has been confined: from then on nothing above the plugin has a privilege.
fn inits_report(pipe: OwnedFd) -> LayerReport {
    let mut text = Vec::new();
    let read = File::from(pipe).take(4096).read_to_end(&mut text);
    read.ok()
        .and_then(|_| serde_json::from_slice(&text).ok())
        .unwrap_or_else(|| report::absent("init-seccomp", "the init has not reported"))
}

fn note(reports: &mut [LayerReport], layer: &str, text: &str) {
    if let Some(report) =
        reports.iter_mut().find(|report| report.layer == layer && report.status == LayerStatus::Full)
    {
        report.reason = text.to_owned();
    }
}

/// What no layer checks by itself.
fn check(setup: &Setup) -> Result<(), SandboxError> {
    let paths = [&setup.artifact, &setup.root]
        .into_iter()
        .chain(&setup.data)
        .chain(setup.libraries.iter().map(|l| &l.path))
        .chain(setup.engine.iter().flat_map(|e| e.libraries.iter().map(|l| &l.path).chain([&e.program])));
    for path in paths {
        if !path.is_absolute() {
            return Err(SandboxError::Setup(format!("the relative path {}", path.display())));
        }
    }
    if setup.identity.is_some_and(|identity| identity.uid == 0 || identity.gid == 0) {
        return Err(SandboxError::Setup("root as the plugin's user".to_owned()));
    }
    if setup.identity.is_none() && nix::unistd::geteuid().is_root() {
        return Err(SandboxError::Setup("no user of the plugin's own, but valord is root".to_owned()));
    }
    Ok(())
}
