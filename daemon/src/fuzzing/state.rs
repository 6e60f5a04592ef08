//! A registration's file: read as it was written, or refused with what to do.

use std::path::Path;

use crate::store::{VERSION, check_name, read_registration};

/// The bytes of `hello.json`.
///
/// # Panics
///
/// When a registration is taken that is not whole, or changes by being written and read.
pub fn state(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = |text: &str| read_registration(Path::new("hello.json"), "hello", text);
    match read(text) {
        Ok(registration) => {
            assert_eq!((&*registration.name, check_name(&registration.name)), ("hello", Ok(())));
            assert_eq!((registration.version, registration.sha256.len()), (VERSION, 64));
            assert!(registration.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            let written = serde_json::to_string_pretty(&registration);
            let written = written.unwrap_or_else(|error| panic!("{error}: {registration:?}"));
            let again = read(&written).unwrap_or_else(|error| panic!("{}: {written}", error.reason));
            assert_eq!(again, registration);
        }
        Err(error) => {
            let cures = ["unregister hello and register it again", "run the newer valord again"];
            assert!(error.reason.starts_with("the state file hello.json "), "{}", error.reason);
            assert!(cures.iter().any(|cure| error.reason.ends_with(cure)), "{}", error.reason);
        }
    }
}
