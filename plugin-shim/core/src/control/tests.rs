use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use valor_wire::control::{LogLevel, Rlimits};

use super::*;

fn pair() -> (Control, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Control::new(ours.into()), theirs)
}

fn tell(daemon: &mut UnixStream, message: &ToShim) {
    daemon.write_all(&encode(message).unwrap()).unwrap();
}

/// Reads messages until the socket is empty (or, blocking, until one is there).
fn heard(daemon: &mut UnixStream, decoder: &mut Decoder) -> Vec<FromShim> {
    let mut messages = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n) = daemon.read(&mut buffer) {
        assert_ne!(n, 0, "hung up");
        decoder.feed(&buffer[..n]);
        while let Some(message) = decoder.next().unwrap() {
            messages.push(message);
        }
        daemon.set_nonblocking(true).unwrap();
    }
    daemon.set_nonblocking(false).unwrap();
    messages
}

fn setup() -> Setup {
    Setup {
        plugin: "hello".into(),
        artifact: "/a.so".into(),
        libraries: Vec::new(),
        root: "/r".into(),
        data: None,
        tmp_bytes: 1,
        read: Vec::new(),
        write: Vec::new(),
        env: Vec::new(),
        identity: None,
        rlimits: Rlimits { nofile: 1, nproc: 1, fsize: 1, data: None },
        memory: 1,
        engine: None,
    }
}

#[test]
fn the_handshake_in_its_order() {
    let (mut control, mut daemon) = pair();
    tell(&mut daemon, &ToShim::Hello(Hello::new("valord 1")));
    tell(&mut daemon, &ToShim::Setup(Box::new(setup())));
    assert_eq!(control.greet("valor-shim 1").unwrap(), setup());
    let start = Start { config: serde_json::json!({"a": 1}), workers: 2 };
    tell(&mut daemon, &ToShim::Start(start.clone()));
    assert_eq!(control.report(Vec::new()).unwrap(), start);
    let messages = heard(&mut daemon, &mut Decoder::default());
    assert_eq!(
        messages,
        [FromShim::Hello(Hello::new("valor-shim 1")), FromShim::Report { layers: Vec::new() }]
    );
}

#[test]
fn another_version_is_refused_by_both_names() {
    let (mut control, mut daemon) = pair();
    tell(&mut daemon, &ToShim::Hello(Hello { version: 9, ..Hello::new("valord 9.0") }));
    let message = control.greet("valor-shim 1.0").unwrap_err().to_string();
    assert!(message.contains("version 1") && message.contains("valord 9.0 speaks 9"), "{message}");
    assert_eq!(heard(&mut daemon, &mut Decoder::default()).len(), 1, "valord is told ours too");
}

#[test]
fn nonsense_and_hang_up_end_it() {
    let (mut control, mut daemon) = pair();
    daemon.write_all(&[7; 64]).unwrap();
    assert!(matches!(control.greet("x"), Err(ControlError::Violation(_))));
    let (mut control, mut daemon) = pair();
    tell(&mut daemon, &ToShim::Drain);
    assert!(matches!(control.greet("x"), Err(ControlError::Unexpected { got: "a drain", .. })));
    let (mut control, daemon) = pair();
    drop(daemon);
    assert!(matches!(control.greet("x"), Err(ControlError::HungUp)));
}

#[test]
fn the_listener_hears_drain_pokes_and_the_end() {
    let (control, mut daemon) = pair();
    let (mut listener, reporter) = control.split().unwrap();
    reporter.poke();
    reporter.poke();
    assert_eq!(listener.wait().unwrap(), Notice::Poked);
    tell(&mut daemon, &ToShim::Drain);
    assert_eq!(listener.wait().unwrap(), Notice::Drain);
    drop(daemon);
    assert_eq!(listener.wait().unwrap(), Notice::HungUp);
    assert!(matches!(
        reporter.send(&FromShim::Ready { abi: 1, sdk: String::new() }),
        Err(ControlError::HungUp)
    ));
    reporter.log(LogLevel::Info, "x", "nobody hears this, and it does no harm");
}

#[test]
fn log_lines_are_cut_bounded_and_counted() {
    let (control, mut daemon) = pair();
    let (mut listener, reporter) = control.split().unwrap();
    let mut decoder = Decoder::default();
    reporter.log(LogLevel::Warn, &"t".repeat(1000), &"é".repeat(20_000));
    let [FromShim::Log { level: LogLevel::Warn, target, message }] = &heard(&mut daemon, &mut decoder)[..]
    else {
        panic!("not one line")
    };
    assert_eq!((target.len(), message.len()), (256, 16 * 1024));

    // Nobody reads: nothing blocks, and no frame is cut in two.
    let long = "x".repeat(10_000);
    for _ in 0..1000 {
        reporter.log(LogLevel::Info, "flood", &long);
    }
    let early = heard(&mut daemon, &mut decoder).len();
    assert!((1..100).contains(&early), "{early}");
    // The main thread finishes what was begun, and the next line says how much is missing.
    tell(&mut daemon, &ToShim::Drain);
    while listener.wait().unwrap() != Notice::Drain {}
    reporter.log(LogLevel::Info, "flood", "last");
    let late = heard(&mut daemon, &mut decoder);
    let texts: Vec<_> = late
        .iter()
        .map(|m| match m {
            FromShim::Log { message, .. } => message.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    let lost = 1000 - early - texts.iter().filter(|t| **t == long).count();
    let notice = format!("{lost} log lines were dropped");
    assert!(texts.iter().any(|t| t.starts_with(&notice)), "{lost} lost, {texts:?}");
    assert_eq!(texts.last(), Some(&"last"));
}

#[test]
fn a_message_that_does_not_fit_is_sent_when_there_is_room() {
    let (control, mut daemon) = pair();
    let (_listener, reporter) = control.split().unwrap();
    let message = FromShim::Failed { step: Step::Create, message: "m".repeat(900_000) };
    let sent = message.clone();
    let thread = std::thread::spawn(move || reporter.send(&sent));
    let mut decoder = Decoder::default();
    let mut heard_all = Vec::new();
    while heard_all.is_empty() {
        heard_all = heard(&mut daemon, &mut decoder);
    }
    assert_eq!(heard_all, [message]);
    thread.join().unwrap().unwrap();
}
