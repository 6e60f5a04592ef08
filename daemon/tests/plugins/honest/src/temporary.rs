//! tempfile: files and directories for a while.

use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::{Outcome, check};

pub(crate) fn run(dir: &Path) -> Outcome {
    let mut nameless = tempfile::tempfile_in(dir)?;
    nameless.write_all(b"for a while")?;
    nameless.rewind()?;
    let mut text = String::new();
    nameless.read_to_string(&mut text)?;
    check(text == "for a while", "the file without a name")?;
    let sub = tempfile::tempdir_in(dir)?;
    let named = tempfile::NamedTempFile::new_in(sub.path())?;
    let kept = sub.path().join("kept");
    named.persist_noclobber(&kept)?;
    let second = tempfile::NamedTempFile::new_in(sub.path())?;
    check(second.persist_noclobber(&kept).is_err(), "a file was overwritten")?;
    let third = tempfile::Builder::new().prefix("third").tempfile_in(sub.path())?;
    third.persist(&kept)?;
    let path = sub.path().to_owned();
    sub.close()?;
    check(!path.exists(), "the directory is still there")
}
