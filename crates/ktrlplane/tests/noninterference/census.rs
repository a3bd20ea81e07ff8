//! What has been generated: a part of a language that is never asked about is not tested.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// How often each part of the languages was generated.
#[derive(Default)]
pub(crate) struct Census(BTreeMap<(&'static str, String), usize>);

impl Census {
    /// Notes a part.
    pub(crate) fn saw<T: Debug>(&mut self, part: T) {
        *self.0.entry(key(&part)).or_default() += 1;
    }

    /// How often each of these parts was generated, with its name.
    pub(crate) fn of<T: Debug>(&self, parts: &[T]) -> Vec<(usize, String)> {
        let keys = parts.iter().map(key);
        keys.map(|key| {
            let count = self.0.get(&key).copied().unwrap_or_default();
            let (of, part) = key;
            (count, format!("{part} of {of}"))
        })
        .collect()
    }

    /// Adds what another one has seen.
    pub(crate) fn add(&mut self, other: Self) {
        for (part, count) in other.0 {
            *self.0.entry(part).or_default() += count;
        }
    }
}

/// Names alone would not do: both languages have a `Rate`.
fn key<T: Debug>(part: &T) -> (&'static str, String) {
    (type_name::<T>(), format!("{part:?}"))
}
