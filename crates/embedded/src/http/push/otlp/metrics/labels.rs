//! The labels of a series.

use std::collections::BTreeMap;

use super::super::names::labels::prometheus as label_name;
use super::super::value::text;
use crate::http::push::Refused;
use crate::http::push::proto::otlp::KeyValue;

/// Labels by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct LabelSet(BTreeMap<String, String>);

impl LabelSet {
    /// The labels of these attributes, but for those of some names. Where several become the same
    /// label, their values are joined, in the order of their names.
    pub(super) fn new(attributes: &[KeyValue], without: &[&str]) -> Result<Self, Refused> {
        let wanted = attributes
            .iter()
            .filter(|attribute| !without.contains(&attribute.key.as_str()));
        let mut sorted: Vec<_> = wanted.collect();
        sorted.sort_by_key(|attribute| attribute.key.as_str());
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        for attribute in sorted {
            let value = text(attribute.value.as_ref());
            let label = labels.entry(label_name(&attribute.key)?).or_default();
            if label.is_empty() {
                *label = value;
            } else {
                label.push(';');
                label.push_str(&value);
            }
        }
        Ok(Self(labels))
    }

    /// Sets a label, if there is a value for it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_empty())
    }

    /// The labels of a series of this metric, with another one where it has one more.
    pub(super) fn series(
        &self,
        metric: &str,
        suffix: &str,
        more: Option<(&str, &str)>,
    ) -> Vec<(String, String)> {
        let mut labels = self.0.clone();
        if let Some((name, value)) = more {
            labels.insert(name.to_owned(), value.to_owned());
        }
        labels.insert("__name__".to_owned(), format!("{metric}{suffix}"));
        labels.into_iter().collect()
    }
}
