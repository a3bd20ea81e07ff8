//! Whether an answer is the one that has to come out.

use embedded::promql::{Answer as Got, InstantValue};
use embedded::store::STALE_NAN;
use embedded::{Histogram, Labels};

use crate::histograms::Expected;
use crate::script::{Answer, At, Eval};

/// Relative error that is allowed.
const EPSILON: f64 = 1e-6;

pub(crate) fn almost(a: f64, b: f64) -> bool {
    let is_stale = |value: f64| value.to_bits() == STALE_NAN;
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    #[allow(clippy::float_cmp)] // what is near comes below
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

fn same_histogram(wanted: &Histogram, got: &Histogram, with_hint: bool) -> bool {
    let buckets = |wanted: &[(i32, f64)], got: &[(i32, f64)]| {
        let full = |buckets: &[(i32, f64)]| -> Vec<(i32, f64)> {
            buckets
                .iter()
                .copied()
                .filter(|(_, count)| *count != 0.0)
                .collect()
        };
        let (wanted, got) = (full(wanted), full(got));
        wanted.len() == got.len()
            && wanted
                .iter()
                .zip(&got)
                .all(|(a, b)| a.0 == b.0 && almost(a.1, b.1))
    };
    wanted.schema == got.schema
        && almost(wanted.count, got.count)
        && almost(wanted.sum, got.sum)
        && (wanted.schema != embedded::histogram::CUSTOM_SCHEMA
            || wanted.custom_bounds == got.custom_bounds)
        && wanted.zero_threshold.to_bits() == got.zero_threshold.to_bits()
        && almost(wanted.zero_count, got.zero_count)
        && buckets(&wanted.negative, &got.negative)
        && buckets(&wanted.positive, &got.positive)
        && (!with_hint || wanted.reset_hint == got.reset_hint)
}

fn same(wanted: &Expected, got: &InstantValue) -> bool {
    match (wanted, got) {
        (Expected::Float(wanted), InstantValue::Float(got)) => almost(*wanted, got.value),
        (Expected::Histogram(wanted, hint), InstantValue::Histogram(got)) => {
            same_histogram(wanted, &got.histogram, *hint)
        }
        _ => false,
    }
}

fn time(value: &InstantValue) -> i64 {
    match value {
        InstantValue::Float(point) => point.timestamp_ms,
        InstantValue::Histogram(sample) => sample.timestamp_ms,
    }
}

/// The values of a series by time.
pub(crate) fn values(series: &embedded::promql::RangeSeries) -> Vec<InstantValue> {
    let floats = series.points.iter().copied().map(InstantValue::Float);
    let histograms = series
        .histograms
        .iter()
        .cloned()
        .map(InstantValue::Histogram);
    let mut values: Vec<InstantValue> = floats.chain(histograms).collect();
    values.sort_by_key(time);
    values
}

/// Compares an answer; the reason if it is another.
pub(crate) fn compare(eval: &Eval, got: &Got) -> Result<(), String> {
    match (&eval.expected, got) {
        (Answer::Scalar(wanted), Got::Scalar(got)) if almost(*wanted, got.value) => Ok(()),
        (Answer::String(wanted), Got::String(_, got)) if wanted == got => Ok(()),
        (Answer::Series { series, .. }, Got::Vector(samples)) => {
            let got: Vec<(&Labels, &InstantValue)> = samples
                .iter()
                .map(|one| (&one.labels, &one.value))
                .collect();
            vector(series, &got, eval.ordered)
        }
        (Answer::Series { series, range }, Got::Matrix(got)) => {
            let (start, end, step) = match (eval.at, range) {
                (_, Some(range)) => *range,
                (At::Range { start, end, step }, None) => (start, end, step),
                (At::Instant(_), None) => return Err(format!("a matrix: {got:?}")),
            };
            matrix(series, got, (start, end, step))
        }
        (Answer::Scalar(wanted), got) => Err(format!("{wanted} wanted, got {got:?}")),
        (Answer::String(wanted), got) => Err(format!("{wanted:?} wanted, got {got:?}")),
        (Answer::Series { .. }, got) => Err(format!("series wanted, got {got:?}")),
    }
}

pub(crate) fn vector(
    wanted: &[(Labels, Vec<Expected>)],
    got: &[(&Labels, &InstantValue)],
    ordered: bool,
) -> Result<(), String> {
    for (at, (labels, value)) in got.iter().enumerate() {
        let place = wanted.iter().position(|(wanted, _)| wanted == *labels);
        let Some((place, (_, values))) = place.and_then(|at| Some((at, wanted.get(at)?))) else {
            return Err(format!("unexpected {labels}: {value:?}"));
        };
        if ordered && place != at {
            return Err(format!("{labels} is at {at} and not at {place}"));
        }
        if !values.first().is_some_and(|wanted| same(wanted, value)) {
            return Err(format!("{labels}: wanted {values:?}, got {value:?}"));
        }
    }
    missing(wanted, |labels| got.iter().any(|(one, _)| *one == labels))
}

fn matrix(
    wanted: &[(Labels, Vec<Expected>)],
    got: &[embedded::promql::RangeSeries],
    (start, end, step): (i64, i64, i64),
) -> Result<(), String> {
    let sorted = got.array_windows().all(|[a, b]| a.labels < b.labels);
    if !sorted {
        return Err("the matrix is not sorted".to_owned());
    }
    for series in got {
        let labels = &series.labels;
        let Some((_, values)) = wanted.iter().find(|(wanted, _)| wanted == labels) else {
            return Err(format!("unexpected {labels}: {:?}", self::values(series)));
        };
        let times = (0..).map(|at| start + at * step);
        let wanted: Vec<(i64, &Expected)> = times
            .zip(values)
            .filter(|(_, value)| !matches!(value, Expected::None))
            .collect();
        if wanted.iter().any(|(time, _)| *time > end) {
            return Err("more values are wanted than there are steps".to_owned());
        }
        let got = self::values(series);
        let same = wanted.len() == got.len()
            && wanted
                .iter()
                .zip(&got)
                .all(|((at, wanted), got)| *at == time(got) && same(wanted, got));
        if !same {
            return Err(format!("{labels}: wanted {wanted:?}, got {got:?}"));
        }
    }
    missing(wanted, |labels| got.iter().any(|one| one.labels == *labels))
}

fn missing(
    wanted: &[(Labels, Vec<Expected>)],
    is_there: impl Fn(&Labels) -> bool,
) -> Result<(), String> {
    match wanted.iter().find(|(labels, _)| !is_there(labels)) {
        Some((labels, values)) => Err(format!("{labels} is missing: {values:?}")),
        None => Ok(()),
    }
}
