//! Names of labels and metrics, made of those of attributes and metrics.

pub(super) mod labels;
pub(super) mod metrics;

use super::super::{Refused, bad};

/// Refuses a name of which nothing is left.
fn nothing_left(what: &str, name: &str) -> Refused {
    bad(format!(
        "the {what} name {name:?} has no letter or digit that could be kept"
    ))
}
