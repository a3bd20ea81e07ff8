//! What the loader calculates with histograms.

use std::collections::BTreeMap;
use std::sync::Arc;

use embedded::histogram::CUSTOM_SCHEMA;
use embedded::{Histogram, HistogramSample, HistogramSeries, Labels};

use crate::script::Load;
use crate::series::Item;

/// The sum of two histograms of the same layout, the second one times `factor`.
pub(crate) fn sum(a: &Histogram, b: &Histogram, factor: f64) -> Histogram {
    assert_eq!(a.custom_bounds, b.custom_bounds);
    let (a, b) = (reduced(a, b.schema), reduced(b, a.schema));
    let buckets = |a: &[(i32, f64)], b: &[(i32, f64)]| {
        let mut sum: BTreeMap<i32, f64> = a.iter().copied().collect();
        for (index, count) in b {
            *sum.entry(*index).or_default() += count * factor;
        }
        sum.into_iter().collect()
    };
    Histogram {
        zero_count: a.zero_count + factor * b.zero_count,
        count: a.count + factor * b.count,
        sum: a.sum + factor * b.sum,
        positive: buckets(&a.positive, &b.positive),
        negative: buckets(&a.negative, &b.negative),
        ..a.clone()
    }
}

fn reduced(histogram: &Histogram, schema: i32) -> Histogram {
    let mut reduced = histogram.clone();
    if schema >= histogram.schema {
        return reduced;
    }
    let shift = histogram.schema - schema;
    let coarser = |buckets: &[(i32, f64)]| {
        let mut joined: BTreeMap<i32, f64> = BTreeMap::new();
        for (index, count) in buckets {
            *joined.entry(((index - 1) >> shift) + 1).or_default() += count;
        }
        joined.into_iter().collect()
    };
    reduced.positive = coarser(&histogram.positive);
    reduced.negative = coarser(&histogram.negative);
    reduced.schema = schema;
    reduced
}

/// Counts of a classic histogram at one time.
#[derive(Default)]
struct Classic {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The classic histograms of a `load` as native ones with custom bounds.
pub(crate) fn with_custom_bounds(load: &Load) -> Vec<HistogramSeries> {
    let mut found: BTreeMap<Labels, BTreeMap<usize, Classic>> = BTreeMap::new();
    for (labels, items) in &load.series {
        let name = labels.get("__name__");
        let ends = ["_bucket", "_count", "_sum"];
        let Some((base, kind)) = ends
            .iter()
            .find_map(|end| Some((name.strip_suffix(end)?, *end)))
        else {
            continue;
        };
        let bound = match labels.get("le").parse::<f64>() {
            Ok(bound) => bound,
            Err(_) if kind == "_bucket" => continue,
            Err(_) => 0.0,
        };
        let own = labels.with("__name__", base).with("le", "");
        let histograms = found.entry(own).or_default();
        for (at, item) in items.iter().enumerate() {
            let Item::Float(value) = item else { continue };
            let classic = histograms.entry(at).or_default();
            match kind {
                "_bucket" => classic.buckets.push((bound, *value)),
                "_count" => classic.count = Some(*value),
                _ => classic.sum = *value,
            }
        }
    }
    let series = found
        .into_iter()
        .map(|(labels, histograms)| HistogramSeries {
            labels: labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            samples: histograms
                .into_iter()
                .map(|(at, classic)| HistogramSample {
                    timestamp_ms: load.step_ms * i64::try_from(at).unwrap(),
                    histogram: Arc::new(native(classic)),
                })
                .collect(),
        });
    series.collect()
}

fn native(mut classic: Classic) -> Histogram {
    classic.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Of several ways to write the same bound one counts.
    classic
        .buckets
        .dedup_by(|later, earlier| later.0.total_cmp(&earlier.0).is_eq());
    let infinite = classic.buckets.iter().any(|(bound, _)| bound.is_infinite());
    let count = classic
        .count
        .or(classic.buckets.last().map(|(_, count)| *count));
    let count = count.unwrap_or_default();
    if !infinite {
        classic.buckets.push((f64::INFINITY, count));
    }
    let mut positive = Vec::new();
    let mut before = 0.0;
    for (index, (_, below)) in classic.buckets.iter().enumerate() {
        if *below - before != 0.0 {
            positive.push((i32::try_from(index).unwrap(), below - before));
        }
        before = *below;
    }
    let bounds = classic.buckets.iter().map(|(bound, _)| *bound);
    Histogram {
        schema: CUSTOM_SCHEMA,
        count,
        sum: classic.sum,
        positive,
        custom_bounds: bounds.filter(|bound| bound.is_finite()).collect(),
        ..Histogram::default()
    }
}
