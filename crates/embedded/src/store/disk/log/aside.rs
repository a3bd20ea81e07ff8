//! What is no record is kept in files beside the log, for whoever wants to know what it was.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Found;
use crate::store::disk::directory::options;

/// Torn ends of one directory that are kept: there is one with every crash.
const MOST_TORN: usize = 16;

/// Keeps what is no record, and forgets the oldest torn ends.
pub(super) fn keep(path: &Path, bytes: &[u8], found: &Found) -> io::Result<()> {
    for hole in &found.holes {
        let is_end = found.torn > 0 && hole.end == bytes.len();
        let kind = if is_end { "torn" } else { "damaged" };
        let bytes = bytes.get(hole.clone()).unwrap_or_default();
        // The same name for the same bytes: they stay in the log until it goes, and are met at every
        // start until then.
        let sum = crc32fast::hash(bytes);
        let name = path.with_extension(format!("log.{}-{sum:08x}.{kind}", hole.start));
        let file = options()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&name)?;
        let written = (&file).write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = written {
            let _ = std::fs::remove_file(name);
            return Err(error);
        }
    }
    if found.torn > 0 {
        forget_oldest(path)?;
    }
    Ok(())
}

/// A name beside `path` that is not taken, for all of it.
pub(super) fn free(path: &Path) -> PathBuf {
    let mut number = 0_u64;
    loop {
        let name = path.with_extension(format!("log.{number}.damaged"));
        if !name.exists() {
            return name;
        }
        number += 1;
    }
}

fn forget_oldest(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let mut torn = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|kind| kind == "torn") {
            torn.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    torn.sort();
    let old = torn.len().saturating_sub(MOST_TORN);
    for (_, path) in torn.into_iter().take(old) {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
