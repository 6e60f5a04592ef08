//! A power cut at every step: what was not synced is lost, or came through by chance. Afterwards there is what was before, or what was to
//! be, and what was promised is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::together::pair;
use super::*;

/// Bytes by names within the state directory.
type Files = BTreeMap<String, Vec<u8>>;

/// What a disk may hold after a power cut.
#[derive(Default)]
struct Model {
    dir: PathBuf,
    last: Option<(Step, PathBuf)>,
    /// Files whose bytes are sure, by inode.
    synced: BTreeSet<u64>,
    /// Names that are sure, by directory.
    durable: BTreeMap<PathBuf, BTreeMap<String, (u64, Vec<u8>)>>,
    cuts: Vec<Files>,
}

impl Model {
    /// Before a step: the one before it has happened.
    fn step(&mut self, step: Option<(Step, PathBuf)>) {
        match self.last.take() {
            Some((Step::Sync, path)) => {
                let unfinished = now(path.parent().unwrap());
                self.synced.extend(
                    unfinished.iter().filter(|(name, _)| name.starts_with(".tmp-")).map(|(_, file)| file.0),
                );
            }
            Some((Step::SyncDir, dir)) => drop(self.durable.insert(dir.clone(), now(&dir))),
            _ => {}
        }
        self.last = step;
        let dirs = ["plugins", "artifacts"].map(|name| self.dir.join(name));
        let by_chance = dirs.iter().flat_map(|dir| self.files(dir, now(dir))).collect();
        let sure =
            dirs.iter().flat_map(|dir| self.files(dir, self.durable.get(dir).cloned().unwrap_or_default()));
        let sure = sure.collect();
        self.cuts.extend([sure, by_chance]);
    }

    /// Of what is not synced no byte comes through.
    fn files(&self, dir: &Path, names: BTreeMap<String, (u64, Vec<u8>)>) -> Files {
        let within = dir.strip_prefix(&self.dir).unwrap();
        let bytes = |inode, bytes| if self.synced.contains(&inode) { bytes } else { Vec::new() };
        names
            .into_iter()
            .map(|(name, (inode, all))| (within.join(name).to_str().unwrap().to_owned(), bytes(inode, all)))
            .collect()
    }
}

fn now(dir: &Path) -> BTreeMap<String, (u64, Vec<u8>)> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        let found = entry.metadata().unwrap();
        (entry.file_name().into_string().unwrap(), (found.ino(), fs::read(entry.path()).unwrap()))
    };
    entries.map(file).collect()
}

/// What the next start makes of it; each artifact that is there is whole, and each that is needed is there.
fn after(files: &Files) -> Vec<Registration> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state");
    drop(Store::open(&path).unwrap());
    for (name, bytes) in files {
        fs::write(path.join(name), bytes).unwrap();
        fs::set_permissions(path.join(name), Permissions::from_mode(0o600)).unwrap();
    }
    let store = Store::open(&path).unwrap();
    let good = |entry| match entry {
        Entry::Good(registration) => *registration,
        failed => panic!("{failed:?} of {:?}", files.keys()),
    };
    let all: Vec<_> = store.load_all().unwrap().into_iter().map(good).collect();
    for one in all.iter().filter(|one| one.sha256 != "a".repeat(64)) {
        store.verify(&one.sha256).unwrap();
    }
    assert!(self::files(&store, "plugins").iter().all(|name| name.ends_with(".json")));
    all
}

/// Cuts the power at every step of a change, and after it.
fn cut(begin: &[Registration], change: impl Fn(&Store), wanted: &[Registration]) {
    let model = Arc::new(Mutex::new(Model::default()));
    let watched = Arc::clone(&model);
    let disk = Disk::watched(move |step, path| {
        watched.lock().unwrap().step(Some((step, path.to_owned())));
        Ok(())
    });
    let dir = tempfile::tempdir().unwrap();
    model.lock().unwrap().dir = dir.path().join("state");
    let store = Store::open_on(disk, &dir.path().join("state")).unwrap();
    model.lock().unwrap().dir = store.dir().to_owned();
    begin.iter().for_each(|one| store.save(one).unwrap());
    model.lock().unwrap().step(None);
    model.lock().unwrap().cuts.clear();
    change(&store);
    let promised = {
        let mut model = model.lock().unwrap();
        model.step(None);
        model.cuts[model.cuts.len() - 2].clone()
    };
    assert_eq!(after(&promised), wanted, "what was promised is not there");
    let cuts = std::mem::take(&mut model.lock().unwrap().cuts);
    assert!(cuts.len() > 4);
    let mut seen = [false; 2];
    for (index, files) in cuts.iter().enumerate() {
        let then = after(files);
        assert!(then == begin || then == wanted, "cut {index}: {then:?}");
        seen[usize::from(then == wanted)] = true;
    }
    assert_eq!(seen, [true; 2]);
}

#[test]
fn a_registration_is_there_or_not() {
    let artifact = sha256(b"bytes of a library");
    let one = registration("x", &artifact);
    let register = |store: &Store| {
        let _kept = put(store, b"bytes of a library").unwrap();
        store.save(&one).unwrap();
    };
    cut(&[], register, std::slice::from_ref(&one));
}

#[test]
fn a_change_has_happened_or_not() {
    let one = registration("x", &"a".repeat(64));
    let other = Registration { prefix: "/other".into(), ..one.clone() };
    cut(std::slice::from_ref(&one), |store| store.save(&other).unwrap(), std::slice::from_ref(&other));
}

#[test]
fn what_is_forgotten_stays_so_or_is_all_there() {
    let forget = |store: &Store| {
        store.remove("x").unwrap();
        store.remove_data_dir("x").unwrap();
    };
    cut(&[registration("x", &"a".repeat(64))], forget, &[]);
}

#[test]
fn several_change_as_one() {
    let (begin, wanted) = (pair(["/x", "/y"]), pair(["/y", "/x"]));
    cut(&begin, |store| store.save_together(&wanted).unwrap(), &wanted);
}
