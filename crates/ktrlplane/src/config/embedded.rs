//! `embedded`: where the backends at `embedded:` keep their data, and for how long.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::layers::{Given, Layers};
use super::problem::Problem;
use super::units;

/// The word that stands in the place of a directory.
const MEMORY: &str = "memory";

const AGE: RangeInclusive<Duration> = Duration::from_hours(1)..=Duration::from_hours(876_000);

/// Less than 64 MiB would be gone before it is of use: data goes in blocks of about that size.
const SIZE: RangeInclusive<u64> = 1 << 26..=1 << 50;

/// What the embedded backend is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// Where data is kept.
    pub(crate) place: Place,
    /// How long data is kept.
    pub(crate) age: Duration,
    /// Bytes on disk that each project may have; `None`: as many as come within `age`.
    pub(crate) size: Option<u64>,
}

/// Where data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the process, and with it.
    Memory,
    /// In this directory.
    Directory(PathBuf),
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Embedded> {
    let place = layers.require("embedded.directory", problems, |given| {
        Ok(match given.text.trim() {
            MEMORY => Place::Memory,
            path => Place::Directory(path.into()),
        })
    });
    let age = layers.require("embedded.retention.age", problems, |given| given.time(AGE));
    let size = layers.require("embedded.retention.size", problems, size);
    Some(Embedded {
        place: place?,
        age: age?,
        size: size?,
    })
}

fn size(given: &Given) -> Result<Option<u64>, String> {
    if given.text.trim() == "off" {
        return Ok(None);
    }
    let bytes = units::parse_bytes(&given.text);
    let bytes = bytes.filter(|bytes| SIZE.contains(bytes));
    bytes
        .map(Some)
        .ok_or_else(|| format!("is {}", given.shown()))
}
