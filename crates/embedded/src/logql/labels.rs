//! The labels of one line while it goes through a pipeline.
//!
//! A label belongs to the stream, to the line's structured metadata, or was parsed out of the
//! line. What comes later wins: parsed over metadata over stream.

use crate::answer::OwnLabels;
use crate::labels::Labels;

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|pair| pair.0 == name)
        .map(|pair| pair.1.as_str())
}

fn find_mut<'a>(pairs: &'a mut [(String, String)], name: &str) -> Option<&'a mut (String, String)> {
    pairs.iter_mut().find(|pair| pair.0 == name)
}

/// Pairs whose room is kept from line to line, so that one line with thousands does not hold it for
/// the whole query.
const MAX_SPARE: usize = 64;

/// The label that says what went wrong with a line.
pub(crate) const ERROR: &str = "__error__";
/// The label that says how.
pub(crate) const ERROR_DETAILS: &str = "__error_details__";
/// The label that marks an error that the query asked to keep.
pub(crate) const PRESERVE_ERROR: &str = "__preserve_error__";
/// What a parsed label's name ends with when the stream or the metadata has the name already.
pub(crate) const DUPLICATE_SUFFIX: &str = "_extracted";

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// Changed labels of the stream.
    Stream,
    /// Structured metadata.
    Metadata,
    /// Parsed out of the line, or formatted.
    Parsed,
}

impl Category {
    const ALL: [Self; 3] = [Self::Stream, Self::Metadata, Self::Parsed];
}

/// How the samples of a range aggregation are labelled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grouping {
    /// The labels of `by` or `without`.
    pub(crate) labels: Vec<String>,
    /// `without` rather than `by`.
    pub(crate) without: bool,
    /// No labels at all: `sum(…)` without grouping.
    pub(crate) none: bool,
}

/// The labels of one line, from the stream's up to what the pipeline made of them.
#[derive(Debug)]
pub(crate) struct LineLabels<'a> {
    base: &'a Labels,
    stream: Vec<(String, String)>,
    metadata: Vec<(String, String)>,
    parsed: Vec<(String, String)>,
    deleted: Vec<String>,
    /// Parsed labels that were deleted: a later parser does not bring them back.
    forgotten: Vec<String>,
    error: String,
    details: String,
    /// Pairs of lines before, whose room the next ones are written into.
    spare: Vec<(String, String)>,
}

impl<'a> LineLabels<'a> {
    /// The labels of lines of one stream.
    pub(crate) fn new(base: &'a Labels) -> Self {
        Self {
            base,
            stream: Vec::new(),
            metadata: Vec::new(),
            parsed: Vec::new(),
            deleted: Vec::new(),
            forgotten: Vec::new(),
            error: String::new(),
            details: String::new(),
            spare: Vec::new(),
        }
    }

