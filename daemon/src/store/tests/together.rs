//! Several registrations that change as one.

use super::*;

pub(super) fn pair(prefixes: [&str; 2]) -> Vec<Registration> {
    let of = |(name, prefix): (&str, &str)| Registration {
        prefix: prefix.to_owned(),
        ..registration(name, &"a".repeat(64))
    };
    ["a", "b"].into_iter().zip(prefixes).map(of).collect()
}

fn prefixes(store: &Store) -> Vec<String> {
    let prefix = |entry| match entry {
        Entry::Good(registration) => registration.prefix,
        failed => panic!("{failed:?}"),
    };
    store.load_all().unwrap().into_iter().map(prefix).collect()
}

#[test]
fn what_changes_together_fails_together_and_never_lies() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    for several in [false, true] {
        let mut seen = std::collections::BTreeSet::new();
        for fails in 0.. {
            let (count, armed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
            let (counted, at) = (Arc::clone(&count), Arc::clone(&armed));
            let disk = Disk::watched(move |_, _| {
                let (step, at) = (counted.fetch_add(1, Ordering::Relaxed), at.load(Ordering::Relaxed));
                match step == at || several && step > at {
                    true => Err(std::io::Error::from_raw_os_error(28)),
                    false => Ok(()),
                }
            });
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("state");
            let store = Store::open_on(disk, &path).unwrap();
            pair(["/x", "/y"]).iter().for_each(|one| store.save(one).unwrap());
            let begin = count.load(Ordering::Relaxed);
            armed.store(begin + fails, Ordering::Relaxed);
            let saved = store.save_together(&pair(["/y", "/x"]));
            let steps = count.load(Ordering::Relaxed) - begin;
            armed.store(usize::MAX, Ordering::Relaxed);
            let now = prefixes(&store);
            match &saved {
                Ok(()) => assert_eq!(now, ["/y", "/x"]),
                Err(StoreError::Undecided { .. }) => assert!(several),
                Err(error) => {
                    assert!(error.is_full(), "{error}");
                    assert_eq!(now, ["/x", "/y"], "step {fails}: {error}");
                }
            }
            drop(store);
            let store = Store::open(&path).unwrap();
            let then = prefixes(&store);
            assert!(then == ["/x", "/y"] || then == ["/y", "/x"], "step {fails}: {then:?}");
            if !matches!(saved, Err(StoreError::Undecided { .. })) {
                assert_eq!(then, now);
            }
            assert_eq!(files(&store, "plugins"), ["a.json", "b.json"]);
            seen.insert(then);
            if steps <= fails {
                assert!(saved.is_ok() && fails > 15, "{fails} steps");
                break;
            }
        }
        assert_eq!(seen.len(), 2);
    }
}

#[test]
fn what_could_not_be_undone_is_undone_before_the_next_change() {
    let (_dir, store, armed) = bad(&[Step::Remove]);
    pair(["/x", "/y"]).iter().for_each(|one| store.save(one).unwrap());
    armed.store(true, std::sync::atomic::Ordering::Relaxed);
    let undecided = store.save_together(&pair(["/y", "/x"])).unwrap_err();
    assert!(matches!(undecided, StoreError::Undecided { .. }), "{undecided}");
    assert!(store.save(&registration("c", &"a".repeat(64))).is_err(), "nothing else is changed before");
    armed.store(false, std::sync::atomic::Ordering::Relaxed);
    store.save(&registration("c", &"a".repeat(64))).unwrap();
    assert_eq!(prefixes(&store)[..2], ["/x", "/y"]);
    assert_eq!(files(&store, "plugins"), ["a.json", "b.json", "c.json"]);
}

#[test]
fn a_journal_that_is_none_changes_nothing() {
    let (dir, store) = open();
    pair(["/x", "/y"]).iter().for_each(|one| store.save(one).unwrap());
    let path = store.dir().to_owned();
    drop(store);
    let swapped =
        pair(["/y", "/x"]).iter().map(|one| serde_json::to_string(one).unwrap()).collect::<String>();
    for (text, mode, expected) in [
        ("{\"name\":", 0o600, ["/x", "/y"]),
        (swapped.as_str(), 0o666, ["/x", "/y"]),
        (swapped.as_str(), 0o600, ["/y", "/x"]),
    ] {
        let journal = path.join("plugins/together.journal");
        fs::write(&journal, text).unwrap();
        fs::set_permissions(&journal, Permissions::from_mode(mode)).unwrap();
        let store = Store::open(&path).unwrap();
        assert_eq!(prefixes(&store), expected);
        assert_eq!(files(&store, "plugins"), ["a.json", "b.json"]);
    }
    drop(dir);
}
