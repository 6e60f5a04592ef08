//! Several registrations change together: what is to be is written down as a whole first, so that the next start can finish it.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::disk::Former;
use super::registry::{MAX_FILE, encode, load, open, read_registration, unsafe_because};
use super::{Registration, State, Store, StoreError};

/// Where it stands, until each of them has its own file.
const JOURNAL: &str = "together.journal";

impl Store {
    /// Keeps registrations in place of those with the same names, all or none; when this returns they survive a power cut.
    ///
    /// # Errors
    /// When they cannot be kept; the former ones are then still there, or will be or not as a whole ([`StoreError::Undecided`]).
    pub fn save_together(&self, registrations: &[Registration]) -> Result<(), StoreError> {
        let mut state = self.state();
        self.put_back(&mut state)?;
        let mut text = Vec::new();
        for registration in registrations {
            text.extend(encode(registration)?);
        }
        let journal = self.journal();
        if text.len() as u64 > MAX_FILE {
            let error = io::Error::other("that is more than 8 MiB at once");
            return Err(StoreError::io("write", &journal)(error));
        }
        let former = registrations.iter().map(|registration| {
            let path = self.file_of(&registration.name);
            let text = open(&path).and_then(|mut file| load(&mut file));
            text.map(|text| (path.clone(), text)).map_err(StoreError::io("read", &path))
        });
        let former = former.collect::<Result<Vec<_>, _>>()?;
        // From here on a start finishes it.
        let begun = self.disk().write(&journal, 0o600, &text, Former::Nothing);
        let done = begun.and_then(|()| self.finish(registrations));
        let Err(error) = done else {
            for Registration { name, sha256, .. } in registrations {
                state.note(name, &Ok(()), Some(sha256));
            }
            return Ok(());
        };
        state.former = former;
        let Err(undo) = self.put_back(&mut state) else { return Err(error) };
        // Both versions may be needed.
        state.unread.extend(registrations.iter().map(|registration| registration.name.clone()));
        Err(StoreError::Undecided { path: journal, error: Box::new(error), undo: io::Error::other(undo) })
    }

    /// Ends what was begun before a crash.
    pub(super) fn finish_together(&self) -> Result<(), StoreError> {
        let journal = self.journal();
        let mut file = match open(&journal) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(StoreError::io("open", &journal))?,
        };
        let all = match unsafe_because(&file) {
            Some(problem) => Err(problem),
            None => {
                load(&mut file).map_err(|error| error.to_string()).and_then(|text| self.registrations(&text))
            }
        };
        match all {
            Ok(all) => self.finish(&all),
            Err(problem) => {
                // What is published is whole, so somebody else has been here.
                tracing::error!(
                    "{} cannot be used: {problem}; the registrations stay as they are",
                    journal.display()
                );
                self.disk().remove(&journal)
            }
        }
    }

    /// Those of a journal that are there still.
    fn registrations(&self, text: &str) -> Result<Vec<Registration>, String> {
        let mut all = Vec::new();
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            let value = value.map_err(|error| error.to_string())?;
            let name = value["name"].as_str().unwrap_or_default().to_owned();
            let one = read_registration(&self.journal(), &name, &value.to_string());
            let one = one.map_err(|unreadable| unreadable.reason)?;
            if self.file_of(&name).symlink_metadata().is_ok() {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// Each in its own file, and nothing to be finished any more.
    fn finish(&self, registrations: &[Registration]) -> Result<(), StoreError> {
        for registration in registrations {
            self.overwrite(&self.file_of(&registration.name), &encode(registration)?)?;
        }
        self.disk().remove(&self.journal())
    }

    /// Undoes what could be neither finished nor undone before: nothing is changed before that.
    pub(super) fn put_back(&self, state: &mut State) -> Result<(), StoreError> {
        for (path, text) in &state.former {
            let is_so = fs::read_to_string(path).is_ok_and(|now| now == *text);
            if !is_so {
                self.overwrite(path, text.as_bytes())?;
            }
        }
        if !state.former.is_empty() {
            self.disk().remove(&self.journal())?;
            state.former.clear();
        }
        Ok(())
    }

    fn journal(&self) -> PathBuf {
        self.plugins_dir().join(JOURNAL)
    }
}
