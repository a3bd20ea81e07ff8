//! Label sets: immutable, sorted, cheap to share.

use std::fmt;
use std::sync::Arc;

/// The labels of a stream or a series, sorted by name, without empty values (a label without a
/// value is the same as none).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(String, String)]>);

impl Labels {
    /// The set of these pairs; of pairs with the same name the last one counts.
    #[must_use]
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.reverse();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs.into())
    }

    /// The set of these pairs, which have no name twice, with the empty values among them: Loki
    /// shows a label that a pipeline emptied.
    #[must_use]
    pub(crate) fn keeping_empty(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(pairs.into())
    }

    /// The value of `name`; the empty string where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        // Most sets are small, and comparing lengths first spares comparing most names.
        if self.0.len() <= 16 {
            let found = self.0.iter().find(|(own, _)| own == name);
            return found.map_or("", |(_, value)| value.as_str());
        }
        self.0
            .binary_search_by(|(own, _)| own.as_str().cmp(name))
            .ok()
            .and_then(|at| self.0.get(at))
            .map_or("", |(_, value)| value.as_str())
    }

    /// The pairs, sorted by name.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + Clone {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Bytes of all names and values.
    pub(crate) fn size(&self) -> usize {
        let each = self.iter().map(|(name, value)| name.len() + value.len());
        each.sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set with `name` set to `value`; an empty value takes the label away.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs = self.0.to_vec();
        pairs.push((name.to_owned(), value.to_owned()));
        Self::new(pairs)
    }

    /// The set without empty values.
    #[must_use]
    pub(crate) fn without_empty(&self) -> Self {
        if self.0.iter().all(|(_, value)| !value.is_empty()) {
            return self.clone();
        }
        Self(
            self.0
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .cloned()
                .collect(),
        )
    }

    /// The labels whose names are wanted.
    #[must_use]
    pub fn filter(&self, mut wanted: impl FnMut(&str) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(name, _)| wanted(name))
                .cloned()
                .collect(),
        )
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

/// As Prometheus and Loki write them: `{a="x", b="y"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
