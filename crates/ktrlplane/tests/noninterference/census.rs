//! What has been generated: a part of a language that is never asked about is not tested.

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// Which parts of the languages were generated.
#[derive(Default)]
pub(crate) struct Census(BTreeSet<(&'static str, String)>);

impl Census {
    /// Notes a part.
    pub(crate) fn saw<T: Debug>(&mut self, part: T) {
        self.0.insert(key(&part));
    }

    /// Those of these parts that were never generated.
    pub(crate) fn never<T: Debug>(&self, parts: &[T]) -> Vec<String> {
        let keys = parts.iter().map(key);
        keys.filter(|key| !self.0.contains(key))
            .map(|(of, part)| format!("{part} of {of}"))
            .collect()
    }

    /// Adds what another one has seen.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Names alone would not do: both languages have a `Rate`.
fn key<T: Debug>(part: &T) -> (&'static str, String) {
    (type_name::<T>(), format!("{part:?}"))
}
