//! Limits as an operator writes them (`timeout = "5s"`, `memory = "64MiB"`), and what is too much or too little.

use std::time::Duration;

pub(super) use valor_control::plugins::Limits as LimitsFile;

use crate::plugin::Limits;

/// These, and `base` where nothing is said.
pub(super) fn over(written: &LimitsFile, base: &Limits) -> Limits {
    Limits {
        timeout: written.timeout.map_or(base.timeout, |span| span.0),
        idle_timeout: written.idle_timeout.map_or(base.idle_timeout, |span| span.0),
        total_timeout: match written.total_timeout {
            Some(span) => Some(span.0).filter(|span| !span.is_zero()),
            None => base.total_timeout,
        },
        concurrency: written.concurrency.unwrap_or(base.concurrency),
        queue: written.queue.unwrap_or(base.queue),
        instances: written.instances.unwrap_or(base.instances),
        memory: written.memory.map_or(base.memory, |size| size.0),
        cpu: written.cpu.map_or(base.cpu, |cores| Some(cores.0)),
        pids: written.pids.unwrap_or(base.pids),
        max_body: written.max_body.map_or(base.max_body, |size| size.0),
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Less does not hold the C library and a stack.
const MIN_MEMORY: u64 = 8 << 20;

/// The kernel counts no less than a millisecond of CPU.
const MIN_CPU: u64 = 10;
/// The sandbox itself, and the plugin's workers.
const MIN_PIDS: u64 = 16;

/// Which limits make no sense, by their key, and why.
#[must_use]
pub fn check_limits(limits: &Limits) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let spans = [
        ("timeout", Some(limits.timeout)),
        ("idle_timeout", Some(limits.idle_timeout)),
        ("total_timeout", limits.total_timeout),
    ];
    for (key, span) in spans {
        if span.is_some_and(|span| span < Duration::from_millis(1) || span > DAY) {
            wrong.push((key, "must be between 1ms and 24h".to_owned()));
        }
    }
    let mut within = |key, value: u64, least: u64, most: u64| {
        if value < least || value > most {
            wrong.push((key, format!("{value} is not between {least} and {most}")));
        }
    };
    within("concurrency", limits.concurrency.into(), 1, 1 << 16);
    within("queue", limits.queue.into(), 0, 1 << 20);
    within("instances", limits.instances.into(), 1, 64);
    within("memory", limits.memory, MIN_MEMORY, 1 << 46);
    // In thousandths of a core.
    within("cpu", limits.cpu.map_or(MIN_CPU, u64::from), MIN_CPU, 1000 << 10);
    within("pids", limits.pids.into(), MIN_PIDS, 1 << 22);
    within("max_body", limits.max_body, 0, 1 << 46);
    wrong
}
