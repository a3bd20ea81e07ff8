//! Attributes: what claims to be the resource's label is taken out, and the label is put in.

use super::proto::common::{AnyValue, KeyValue, Value};
use crate::ingest::label::{Becomes, RESOURCE_LABEL, becomes, becomes_below};

/// What a backend makes of a map among the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maps {
    /// One label for each of its leaves, whose name is all names on the way to it: Loki.
    Flattened,
    /// One label, of which the value is JSON: Mimir and Prometheus.
    Whole,
}

/// Takes out every attribute that would become the resource's label, and says how many they were.
pub(super) fn strip(attributes: &mut Vec<KeyValue>, maps: Maps) -> usize {
    let mut removed = 0;
    attributes.retain_mut(|attribute| match becomes(&attribute.key) {
        Becomes::Label => {
            removed += 1;
            false
        }
        Becomes::Front if maps == Maps::Flattened => {
            removed += strip_below(&mut attribute.value);
            true
        }
        // Loki puts no underscore behind a name that is empty: what is below is as if it were here.
        Becomes::Other if maps == Maps::Flattened && attribute.key.is_empty() => {
            if let Some(AnyValue {
                value: Some(Value::Map(map)),
            }) = &mut attribute.value
            {
                removed += strip(&mut map.values, maps);
            }
            true
        }
        Becomes::Front | Becomes::Other => true,
    });
    removed
}

/// The same in a value whose name became the front of the label. As deep as the decoder goes, which is
/// bounded.
fn strip_below(value: &mut Option<AnyValue>) -> usize {
    let Some(AnyValue {
        value: Some(Value::Map(map)),
    }) = value
    else {
        return 0;
    };
    let mut removed = 0;
    map.values
        .retain_mut(|attribute| match becomes_below(&attribute.key) {
            Becomes::Label => {
                removed += 1;
                false
            }
            Becomes::Front => {
                removed += strip_below(&mut attribute.value);
                true
            }
            Becomes::Other => true,
        });
    removed
}

/// Takes out what claims to be the resource's label, and puts it in.
pub(super) fn stamp(attributes: &mut Vec<KeyValue>, resource: &str, maps: Maps) -> usize {
    let replaced = strip(attributes, maps);
    attributes.push(KeyValue {
        key: RESOURCE_LABEL.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::String(resource.to_owned())),
        }),
    });
    replaced
}

/// How much text is in a value, the names of maps included: no more than a backend makes of it. As
/// deep as the decoder goes, which is bounded.
pub(super) fn length(value: Option<&AnyValue>) -> usize {
    let Some(AnyValue { value: Some(value) }) = value else {
        return 0;
    };
    match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Bool(_) | Value::Int(_) | Value::Double(_) => 1,
        // One more for each, for what stands between them.
        Value::Array(array) => array
            .values
            .iter()
            .map(|value| length(Some(value)).saturating_add(1))
            .fold(0, usize::saturating_add),
        Value::Map(map) => map
            .values
            .iter()
            .map(|pair| length(pair.value.as_ref()).saturating_add(pair.key.len() + 1))
            .fold(0, usize::saturating_add),
    }
}

/// How many labels Loki makes of attributes, and how long these are together, names included.
pub(super) fn flattened(attributes: &[KeyValue]) -> (usize, usize) {
    flattened_below(attributes, 0)
}

/// The same, below names that are so long together. As deep as the decoder goes, which is bounded.
fn flattened_below(attributes: &[KeyValue], above: usize) -> (usize, usize) {
    let each = attributes.iter().map(|attribute| {
        let name = above.saturating_add(attribute.key.len());
        match &attribute.value {
            Some(AnyValue {
                value: Some(Value::Map(map)),
            }) => flattened_below(&map.values, name.saturating_add(1)),
            value => (1, name.saturating_add(length(value.as_ref()))),
        }
    });
    each.fold((0, 0), |(count, bytes), (more, longer)| {
        (count.saturating_add(more), bytes.saturating_add(longer))
    })
}
