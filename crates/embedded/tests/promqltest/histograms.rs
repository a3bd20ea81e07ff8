//! Histograms in short notation: `{{schema:1 sum:3 count:22 buckets:[5 10 7]}}`.

use std::sync::Arc;

use embedded::{Histogram, ResetHint};

use crate::convert;
use crate::series::{Item, number};

/// A value that has to come out, or none.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    None,
    Float(f64),
    /// And whether its reset hint has to be the same.
    Histogram(Arc<Histogram>, bool),
}

impl From<Item> for Expected {
    fn from(item: Item) -> Self {
        match item {
            Item::None => Self::None,
            Item::Float(value) => Self::Float(value),
            Item::Histogram(histogram, hint) => Self::Histogram(histogram, hint),
        }
    }
}

/// `{{…}}`, `{{…}}x3`, `{{…}}+{{…}}x3`, `{{…}}-{{…}}x3`
pub(crate) fn expand(item: &str) -> Vec<Item> {
    let (first, rest) = item.split_once("}}").unwrap();
    let (start, hint) = one(first.strip_prefix("{{").unwrap());
    let item = |histogram: &Histogram, hint| Item::Histogram(Arc::new(histogram.clone()), hint);
    if rest.is_empty() {
        return vec![item(&start, hint)];
    }
    if let Some(times) = rest.strip_prefix('x') {
        return vec![item(&start, hint); times.parse::<usize>().unwrap() + 1];
    }
    let (sign, rest) = rest.split_at(1);
    let (second, times) = rest.split_once("}}x").unwrap();
    let (change, hint) = one(second.strip_prefix("{{").unwrap());
    let factor = if sign == "-" { -1.0 } else { 1.0 };
    let mut value = start;
    (0..=times.parse::<usize>().unwrap())
        .map(|_| {
            let item = item(&value, hint);
            value = convert::sum(&value, &change, factor);
            item
        })
        .collect()
}

fn one(text: &str) -> (Histogram, bool) {
    let mut histogram = Histogram::default();
    let (mut offset, mut n_offset) = (0, 0);
    let (mut buckets, mut n_buckets) = (Vec::new(), Vec::new());
    let mut hint = false;
    let mut rest = text.trim();
    while let Some((key, behind)) = rest.split_once(':') {
        let behind = behind.trim_start();
        let (value, behind) = if let Some(list) = behind.strip_prefix('[') {
            list.split_once(']').unwrap()
        } else {
            behind.split_once([' ', '\t']).unwrap_or((behind, ""))
        };
        rest = behind.trim_start();
        let float = || number(value).unwrap_or_else(|| panic!("{text}"));
        let list = || -> Vec<f64> {
            let items = value
                .split([' ', ',', '\t'])
                .filter(|item| !item.is_empty());
            items.map(|item| number(item).unwrap()).collect()
        };
        match key.trim() {
            "schema" => histogram.schema = value.parse().unwrap(),
            "sum" => histogram.sum = float(),
            "count" => histogram.count = float(),
            "z_bucket" => histogram.zero_count = float(),
            "z_bucket_w" => histogram.zero_threshold = float(),
            "offset" => offset = value.parse().unwrap(),
            "n_offset" => n_offset = value.parse().unwrap(),
            "buckets" => buckets = list(),
            "n_buckets" => n_buckets = list(),
            "custom_values" => histogram.custom_bounds = list(),
            "counter_reset_hint" => {
                hint = true;
                histogram.reset_hint = match value {
                    "unknown" => ResetHint::Unknown,
                    "reset" => ResetHint::Reset,
                    "not_reset" => ResetHint::NotReset,
                    "gauge" => ResetHint::Gauge,
                    _ => panic!("{text}"),
                };
            }
            key => panic!("{key} in {text}"),
        }
    }
    histogram.positive = (offset..).zip(buckets).collect();
    histogram.negative = (n_offset..).zip(n_buckets).collect();
    (histogram, hint)
}
