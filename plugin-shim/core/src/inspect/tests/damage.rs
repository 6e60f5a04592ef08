//! Files that were plugins before something happened to them.

use std::sync::LazyLock;

use super::*;

static PLUGIN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    compile(&format!("{ENTRY}#include <stdlib.h>\nvoid f(void) {{ abort(); }}"), &["-shared", "-fPIC"])
});

/// Cut after each single byte: also at the end of every header, segment, section, string and table.
#[test]
fn wherever_it_is_cut_it_is_told() {
    let (bytes, search) = (smallest(), search());
    assert_eq!(inspect(&bytes, &search).problem, None);
    assert_eq!(step(&inspect(&[], &search)).1, "it is not a native library but an empty file");
    for length in 1..bytes.len() {
        let inspection = inspect(&bytes[..length], &search);
        let (step, message) = step(&inspection);
        assert_eq!(step, "format", "{length} of {} bytes: {message}", bytes.len());
        assert!(message.starts_with("it is truncated or damaged: "), "{length} bytes: {message}");
        assert_eq!(cure(&inspection), "build it again and send it whole");
    }
}

#[test]
fn a_file_of_holes_is_told() {
    // As a disk that was full leaves it: the right size, and nothing in it.
    let mut bytes = smallest();
    bytes[64..].fill(0);
    let said = "it is truncated or damaged: nothing of it is to be loaded";
    assert_eq!(step(&inspect(&bytes, &search())), ("format", said));
    // Stripped of what the linker does not need, and this reader does.
    let mut bytes = smallest();
    bytes[40..48].fill(0);
    bytes[60..64].fill(0);
    let said = "it is truncated or damaged: it has no table of sections";
    assert_eq!(step(&inspect(&bytes, &search())), ("format", said));
    bytes.fill(0);
    assert_eq!(
        step(&inspect(&bytes, &search())),
        ("format", "it is not a native library but data of an unknown kind")
    );
}

proptest::proptest! {
    /// No byte anywhere makes the reader panic.
    #[test]
    fn damage_is_an_answer(at in proptest::prelude::any::<proptest::sample::Index>(), value: u8, wide: u64) {
        let mut bytes = PLUGIN.clone();
        let at = at.index(bytes.len() - 8);
        bytes[at] = value;
        let one = super::super::elf::facts(&bytes);
        bytes[at..at + 8].copy_from_slice(&wide.to_le_bytes());
        let eight = super::super::elf::facts(&bytes);
        drop((one, eight));
    }
}

/// 65535 versions, all of them one: two kilobytes that would name megabytes.
#[test]
fn a_list_that_leads_in_a_circle_is_told() {
    let mut bytes =
        compile(&format!("{ENTRY}#include <stdlib.h>\nvoid f(void) {{ abort(); }}"), &["-shared", "-fPIC"]);
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (table, count) = (word(&bytes, 0x28), usize::from(bytes[0x3c]));
    // The section of type SHT_GNU_verneed; its first entry's count and its first version's link.
    let header = (0..count).map(|i| table + 64 * i).find(|at| word(&bytes, at + 4) == 0x6fff_fffe).unwrap();
    let need = word(&bytes, header + 0x18);
    let version = need + word(&bytes, need + 8);
    bytes[need + 2..need + 4].fill(0xff);
    bytes[version + 12..version + 16].fill(0);
    let inspection = inspect(&bytes, &search());
    let why = "it is truncated or damaged: its tables name more than it is long";
    assert_eq!(step(&inspection), ("format", why));
}
