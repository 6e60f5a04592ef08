//! The worker: data sockets on one side, Deno on the other.

use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use valor_shim_core::control::Reporter;
use valor_shim_core::program::{Failure, News, Teller};
use valor_shim_core::sandbox::EngineProcess;
use valor_shim_core::serve::{self, Exchange, Handler, Head, PollLoop, Pumped, Turn};
use valor_shim_core::wire::control::{LogLevel, Step};
use valor_shim_core::wire::{Limits, Violation};

use super::channel::Channel;
use super::exchanges::Exchanges;
use super::frames::{self, Frame, Tell, Told};
use crate::engine::ABI;

/// How long Deno may take to answer a ping once a request is past its deadline.
const GRACE: Duration = Duration::from_secs(2);
/// The first version that runs plugins: it takes a socket as its standard input.
const OLDEST: [u32; 2] = [2, 9];

/// What it takes to start.
pub(crate) struct Recipe {
    pub(crate) process: Arc<EngineProcess>,
    /// The author's file, inside.
    pub(crate) file: String,
    /// What handlers get as `env`.
    pub(crate) env: serde_json::Value,
    /// valord takes word of work that outlives its requests.
    pub(crate) background: bool,
}

struct Worker {
    core: Arc<serve::Worker>,
    process: Arc<EngineProcess>,
    /// The data sockets; the channel comes after them.
    sockets: usize,
    channel: Channel,
    state: State,
    teller: Teller,
    created: bool,
    version: String,
    /// It is a version that runs plugins.
    greeted: bool,
    /// A data socket has taken less than there was.
    blocked: bool,
    /// There is no way on; the main thread knows, and ends the process.
    broken: bool,
}

/// What the callbacks of the pump need.
struct State {
    exchanges: Exchanges,
    out: Vec<u8>,
    log: Reporter,
    /// Since when it is doubted that Deno is alive.
    doubt: Option<Instant>,
    /// When that was last asked.
    asked: Option<Instant>,
}

/// Creates the plugin and serves it until all sockets are closed; whether it has ended for a reason that was told already.
pub(crate) fn serve(recipe: Recipe, sockets: Vec<OwnedFd>, teller: &Teller) -> Result<bool, Failure> {
    let failed = Failure::at(Step::Create);
    let Recipe { process, file, env, background } = recipe;
    let cure = "raise the plugin's limit of descriptors";
    let copy = |fd: &OwnedFd| {
        fd.as_fd()
            .try_clone_to_owned()
            .map_err(|error| failed(format!("cannot copy a socket: {error}: {cure}")))
    };
    let mut polled = sockets.iter().map(copy).collect::<Result<Vec<_>, _>>()?;
    polled.push(copy(&process.socket)?);
    let channel = Channel::new(copy(&process.socket)?);
    process.go().map_err(|error| failed(format!("Deno cannot be let go: {error}")))?;
    let (count, core) = (sockets.len(), serve::Worker::new(sockets, Limits::default()));
    core.bind();
    if background {
        core.tell_of_background();
    }
    let poll_loop =
        PollLoop::new(&core).map_err(|errno| failed(format!("cannot make an eventfd: {errno}: {cure}")))?;
    let mut out = Vec::new();
    let config = serde_json::json!({ "file": file, "env": env }).to_string();
    frames::put(&mut out, Tell::Config, 0, config.as_bytes());
    let exchanges = Exchanges::new(Arc::clone(&core));
    let state = State { exchanges, out, log: teller.log().clone(), doubt: None, asked: None };
    let mut worker = Worker {
        core,
        process,
        sockets: count,
        channel,
        state,
        teller: teller.clone(),
        created: false,
        version: String::new(),
        greeted: false,
        blocked: false,
        broken: false,
    };
    if let Err(errno) = poll_loop.run(polled, &mut worker) {
        worker.give_up(format!("cannot wait for the sockets: {errno}"));
    }
    if worker.broken && worker.created {
        // valord hears why before it sees that the sockets are closed: the main thread ends the process.
        loop {
            std::thread::park();
        }
    }
    Ok(worker.broken)
}

impl Worker {
    /// Reads what Deno says.
    fn hear(&mut self) -> Pumped {
        let drained = self.channel.fill();
        let Self { core, channel, state, teller, created, version, greeted, blocked, .. } = self;
        let frames = |state: &mut State| {
            channel.frames(|frame| match frame.kind {
                Told::Hello => {
                    *version = String::from_utf8_lossy(frame.payload).chars().take(40).collect();
                    check(version)?;
                    *greeted = true;
                    Ok(())
                }
                Told::Created if !*created => {
                    *created = true;
                    let sdk = format!("deno {version}, valor-shim-js {}", env!("CARGO_PKG_VERSION"));
                    teller.tell(News::Ready { abi: ABI, sdk });
                    Ok(())
                }
                Told::Failed if !*created => Err(String::from_utf8_lossy(frame.payload).into_owned()),
                Told::Created | Told::Failed => Ok(()),
                _ => state.hear(frame),
            })
        };
        let (heard, pumped) = core.act(state, frames);
        *blocked |= pumped.want_write;
        if let Err(why) = heard {
            self.give_up(if self.created { format!("Deno broke the protocol: {why}") } else { why });
        } else if self.channel.is_closed() {
            let how = match self.process.end() {
                Some(code @ 129..=192) => format!("by signal {}", code - 128),
                Some(code) => format!("with exit code {code}"),
                None => "and left no status".to_owned(),
            };
            let when = if self.version.is_empty() { " before it could begin" } else { "" };
            self.give_up(format!("Deno has ended{when} {how}: see what it said at the end"));
        }
        Pumped { drained, want_write: false, closed: self.broken }
    }

