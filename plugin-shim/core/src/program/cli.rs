//! The command line. People meet it rarely, valord always.

use std::ffi::OsString;
use std::os::fd::RawFd;

use super::Program;
use crate::one_shot::OneShotError;
use crate::sandbox::Fds;

/// What to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Serve a plugin.
    Run(Fds),
    /// Work on the file on stdin.
    OneShot(fn() -> Result<(), OneShotError>),
    /// Help, or the version.
    Print(String),
}

/// Why the arguments were not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UsageError {
    #[error("unknown argument {0:?}: see --help")]
    Unknown(OsString),
    #[error("{0} is missing: a shim is started by valord, see --help")]
    Missing(&'static str),
    #[error("{option} takes descriptors from 3 up, each once, not {value:?}")]
    Descriptor { option: &'static str, value: OsString },
}

/// Reads the arguments after the program's name.
pub(super) fn parse(
    program: &Program,
    mut args: impl Iterator<Item = OsString>,
) -> Result<Command, UsageError> {
    let verb = args.next().ok_or(UsageError::Missing("a command"))?;
    let one_shot = program.one_shots.iter().find(|(name, _)| verb == *name);
    let command = match (verb.to_str(), one_shot) {
        (_, Some((_, run))) => Command::OneShot(*run),
        (Some("run"), _) => return run(args).map(Command::Run),
        (Some("--help" | "-h" | "help"), _) => Command::Print(help(program)),
        (Some("--version" | "-V"), _) => Command::Print(format!("{} {}\n", program.name, program.version)),
        _ => return Err(UsageError::Unknown(verb)),
    };
    args.next().map_or(Ok(command), |extra| Err(UsageError::Unknown(extra)))
}

fn help(program: &Program) -> String {
    let Program { name, what, .. } = program;
    let mut usage =
        format!("{what}; valord starts it.\n\nUsage: {name} run --control FD --data FD[,FD...]\n");
    for (verb, _) in program.one_shots {
        usage += &format!("       {name} {verb} < FILE\n");
    }
    usage
        + "\n`inspect` prints as JSON what a plugin file is and needs, without running it; `valorctl check FILE` shows that to \
           people.\n"
}

fn run(mut args: impl Iterator<Item = OsString>) -> Result<Fds, UsageError> {
    let (mut control, mut data) = (None, None);
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--control") => control = Some(descriptors("--control", args.next())?),
            Some("--data") => data = Some(descriptors("--data", args.next())?),
            _ => return Err(UsageError::Unknown(arg)),
        }
    }
    let control = control.ok_or(UsageError::Missing("--control"))?;
    let data = data.ok_or(UsageError::Missing("--data"))?;
    let invalid = |option, fds: &[RawFd]| UsageError::Descriptor { option, value: format!("{fds:?}").into() };
    let &[control] = &control[..] else {
        return Err(invalid("--control", &control));
    };
    let twice = |(i, fd): (usize, &RawFd)| *fd == control || data[..i].contains(fd);
    if data.iter().enumerate().any(twice) {
        return Err(invalid("--data", &data));
    }
    Ok(Fds { control, data })
}

fn descriptors(option: &'static str, value: Option<OsString>) -> Result<Vec<RawFd>, UsageError> {
    let value = value.ok_or(UsageError::Missing(option))?;
    let parsed = value.to_str().and_then(|text| {
        text.split(',').map(|fd| fd.parse::<RawFd>().ok().filter(|fd| *fd >= 3)).collect::<Option<Vec<_>>>()
    });
    parsed.ok_or(UsageError::Descriptor { option, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "valor-shim",
        version: "1",
        what: "A shim",
        profile: super::super::Profile { mdwe: true, engine: None },
        one_shots: &[("inspect", || Ok(()))],
        serve: |_, _, _| std::process::ExitCode::SUCCESS,
    };

    fn of(line: &str) -> Result<Command, UsageError> {
        parse(&PROGRAM, line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn what_valord_says() {
        let Ok(Command::Run(fds)) = of("run --control 3 --data 4,5,17") else { panic!("not understood") };
        assert_eq!((fds.control, fds.data), (3, vec![4, 5, 17]));
        assert!(matches!(of("inspect"), Ok(Command::OneShot(_))));
        assert!(matches!(of("help"), Ok(Command::Print(text)) if text.contains("valor-shim inspect < FILE")));
        assert!(matches!(of("--version"), Ok(Command::Print(_))));
    }

    #[test]
    fn what_nobody_should_say() {
        for line in [
            "",
            "serve",
            "inspect file",
            "run",
            "run --control 3",
            "run --data 4",
            "run --control",
            "run --control 3,4 --data 5",
            "run --control 2 --data 4",
            "run --control -1 --data 4",
            "run --control 3 --data 3",
            "run --control 3 --data 4,4",
            "run --control 3 --data 4,,5",
            "run --control 3 --data x",
            "run --control 3 --data 4 --no-sandbox",
        ] {
            assert!(of(line).is_err(), "{line}");
        }
    }
}
