//! The key of the log.

use super::{Key, key};

pub(super) const LOG: [Key; 1] = [Key {
    list: true,
    ..key(
        "log.level",
        Some("info"),
        "off, error, warn, info, debug or trace, and for parts of the program others, as a list or with \
         commas between them, such as \"info,gateway=debug\"",
    )
}];
