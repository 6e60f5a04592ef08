//! One process that serves, and the task that waits for its end.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use valor_wire::control::ToShim;

use super::channel::{Broken, Channel};
use super::events::{Cause, Process};
use super::handshake::{Started, join};
use super::logs::{LogBook, LogStream};
use super::shared::Ticket;
use super::task::Event;
use super::tree::{self, Tree, describe};
use crate::plugin::Generation;
use crate::store::now_ms;
use crate::sys::process::Exit;

/// Lines that say why.
const LAST_LINES: usize = 10;

/// A process that is ready. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Instance {
    pub generation: Generation,
    /// The plugin process.
    pub pid: u32,
    pub started_ms: u64,
    pub abi: u32,
    pub sdk: String,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

/// How a process has ended.
#[derive(Debug)]
pub(super) struct End {
    pub cause: Cause,
    /// In words.
    pub reason: String,
    /// How long it was ready.
    pub ready: Duration,
    /// The last lines of its stderr.
    pub output: Vec<String>,
}

#[derive(Debug)]
enum Order {
    /// End by itself, or else be killed when this has passed.
    Stop(Duration),
    /// It is on its way out, for this reason unless its exit knows better.
    Expect(Cause, String),
    Kill(Cause, String),
}

impl Instance {
    /// Watches over a process that has become ready, until it ends; then the plugin's task hears of it.
    pub(super) fn watch(
        started: Started,
        book: LogBook,
        ticket: Ticket,
        events: mpsc::Sender<Event>,
        exit_grace: Duration,
    ) -> Self {
        let Started { tree, channel, pipes, pid, abi, sdk, .. } = started;
        let (orders, receiver) = mpsc::channel(4);
        let generation = ticket.generation;
        let (began, started_ms) = (Instant::now(), now_ms());
        let task = tokio::spawn(async move {
            let mut watch = Watch { tree, channel, orders: receiver, exit_grace };
            let (cause, reason) = watch.until_its_end().await;
            let ready = began.elapsed();
            let Watch { mut tree, channel, .. } = watch;
            if !tree.end().await {
                tracing::error!(%generation, pid, "a killed process does not end: it hangs in the kernel");
            }
            channel.drain().await;
            join(pipes).await;
            drop(ticket);
            let output = last_lines(&book, started_ms);
            let (cause, reason) = match tree::starved(&cause, &output) {
                Some(starved) => (Cause::OutOfMemory, starved),
                None => (cause, reason),
            };
            // A task that has ended does not care.
            let end = End { cause, reason, ready, output };
            let _sent = events.send(Event::Ended { generation, end }).await;
        });
        Self { generation, pid, started_ms, abi, sdk, orders, task }
    }

    /// As events tell of it.
    pub(super) fn process(&self, index: u16) -> Process {
        Process { index, generation: self.generation, pid: self.pid }
    }

    /// The data plane has lost it; it likely is on its way out.
    pub(super) fn expect_end(&self, cause: Cause, reason: String) {
        self.order(Order::Expect(cause, reason));
    }

    pub(super) fn kill(&self, cause: Cause, reason: String) {
        self.order(Order::Kill(cause, reason));
    }

    /// Tells it to end, kills it when `grace` has passed, and resolves when it is gone.
    pub(super) async fn stop(self, grace: Duration) {
        self.order(Order::Stop(grace));
        let Self { orders, task, .. } = self;
        // The task ends in any case: each of its steps has a deadline.
        let _ended = task.await;
        drop(orders);
    }

    fn order(&self, order: Order) {
        // Full: it has been told to end more than once already. Closed: it has.
        let _sent = self.orders.try_send(order);
    }
}

/// The last lines of a process that was started at `since`.
pub(super) fn last_lines(book: &LogBook, since: u64) -> Vec<String> {
    let lines = book.lines();
    let own = lines.iter().filter(|line| line.stream == LogStream::Stderr && line.time_ms >= since);
    let mut last: Vec<String> = own.rev().take(LAST_LINES).map(|line| line.message.clone()).collect();
    last.reverse();
    last
}

struct Watch {
    tree: Tree,
    channel: Channel,
    orders: mpsc::Receiver<Order>,
    exit_grace: Duration,
}

impl Watch {
    /// Resolves with the reason when the process has ended or must.
    async fn until_its_end(&mut self) -> (Cause, String) {
        let stopped = tokio::select! {
            exit = self.tree.exit() => return told(exit, self.tree.out_of_memory()),
            message = self.channel.receive() => match message {
                Ok(_) => {
                    let reason = "it sent a control message that has no place while it serves";
                    return (Cause::Violation, reason.to_owned());
                }
                Err(broken @ Broken::Violation(_)) => return (Cause::Violation, broken.to_string()),
                Err(closed @ Broken::Closed) => return self.dying(Cause::Closed, closed.to_string()).await,
            },
            order = self.orders.recv() => match order {
                Some(Order::Stop(grace)) => grace,
                Some(Order::Expect(cause, reason)) => return self.dying(cause, reason).await,
                Some(Order::Kill(cause, reason)) => return (cause, reason),
                None => return (Cause::Shutdown, "valord has dropped it".to_owned()),
            },
        };
        // It may be gone already.
        let _sent = tokio::time::timeout(stopped, self.channel.send(&ToShim::Drain)).await;
        let end = async {
            loop {
                tokio::select! {
                    exit = self.tree.exit() => return told(exit, false),
                    // Log lines, until it closes the socket.
                    message = self.channel.receive() => if message.is_err() {
                        return told(self.tree.exit().await, false);
                    },
                }
            }
        };
        tokio::time::timeout(stopped, end)
            .await
            .unwrap_or_else(|_| (Cause::Hung, "it was killed: it did not stop in time".to_owned()))
    }

    /// Its exit says more than its closed sockets, if it comes.
    async fn dying(&mut self, cause: Cause, reason: String) -> (Cause, String) {
        match tokio::time::timeout(self.exit_grace, self.tree.exit()).await {
            Ok(exit) => told(exit, self.tree.out_of_memory()),
            Err(_) => (cause, reason),
        }
    }
}

fn told(exit: Exit, out_of_memory: bool) -> (Cause, String) {
    (tree::cause(exit, out_of_memory), describe(exit, out_of_memory))
}
