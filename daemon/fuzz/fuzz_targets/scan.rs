//! The target itself is in the crate, so that ordinary tests run it over the committed corpus.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| valord::fuzzing::scan(input));
