//! What the workers of an engine tell the main thread, and the control loop that acts upon it.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use valor_wire::control::{FromShim, HUNG_UP, LogLevel, Step};

use super::chain;
use crate::control::{ControlError, Listener, Notice, Reporter};

/// Far more than workers have to tell in a life.
const QUEUE: usize = 256;

/// What a worker has to tell the main thread.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// The plugin is created and serves.
    Ready {
        /// The version of its ABI.
        abi: u32,
        /// Its SDK or its engine, as `valorctl inspect` shows it.
        sdk: String,
    },
    /// A step of the start has failed.
    Failed(Failure),
    /// There is no way on, for this reason.
    Broken(String),
    /// All sockets of this worker are closed.
    Done,
}

/// A step of the start that has failed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which.
    pub step: Step,
    /// Why, and what to do about it.
    pub message: String,
}

impl Failure {
    /// Makes a failure of this step of a message.
    pub fn at(step: Step) -> impl Fn(String) -> Self + Copy {
        move |message| Self { step, message }
    }
}

/// The workers' end of it, for any thread.
#[derive(Debug, Clone)]
pub struct Teller {
    news: SyncSender<News>,
    reporter: Reporter,
}

impl Teller {
    /// Wakes the main thread with news.
    pub fn tell(&self, news: News) {
        // Fails only when the main thread has left, and the process ends.
        let _gone: Result<(), _> = self.news.send(news);
        self.reporter.poke();
    }

    /// There is no way on, before the plugin was `created` or since.
    pub fn give_up(&self, created: bool, message: String) {
        let failed = Failure::at(Step::Create);
        self.tell(if created { News::Broken(message) } else { News::Failed(failed(message)) });
    }

    /// A worker has ended: `Ok(true)` for a reason that was told already, `Err` before the plugin was created.
    pub fn ended(&self, how: Result<bool, Failure>) {
        match how {
            Ok(true) => {}
            Ok(false) => self.tell(News::Done),
            Err(failure) => self.tell(News::Failed(failure)),
        }
    }

    /// For the plugin's log.
    #[must_use]
    pub fn log(&self) -> &Reporter {
        &self.reporter
    }
}

/// Starts a plugin by `begin`, which says how many workers it has, and attends to it and valord until there is no more to do. The exit
/// code is zero when all workers are done; in all other cases they may still be at work: end the process.
pub fn attend(
    begin: impl FnOnce(&Teller) -> Result<usize, Failure>,
    listener: &mut Listener,
    reporter: &Reporter,
    program: &str,
) -> u8 {
    let (news, receiver) = sync_channel(QUEUE);
    let teller = Teller { news, reporter: reporter.clone() };
    let end = begin(&teller).map_err(End::Failed);
    let end = end.and_then(|workers| control_loop(workers, &receiver, listener, reporter));
    let told = match end {
        Ok(()) => return 0,
        Err(End::Broken) => Ok(()),
        Err(End::Failed(Failure { step, message })) => reporter.send(&FromShim::Failed { step, message }),
        Err(End::Control(error)) => Err(error),
    };
    match told {
        Ok(()) => 1,
        Err(ControlError::HungUp) => HUNG_UP,
        Err(error) => {
            // On stderr, which is the plugin's log. Fails only when nobody reads it.
            drop(writeln!(std::io::stderr(), "{program}: {}", chain(&error)));
            1
        }
    }
}

/// Why serving has ended before its time.
enum End {
    /// A step of the start has failed.
    Failed(Failure),
    /// There is no way on, and the log says why.
    Broken,
    /// valord is gone, or not understood.
    Control(ControlError),
}

impl From<ControlError> for End {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}

/// Until all workers are done.
fn control_loop(
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
                        News::Ready { abi, sdk } => reporter.send(&FromShim::Ready { abi, sdk })?,
                        News::Failed(failure) => return Err(End::Failed(failure)),
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
