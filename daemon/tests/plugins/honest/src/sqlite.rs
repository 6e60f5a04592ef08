//! SQLite: tables, indexes and transactions, with each kind of journal.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::{Outcome, check};

pub(crate) fn run(dir: &Path) -> Outcome {
    for journal in ["delete", "truncate", "persist", "wal"] {
        let path = dir.join(format!("{journal}.db"));
        work(&path, journal).map_err(|error| format!("journal {journal}: {error}"))?;
        for suffix in ["", "-journal", "-wal", "-shm"] {
            // Most of them are not there.
            drop(std::fs::remove_file(dir.join(format!("{journal}.db{suffix}"))));
        }
    }
    Ok(())
}

fn work(path: &Path, journal: &str) -> Outcome {
    let mut one = Connection::open(path)?;
    let mode: String = one.query_row(&format!("PRAGMA journal_mode={journal}"), [], |row| row.get(0))?;
    check(mode == journal, "the journal is of another kind")?;
    one.execute_batch("PRAGMA mmap_size=1048576; PRAGMA synchronous=FULL; PRAGMA temp_store=FILE;")?;
    one.execute_batch(
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX by_text ON notes (text);",
    )?;
    let transaction = one.transaction()?;
    for n in 0..500 {
        transaction.execute("INSERT INTO notes (text) VALUES (?1)", params![format!("note {n}")])?;
    }
    transaction.commit()?;
    // A second connection, so that locks are taken for a reason.
    let other = Connection::open(path)?;
    let count: i64 = other.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))?;
    check(count == 500, "the number of notes")?;
    let transaction = one.transaction()?;
    transaction.execute("DELETE FROM notes WHERE id > 10", [])?;
    drop(transaction);
    one.execute_batch("DELETE FROM notes WHERE id % 2 = 0; VACUUM;")?;
    let count: i64 = other.query_row("SELECT count(*) FROM notes", [], |row| row.get(0))?;
    check(count == 250, "the number of notes that are left")
}
