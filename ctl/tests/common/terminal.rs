//! Somebody at a terminal.

use std::io::{Read as _, Write as _};

use super::{Fake, command};

/// Runs `valorctl` with the terminal for questions, and answers its question; what it says at the end goes elsewhere.
pub fn on_terminal(fake: &Fake, args: &[&str], answer: &str) -> (String, i32) {
    run_on_terminal(fake, args, answer, false)
}

/// The same, with all that it says on the terminal if that is the `whole`.
pub fn run_on_terminal(fake: &Fake, args: &[&str], answer: &str, whole: bool) -> (String, i32) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&main).unwrap();
    unlockpt(&main).unwrap();
    let name = ptsname(&main, Vec::new()).unwrap().into_string().unwrap();
    let open = || std::fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let socket = fake.path("control.sock");
    let mut command = command(fake.dir.path(), args, &[("VALOR_CONTROL", socket.to_str().unwrap())]);
    command.stdin(open()).stderr(open()).stdout(std::process::Stdio::piped());
    if whole {
        command.stdout(open()).env("TERM", "xterm");
    }
    let mut child = command.spawn().unwrap();
    // The last copies of the terminal's other side here: it hangs up when the child is gone.
    drop(command);
    let mut main = std::fs::File::from(main);
    let mut seen = String::new();
    let mut buffer = [0; 1024];
    let mut answered = false;
    while let Ok(n @ 1..) = main.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
        if !answered && seen.contains("[y/N] ") {
            main.write_all(answer.as_bytes()).unwrap();
            answered = true;
        }
    }
    (seen.replace("\r\n", "\n"), child.wait().unwrap().code().unwrap())
}
