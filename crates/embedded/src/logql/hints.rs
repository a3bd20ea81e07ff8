//! What a metric query needs of a line's labels, so that parsers can stop early.
//!
//! This is more than speed: Loki's parsers do not notice a fault behind the last label that a
//! query needs, and drop a line as soon as one label fails a later filter.

use super::labels::{DUPLICATE_SUFFIX, ERROR, Grouping, LineLabels, is_listed};
use super::stage::label::LabelTest;
use super::work::Work;

/// The hints of one query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    no_labels: bool,
    /// Sorted.
    required: Vec<String>,
    /// The query asks for errors: they may show in its answer.
    pub(crate) preserve_error: bool,
    filters: Vec<LabelTest>,
}

impl Hints {
    /// Hints for a log query, which needs all labels.
    pub(crate) fn for_lines(filters: Vec<LabelTest>) -> Self {
        Self {
            filters: simple(filters),
            ..Self::default()
        }
    }

    /// Hints for a metric query.
    pub(crate) fn for_samples(
        needed: &[String],
        grouping: &Grouping,
        unwrapped: Option<&str>,
        filters: Vec<LabelTest>,
    ) -> Self {
        let mut required: Vec<String> = Vec::new();
        let named = needed
            .iter()
            .chain(&grouping.labels)
            .map(String::as_str)
            .chain(unwrapped);
        for name in named {
            // The suffix comes with a clash, which parsers see only later.
            for name in [Some(name), name.strip_suffix(DUPLICATE_SUFFIX)]
                .into_iter()
                .flatten()
            {
                if !name.is_empty() {
                    required.push(name.to_owned());
                }
            }
        }
        required.sort_unstable();
        required.dedup();
        let preserve_error = required.iter().any(|name| name == ERROR);
        let filters = simple(filters);
        if grouping.none {
            if required.is_empty() {
                return Self {
                    no_labels: true,
                    ..Self::default()
                };
            }
            return Self {
                no_labels: false,
                required,
                preserve_error,
                filters,
            };
        }
        if grouping.without || grouping.labels.is_empty() {
            return Self {
                filters,
                ..Self::default()
            };
        }
        Self {
            required,
            preserve_error,
            ..Self::default()
        }
    }

    /// Whether parsers have nothing (more) to do.
    pub(crate) fn nothing_needed(&self, labels: &LineLabels<'_>) -> bool {
        self.no_labels || self.all_found(labels)
    }

    /// Whether all labels that are needed have been found.
    pub(crate) fn all_found(&self, labels: &LineLabels<'_>) -> bool {
        !self.required.is_empty() && self.required.iter().all(|name| labels.is_extracted(name))
    }

    /// Whether a label is needed.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.required.is_empty() || is_listed(&self.required, name)
    }

    /// Whether a label that begins so is needed.
    pub(crate) fn wants_prefix(&self, prefix: &str) -> bool {
        let at = self.required.partition_point(|name| name.as_str() < prefix);
        self.required.is_empty()
            || self
                .required
                .get(at)
                .is_some_and(|name| name.starts_with(prefix))
    }

    /// Whether the line may still pass, now that this label is known.
    pub(crate) fn passes(&self, name: &str, labels: &mut LineLabels<'_>, work: &Work) -> bool {
        let filter = self
            .filters
            .iter()
            .find(|filter| filter.label() == Some(name));
        filter.is_none_or(|filter| filter.passes(labels, work))
    }
}

/// The filters that are about one label only and no combination.
fn simple(mut filters: Vec<LabelTest>) -> Vec<LabelTest> {
    filters.retain(|filter| filter.label().is_some());
    filters
}
