//! `valord` over a disk that fails on order: what a crash or a bad disk leaves behind can be tried at each step.
//!
//! An order is a line on stdin, or the first one in `VALOR_FAULT`; each begins the count of steps anew, and is answered with a line of
//! the steps since the one before:
//!
//! ```text
//! none        nothing fails
//! kill K      the process is killed before step K, counted from 0
//! ENOSPC K    step K fails so; also EIO
//! EROFS K     step K and all that follow fail so
//! ```

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "its answers")]

use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use clap::Parser as _;
use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};
use valord::config::{Cli, Config, Environment};
use valord::store::{Disk, Step};
use valord::{app, logging, sys};

fn main() -> anyhow::Result<()> {
    let config = Config::load(Cli::parse(), &Environment::of_process(sys::users::own_uid() == 0))?;
    logging::init(config.log_format)?;
    let first = std::env::var("VALOR_FAULT").ok().map(|order| Order::parse(&order)).transpose()?;
    let script = Arc::new(Mutex::new(Script { order: first.unwrap_or(Order::None), steps: Vec::new() }));
    let watched = Arc::clone(&script);
    let disk = Disk::watched(move |step, path| {
        watched.lock().unwrap_or_else(PoisonError::into_inner).passes(step, path)
    });
    std::thread::spawn(move || obey(&script));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(app::run(config, disk))
}

fn obey(script: &Mutex<Script>) -> anyhow::Result<()> {
    for line in io::stdin().lock().lines() {
        let order = Order::parse(&line?)?;
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.order = order;
        println!("{}", std::mem::take(&mut script.steps).join(", "));
    }
    Ok(())
}

/// What is to fail, and what has happened since it was said.
struct Script {
    order: Order,
    steps: Vec<String>,
}

#[derive(Clone, Copy)]
enum Order {
    None,
    Kill { at: usize },
    Fail { errno: Errno, at: usize },
}

impl Order {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let Some((what, at)) = text.split_once(' ') else { return Ok(Self::None) };
        let at = at.parse().with_context(|| format!("{text:?} has no step"))?;
        match what {
            "kill" => Ok(Self::Kill { at }),
            "ENOSPC" => Ok(Self::Fail { errno: Errno::ENOSPC, at }),
            "EIO" => Ok(Self::Fail { errno: Errno::EIO, at }),
            "EROFS" => Ok(Self::Fail { errno: Errno::EROFS, at }),
            _ => anyhow::bail!("{text:?} is no order"),
        }
    }
}

impl Script {
    fn passes(&mut self, step: Step, path: &Path) -> io::Result<()> {
        let number = self.steps.len();
        let name = path.components().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect::<PathBuf>();
        self.steps.push(format!("{step:?} {}", name.display()));
        match self.order {
            Order::Kill { at } if number == at => Ok(raise(Signal::SIGKILL)?),
            Order::Fail { errno: Errno::EROFS, at } if number >= at => Err(Errno::EROFS.into()),
            Order::Fail { errno, at } if number == at => Err(errno.into()),
            _ => Ok(()),
        }
    }
}
