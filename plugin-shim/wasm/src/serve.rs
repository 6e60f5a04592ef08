//! Serving one plugin: what the workers say, and the control loop beside them.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use valor_shim_core::control::{ControlError, Listener, Notice, Reporter};
use valor_shim_core::program::{Plan, chain};
use valor_shim_core::wire::control::{FromShim, HUNG_UP, LogLevel, Step};

use crate::load::{self, Code};
use crate::{component, module, settings};

/// As `valorctl inspect` shows it.
const ENGINE: &str = concat!("wasmtime 48.0.8, valor-shim-wasm ", env!("CARGO_PKG_VERSION"));

/// What a worker has to tell the main thread.
#[derive(Debug)]
pub(crate) enum News {
    /// The plugin serves, built for this version of its ABI.
    Ready(u32),
    /// A step of the start has failed.
    Failed(Step, String),
    /// There is no way on.
    Broken(String),
    /// All sockets of this worker are closed.
    Done,
}

/// The worker's end of it.
#[derive(Debug, Clone)]
pub(crate) struct Teller {
    news: SyncSender<News>,
    reporter: Reporter,
}

impl Teller {
    pub(crate) fn tell(&self, news: News) {
        // Fails only when the main thread has left, and the process ends.
        let _gone: Result<(), _> = self.news.send(news);
        self.reporter.poke();
    }

    /// For the plugin's log.
    pub(crate) fn log(&self) -> &Reporter {
        &self.reporter
    }
}

/// Serves the plugin until valord wants no more of it. When it returns, workers may still be at work: end the process.
pub fn serve(plan: Plan, listener: &mut Listener, reporter: &Reporter) -> ExitCode {
    let (news, receiver) = sync_channel(64);
    let teller = Teller { news, reporter: reporter.clone() };
    let started = load::code(&plan.artifact, &settings::config()).map_err(|why| (Step::Load, why));
    let started = started.and_then(|code| match code {
        Code::Module(code) => module::start(&code, plan, &teller).map(|()| 1),
        Code::Component(code) => component::start(&code, plan, &teller),
    });
    let end = started
        .map_err(|(step, message)| End::Failed { step, message })
        .and_then(|workers| attend(workers, &receiver, listener, reporter));
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Broken) => ExitCode::FAILURE,
        Err(End::Failed { step, message }) => {
            report(reporter.send(&FromShim::Failed { step, message }));
            ExitCode::FAILURE
        }
        Err(End::Control(ControlError::HungUp)) => HUNG_UP.into(),
        Err(End::Control(error)) => {
            report(Err(error));
            ExitCode::FAILURE
        }
    }
}

/// Says on stderr, which is the plugin's log, why valord cannot be told anything.
fn report(sent: Result<(), ControlError>) {
    if let Err(error) = sent {
        // Fails only when nobody reads the log.
        drop(writeln!(std::io::stderr(), "valor-shim-wasm: {}", chain(&error)));
    }
}

/// Why serving has ended before its time.
enum End {
    Failed {
        step: Step,
        message: String,
    },
    /// The log says why.
    Broken,
    /// valord is gone, or not understood.
    Control(ControlError),
}

impl From<ControlError> for End {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}

/// The control loop, until all workers are done.
fn attend(
    mut workers: usize,
    news: &Receiver<News>,
    listener: &mut Listener,
    reporter: &Reporter,
) -> Result<(), End> {
    loop {
        match listener.wait()? {
            // The data sockets say when those in flight are done: valord closes them then.
            Notice::Drain => {}
            Notice::HungUp => return Err(ControlError::HungUp.into()),
            Notice::Poked => {
                for news in news.try_iter() {
                    match news {
                        News::Ready(abi) => {
                            reporter.send(&FromShim::Ready { abi, sdk: ENGINE.to_owned() })?;
                        }
                        News::Failed(step, message) => return Err(End::Failed { step, message }),
                        News::Broken(message) => {
                            let (level, target) = (LogLevel::Error, "valor".to_owned());
                            reporter.send(&FromShim::Log { level, target, message })?;
                            return Err(End::Broken);
                        }
                        News::Done => workers -= 1,
                    }
                }
                if workers == 0 {
                    return Ok(());
                }
            }
        }
    }
}
