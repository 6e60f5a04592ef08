//! Threads of the standard library: names, locks, channels, pipes, sleep.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::{Outcome, check};

#[expect(clippy::disallowed_methods, reason = "what honest programs do, too, and no other call does")]
pub(crate) fn run(_: &Path) -> Outcome {
    let (sender, receiver) = sync_channel(0);
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let sender = sender.clone();
            std::thread::Builder::new().name(format!("worker-{n}")).spawn(move || sender.send(n).is_ok())
        })
        .collect::<Result<_, _>>()?;
    drop(sender);
    check(receiver.into_iter().sum::<i32>() == 6, "the channel")?;
    for thread in threads {
        check(thread.join().is_ok_and(|sent| sent), "a thread")?;
    }
    let (mut from, mut to) = std::io::pipe()?;
    to.write_all(b"x")?;
    drop(to);
    let mut text = String::new();
    from.try_clone()?.read_to_string(&mut text)?;
    from.read_to_string(&mut text)?;
    check(text == "x", "the pipe")?;
    std::thread::park_timeout(Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(1));
    check(std::thread::available_parallelism()?.get() > 0, "no processor")
}
