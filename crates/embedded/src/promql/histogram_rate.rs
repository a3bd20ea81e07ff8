//! Changes of native histograms over a window.

use query::promql::Expr;

use super::notes::Notes;
use super::range_functions::Window;
use super::rate::Change;
use crate::histogram::{Added, Histogram, Incompatible, ResetHint};
use crate::labels::Labels;
use crate::store::HistogramSample;

/// The change between the first and the last histogram of the window, resets of a counter evened
/// out. It is a gauge. `None` where there are fewer than two, or they do not fit together.
pub(super) fn difference(window: &Window, change: Change) -> Option<Histogram> {
    let all = window.histograms;
    let [first, rest @ .., last] = all else {
        return None;
    };
    let second = rest.first().unwrap_or(last);
    let is_counter = change.is_of_counter();
    let is_gauge = |sample: &HistogramSample| sample.histogram.reset_hint == ResetHint::Gauge;
    if is_counter && all.iter().any(is_gauge) {
        window.notes.not_a_counter(window.expr, window.labels);
    }
    let reset = Histogram {
        schema: second.histogram.schema,
        custom_bounds: second.histogram.custom_bounds.clone(),
        ..Histogram::default()
    };
    // What was before a reset right behind it is not looked at, so it need not fit.
    let starts_anew = is_counter && second.histogram.is_reset_after(&first.histogram);
    let mut before: &Histogram = if starts_anew {
        &reset
    } else {
        &first.histogram
    };
    let custom = before.has_custom_bounds();
    let other_kind = |sample: &&HistogramSample| sample.histogram.has_custom_bounds() != custom;
    if other_kind(&last) || (is_counter && rest.iter().any(|one| other_kind(&one))) {
        window.notes.mixed_schemas(window.expr, window.labels);
        return None;
    }
    let mut schema = before.schema.min(last.histogram.schema);
    if is_counter {
        let between = rest.iter().map(|one| one.histogram.schema);
        schema = between.fold(schema, i32::min);
    }
    let mut result = Histogram::clone(&last.histogram);
    result.reduce(schema);
    // Resets are dealt with below; that hints contradict each other means nothing here.
    let told = result.sub(before);
    tell(window, told, "subtraction")?;
    if is_counter {
        for sample in all.iter().skip(1) {
            if sample.histogram.is_reset_after(before) {
                let told = result.add(before);
                tell(window, told, "addition")?;
            }
            before = &sample.histogram;
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        window.notes.not_a_gauge(window.expr, window.labels);
    }
    result.reset_hint = ResetHint::Gauge;
    result.compact();
    Some(result)
}

/// The change between the last two histograms; after a reset the last one itself.
pub(super) fn last_two(
    window: &Window,
    before: &HistogramSample,
    last: &HistogramSample,
    is_rate: bool,
) -> Option<Histogram> {
    let is_gauge = |sample: &HistogramSample| sample.histogram.reset_hint == ResetHint::Gauge;
    if is_rate && (is_gauge(before) || is_gauge(last)) {
        window.notes.not_a_counter(window.expr, window.labels);
    }
    if !is_rate && (!is_gauge(before) || !is_gauge(last)) {
        window.notes.not_a_gauge(window.expr, window.labels);
    }
    let mut result = Histogram::clone(&last.histogram);
    if !is_rate || !last.histogram.is_reset_after(&before.histogram) {
        let told = result.sub(&before.histogram);
        tell(window, told, "subtraction")?;
    }
    result.reset_hint = ResetHint::Gauge;
    result.compact();
    Some(result)
}

/// Tells what is to be told of a sum or difference, and whether there is one.
fn tell(window: &Window, added: Result<Added, Incompatible>, operation: &str) -> Option<()> {
    tell_of(added, operation, (window.notes, window.expr, window.labels))
}

/// Where what is to be told belongs.
pub(super) type About<'a> = (&'a Notes, &'a Expr, &'a Labels);

/// Likewise, of any series.
pub(super) fn tell_of(
    added: Result<Added, Incompatible>,
    operation: &str,
    (notes, expr, labels): About,
) -> Option<()> {
    let Ok(added) = added else {
        notes.mixed_schemas(expr, labels);
        return None;
    };
    if added.reconciled {
        notes.reconciled(expr, operation);
    }
    Some(())
}
