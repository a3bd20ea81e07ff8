//! The keys of the embedded backend.

use super::{Key, bytes, key, time};

pub(super) const EMBEDDED: [Key; 3] = [
    key(
        "embedded.directory",
        Some("ktrlplane-data"),
        "the path of a directory for the data of backends at \"embedded:\", or memory: keep them \
         until the process ends, and no longer",
    ),
    time(
        "embedded.retention.age",
        Some("7d"),
        "a time from 1h to 36500d, such as 7d: how long data is kept",
    ),
    bytes(
        "embedded.retention.size",
        Some("10GiB"),
        "a size from 64MiB to 1PiB, such as 10GiB, or off: how much of each project is kept",
    ),
];
