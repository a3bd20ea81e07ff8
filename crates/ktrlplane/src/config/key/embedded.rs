//! The keys of the embedded backend.

use super::{Key, key};

pub(super) const EMBEDDED: [Key; 3] = [
    key(
        "embedded.directory",
        Some("ktrlplane-data"),
        "the path of a directory for the data of backends at \"embedded:\", or memory: keep them \
         until the process ends, and no longer",
    ),
    key(
        "embedded.retention.age",
        Some("168h"),
        "a time from 1h to 876000h, such as 168h: how long data is kept",
    ),
    key(
        "embedded.retention.size",
        Some("10737418240"),
        "a number of bytes from 67108864 to 1125899906842624, or off: how much of each project is \
         kept",
    ),
];
