//! The deadlines of a link, and the verdict on a process that answers nothing.

use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::poll_fn;
use valor_wire::ResetCode;

use super::{Ended, Failure, Link, LinkFailureKind, State};

impl Link {
    /// Ends what is past its time, and judges the process that does not even answer a ping. A task of its own: the
    /// driver, which runs for every request, would pay for looking at the timer.
    pub(super) async fn clock(self: Rc<Self>) {
        let mut timer = pin!(tokio::time::sleep_until(Instant::now().into()));
        let mut runs = false;
        loop {
            let ended = poll_fn(|cx| {
                let mut state = self.state.borrow_mut();
                state.clock = Some(cx.waker().clone());
                if state.ended.is_some() {
                    return Poll::Ready(true);
                }
                if std::mem::take(&mut state.rearm)
                    && let Some(due) = state.timer
                {
                    runs = true;
                    timer.as_mut().reset(due.into());
                }
                if runs { timer.as_mut().poll(cx).map(|()| false) } else { Poll::Pending }
            })
            .await;
            if ended {
                return;
            }
            runs = false;
            if !self.sweep() {
                continue;
            }
            // This thread may have been held up itself: what waits in the socket is read before the verdict.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if self.state.borrow().suspect.is_some_and(|at| at <= Instant::now()) {
                return self.end(Ended::Failed(LinkFailureKind::Hung));
            }
        }
    }

    /// `true`: the process seems to be hung.
    fn sweep(&self) -> bool {
        let mut wakers = Vec::new();
        let mut state = self.state.borrow_mut();
        let hung = state.sweep(Instant::now(), self.options.hung_grace, &mut wakers);
        let nudge = state.nudge();
        drop(state);
        nudge.wake();
        wakers.into_iter().for_each(Waker::wake);
        hung
    }
}

impl State {
    fn sweep(&mut self, now: Instant, grace: Duration, wakers: &mut Vec<Waker>) -> bool {
        let hung = self.suspect.is_some_and(|at| at <= now);
        let mut late = Vec::new();
        let mut next = self.suspect.filter(|_| !hung);
        for (key, stream) in self.table.iter_mut() {
            match stream.due() {
                Some((at, failure)) if at <= now => {
                    stream.fail(failure, wakers);
                    if failure == Failure::Unread {
                        // Not even what has come completely is kept for a reader that does not read.
                        stream.chunks.clear();
                        stream.end = false;
                    }
                    late.push((key, stream.id, failure));
                }
                Some((at, _)) => next = Some(next.map_or(at, |next| next.min(at))),
                None => {}
            }
        }
        for (key, id, failure) in late {
            self.conn.reset(id, ResetCode::Deadline, "");
            // A slow client is no reason to suspect the plugin.
            if self.suspect.is_none() && !matches!(failure, Failure::SourceIdle | Failure::Unread) {
                // An older ping that is unanswered serves as well.
                self.conn.ping(id.get());
                let at = now + grace;
                self.suspect = Some(at);
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            self.release(key);
        }
        self.timer = None;
        self.rearm = false;
        self.arm(next);
        hung
    }
}
