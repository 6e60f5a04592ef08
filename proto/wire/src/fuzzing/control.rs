//! The control socket's decoder.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::control::{Decoder, FromShim, MAX_MESSAGE, ToShim, encode};
use crate::{HEADER_LEN, Violation};

/// Both directions' messages from the same bytes; the first byte says in what pieces they arrive.
///
/// # Panics
///
/// When a message changes by being written and read, depends on the pieces, or follows a violation.
pub fn control(input: &[u8]) {
    let (step, bytes) =
        input.split_first().map_or((1, input), |(step, rest)| (usize::from(*step).max(1), rest));
    read::<FromShim>(bytes, step);
    read::<ToShim>(bytes, step);
}

fn read<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8], step: usize) {
    let (messages, end) = messages::<T>(bytes, step);
    assert_eq!((&messages, &end), (&messages_at_once(bytes).0, &messages_at_once::<T>(bytes).1));
    for message in messages {
        // Only JSON that grows by being written anew does not fit any more.
        let Ok(again) = encode(&message) else { continue };
        assert!(again.len() <= HEADER_LEN + MAX_MESSAGE);
        assert_eq!(messages_at_once(&again), (vec![message], None));
    }
}

fn messages_at_once<T: DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) -> (Vec<T>, Option<Violation>) {
    messages(bytes, bytes.len().max(1))
}

fn messages<T: DeserializeOwned + PartialEq + Debug>(
    bytes: &[u8],
    step: usize,
) -> (Vec<T>, Option<Violation>) {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for part in bytes.chunks(step) {
        decoder.feed(part);
        loop {
            match decoder.next::<T>() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => {
                    // There is no way on.
                    decoder.feed(&encode(&ToShim::Drain).unwrap_or_default());
                    assert_eq!(decoder.next::<T>(), Err(violation.clone()));
                    return (messages, Some(violation));
                }
            }
        }
    }
    (messages, None)
}