    /// Begins a line: forgets the one before and takes the structured metadata of this one.
    pub(crate) fn reset<'m>(&mut self, metadata: impl Iterator<Item = (&'m str, &'m str)>) {
        self.spare.append(&mut self.stream);
        self.spare.append(&mut self.metadata);
        self.spare.append(&mut self.parsed);
        self.spare.truncate(MAX_SPARE);
        self.deleted.clear();
        self.forgotten.clear();
        self.error.clear();
        self.details.clear();
        for (name, value) in metadata {
            match name {
                ERROR => value.clone_into(&mut self.error),
                ERROR_DETAILS => value.clone_into(&mut self.details),
                _ if !self.base.get(name).is_empty() => {
                    self.set(
                        Category::Metadata,
                        &format!("{name}{DUPLICATE_SUFFIX}"),
                        value,
                    );
                }
                _ => self.set(Category::Metadata, name, value),
            }
        }
    }

    fn added(&self, category: Category) -> &Vec<(String, String)> {
        match category {
            Category::Stream => &self.stream,
            Category::Metadata => &self.metadata,
            Category::Parsed => &self.parsed,
        }
    }

    fn added_mut(&mut self, category: Category) -> &mut Vec<(String, String)> {
        match category {
            Category::Stream => &mut self.stream,
            Category::Metadata => &mut self.metadata,
            Category::Parsed => &mut self.parsed,
        }
    }

    /// The labels that parsers found.
    pub(crate) fn parsed(&self) -> &[(String, String)] {
        &self.parsed
    }

    /// The structured metadata, but for what the pipeline took away.
    pub(crate) fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    /// The error so far, empty for none.
    pub(crate) fn error(&self) -> &str {
        &self.error
    }

    /// The error's details.
    pub(crate) fn details(&self) -> &str {
        &self.details
    }

    /// Marks the line as faulty; the latest error stays.
    pub(crate) fn set_error(&mut self, error: &str, details: Option<&str>) {
        error.clone_into(&mut self.error);
        if let Some(details) = details {
            details.clone_into(&mut self.details);
        }
    }

    /// Forgets the error.
    pub(crate) fn clear_error(&mut self) {
        self.error.clear();
    }

    /// Forgets the error's details.
    pub(crate) fn clear_details(&mut self) {
        self.details.clear();
    }

    /// Whether a parsed label of this name must give way to one of the stream or the metadata.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        !self.base.get(name).is_empty() || find(&self.metadata, name).is_some()
    }

    /// Whether a parser found the label already, in this line.
    pub(crate) fn is_extracted(&self, name: &str) -> bool {
        find(&self.parsed, name).is_some() || self.forgotten.iter().any(|other| other == name)
    }

    /// The label's value. An empty label of the stream counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        for category in Category::ALL {
            if let Some(value) = find(self.added(category), name) {
                return Some(value);
            }
        }
        if self.is_deleted(name) {
            return None;
        }
        Some(self.base.get(name)).filter(|value| !value.is_empty())
    }

    fn is_deleted(&self, name: &str) -> bool {
        self.deleted.iter().any(|other| other == name)
    }

    /// Sets a label, unless a stronger category has it.
    pub(crate) fn set(&mut self, category: Category, name: &str, value: &str) {
        match category {
            Category::Parsed => {
                self.remove_from(Category::Metadata, name);
                self.remove_from(Category::Stream, name);
            }
            Category::Metadata => {
                self.remove_from(Category::Stream, name);
                if find(&self.parsed, name).is_some() {
                    return;
                }
            }
            Category::Stream => {
                if find(&self.metadata, name).is_some() || find(&self.parsed, name).is_some() {
                    return;
                }
            }
        }
        if let Some(pair) = find_mut(self.added_mut(category), name) {
            value.clone_into(&mut pair.1);
            return;
        }
        let mut pair = self.spare.pop().unwrap_or_default();
        name.clone_into(&mut pair.0);
        value.clone_into(&mut pair.1);
        self.added_mut(category).push(pair);
    }

    fn remove_from(&mut self, category: Category, name: &str) {
        let added = self.added_mut(category);
        let Some(at) = added.iter().position(|pair| pair.0 == name) else {
            return;
        };
        let (name, _) = added.remove(at);
        if category == Category::Parsed {
            self.forgotten.push(name);
        }
    }

    /// Deletes a label, wherever it comes from.
    pub(crate) fn delete(&mut self, name: &str) {
        for category in Category::ALL {
            self.remove_from(category, name);
        }
        self.deleted.push(name.to_owned());
    }

    fn is_changed(&self) -> bool {
        !self.deleted.is_empty() || self.has_additions()
    }

    fn has_additions(&self) -> bool {
        !(self.stream.is_empty() && self.metadata.is_empty() && self.parsed.is_empty())
    }

    /// All labels, the error's among them, in no order.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::with_capacity(16);
        if self.is_changed() {
            for (name, value) in self.base.iter() {
                let replaced =
                    find(&self.metadata, name).is_some() || find(&self.parsed, name).is_some();
                if !replaced && !self.is_deleted(name) {
                    let value = find(&self.stream, name).unwrap_or(value);
                    pairs.push((name.to_owned(), value.to_owned()));
                }
            }
            pairs.extend(self.metadata.iter().cloned());
            pairs.extend(self.parsed.iter().cloned());
        } else {
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            pairs.extend(self.base.iter().map(owned));
        }
        if !self.error.is_empty() {
            pairs.push((ERROR.to_owned(), self.error.clone()));
        }
        if !self.details.is_empty() {
            pairs.push((ERROR_DETAILS.to_owned(), self.details.clone()));
        }
        pairs
    }

    /// All labels of a line that passed.
    pub(crate) fn result(&self) -> Labels {
        if !self.is_changed() && self.error.is_empty() {
            return self.base.clone();
        }
        Labels::keeping_empty(self.pairs())
    }

    /// The labels of a line that passed: its stream's as the pipeline left them, and its own. What a
    /// pipeline sets counts as parsed, whatever it replaces.
    pub(crate) fn categorized(&self) -> (Labels, OwnLabels) {
        let all = self.result();
        if !self.has_additions() && self.error.is_empty() && self.details.is_empty() {
            let none = Labels::default();
            let own = OwnLabels {
                metadata: none.clone(),
                parsed: none,
            };
            return (all, own);
        }
        let is_parsed = |name: &str| {
            matches!(name, ERROR | ERROR_DETAILS) || find(&self.parsed, name).is_some()
        };
        let is_metadata = |name: &str| !is_parsed(name) && find(&self.metadata, name).is_some();
        let own = OwnLabels {
            metadata: all.filter(is_metadata),
            parsed: all.filter(is_parsed),
        };
        let stream = all.filter(|name| !is_parsed(name) && !is_metadata(name));
        (stream, own)
    }

    /// The labels of a sample: those that the grouping leaves. A faulty line keeps them all, or
    /// the error would be lost.
    pub(crate) fn grouped(&self, grouping: &Grouping) -> Labels {
        if !self.error.is_empty() {
            return self.result();
        }
        if grouping.none {
            return Labels::default();
        }
        // Once labels were taken away, Loki builds the rest anew, without empty ones; the label that
        // became the value does not count.
        let rebuilt = !self.deleted.is_empty() || grouping.labels.len() > 1;
        if grouping.labels.is_empty() {
            return if rebuilt {
                self.result().without_empty()
            } else {
                self.result()
            };
        }
        let listed = |name: &str| grouping.labels.iter().any(|label| label == name);
        if !self.is_changed() {
            return self.base.filter(|name| listed(name) != grouping.without);
        }
        let mut pairs = Vec::new();
        if grouping.without {
            for (name, value) in self.base.iter() {
                let replaced = Category::ALL
                    .iter()
                    .any(|c| find(self.added(*c), name).is_some());
                if !replaced && !self.is_deleted(name) && !listed(name) {
                    pairs.push((name.to_owned(), value.to_owned()));
                }
            }
            for category in Category::ALL {
                let added = self.added(category).iter();
                let kept =
                    added.filter(|(name, value)| !listed(name) && !(rebuilt && value.is_empty()));
                pairs.extend(kept.cloned());
            }
        } else {
            for name in &grouping.labels {
                if let Some(value) = self.get(name).filter(|_| !self.is_deleted(name)) {
                    pairs.push((name.clone(), value.to_owned()));
                }
            }
        }
        Labels::keeping_empty(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Labels::new(pairs.iter().map(owned).collect())
    }

    #[test]
    fn parsed_labels_win_over_metadata_and_the_stream() {
        let base = labels(&[("app", "api")]);
        let mut line = LineLabels::new(&base);
        line.reset([("trace", "1")].into_iter());
        line.set(Category::Parsed, "trace", "2");
        line.set(Category::Metadata, "trace", "3");
        assert_eq!(line.result(), labels(&[("app", "api"), ("trace", "2")]));
    }

    #[test]
    fn metadata_named_like_a_stream_label_gets_a_suffix() {
        let base = labels(&[("app", "api")]);
        let mut line = LineLabels::new(&base);
        line.reset([("app", "x")].into_iter());
        assert_eq!(
            line.result(),
            labels(&[("app", "api"), ("app_extracted", "x")])
        );
    }

    #[test]
    fn an_error_survives_grouping() {
        let base = labels(&[("app", "api")]);
        let mut line = LineLabels::new(&base);
        line.reset(std::iter::empty());
        line.set_error("JSONParserErr", Some("why"));
        let grouping = Grouping {
            none: true,
            ..Grouping::default()
        };
        assert_eq!(line.grouped(&grouping).get(ERROR), "JSONParserErr");
    }
}