    fn give_up(&mut self, message: String) {
        if std::mem::replace(&mut self.broken, true) {
            return;
        }
        self.process.kill();
        if self.greeted {
            self.teller.give_up(self.created, message);
        } else {
            self.teller.tell(News::Failed(Failure::at(Step::Load)(message)));
        }
    }

    /// Asks Deno for a sign of life when a request is past its deadline; when the next look is due.
    fn look(&mut self) -> Option<Instant> {
        let now = Instant::now();
        match self.state.doubt {
            Some(since) if since + GRACE <= now => {
                self.give_up("its code did not come to an end".to_owned());
                None
            }
            Some(since) => Some(since + GRACE),
            None => {
                let doubtful = self.state.exchanges.doubtful(GRACE)?;
                // What is late and alive is not asked all the time.
                let due = self.state.asked.map_or(doubtful, |asked| doubtful.max(asked + GRACE));
                if due > now {
                    return Some(due);
                }
                self.state.ask();
                Some(now + GRACE)
            }
        }
    }
}

impl Turn for Worker {
    fn pump(&mut self, index: usize) -> Pumped {
        if self.broken {
            return Pumped { drained: true, want_write: false, closed: true };
        }
        if index == self.sockets {
            return self.hear();
        }
        // Of each socket it is told from now on.
        self.blocked = false;
        self.core.pump(index, &mut self.state)
    }

    fn flush(&mut self) -> Pumped {
        self.core.flush(&mut self.state)
    }

    fn turn(&mut self) -> Option<Duration> {
        let due = if self.broken { None } else { self.look() };
        self.channel.append(&mut self.state.out);
        if let Err(why) = self.channel.flush() {
            self.give_up(format!("Deno is stuck: {why}"));
        }
        due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    fn is_blocked(&self, index: usize) -> bool {
        if index == self.sockets { self.channel.is_blocked() } else { self.blocked }
    }

    fn is_over(&self) -> bool {
        self.broken || self.core.is_done()
    }
}

impl State {
    fn ask(&mut self) {
        let now = Instant::now();
        self.asked = Some(now);
        self.doubt.get_or_insert(now);
        self.exchanges.asked();
        frames::put(&mut self.out, Tell::Ping, 0, &[]);
    }

    fn hear(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        let Self { exchanges, out, .. } = self;
        let Frame { id, payload, .. } = *frame;
        match frame.kind {
            Told::Log => {
                let level =
                    [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
                let level = level.get(id as usize).copied().unwrap_or(LogLevel::Info);
                self.log.log(level, "console", &String::from_utf8_lossy(payload));
            }
            Told::Respond => exchanges.respond(id, payload, out)?,
            Told::Fetch => exchanges.fetch(id, payload, out)?,
            Told::Part => exchanges.part(id, Some(payload), out)?,
            Told::Last => exchanges.part(id, None, out)?,
            Told::Reset => exchanges.reset(id, payload),
            Told::Stop => exchanges.stop(id),
            Told::Release => exchanges.release(id),
            Told::Pull => exchanges.pull(id, out),
            Told::Pong => self.doubt = None,
            Told::Background => exchanges.begin_background(id),
            Told::Settled => exchanges.end_background(id),
            Told::Hello | Told::Created | Told::Failed => {}
        }
        Ok(())
    }
}

impl Handler for State {
    fn on_request(&mut self, exchange: Exchange, head: &Head<'_>) {
        self.exchanges.admit(exchange, head, &mut self.out);
    }

    fn on_event(&mut self, user: usize, events: u32) {
        let Ok(id) = u32::try_from(user) else { return };
        self.exchanges.event(id, events, &mut self.out);
    }

    fn on_release(&mut self, _user: usize) {}

    fn on_violation(&mut self, index: usize, violation: &Violation) {
        let message = format!("valord broke the protocol on data socket {index}: {violation}");
        self.log.log(LogLevel::Error, "valor", &message);
    }
}

/// Whether this version runs plugins.
fn check(version: &str) -> Result<(), String> {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let found = [numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()];
    if found >= OLDEST {
        return Ok(());
    }
    let [major, minor] = OLDEST;
    Err(format!("Deno {version} is too old: {major}.{minor} or later is needed"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn old_versions_are_refused() {
        for good in ["2.9.0", "2.10.1", "3.0.0-rc.1", "10.0"] {
            assert_eq!(super::check(good), Ok(()), "{good}");
        }
        for bad in ["2.8.9", "1.46.3", "", "x"] {
            assert!(super::check(bad).unwrap_err().contains("2.9 or later"), "{bad}");
        }
    }
}
