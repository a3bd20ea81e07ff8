//! Whether an answer in JSON is the one that has to come out.

use serde_json::Value;

use crate::script::{At, Expected};
use crate::series::{self, Pairs, Series};

/// Error, relative or absolute, that is allowed.
const EPSILON: f64 = 1e-9;

/// A value at a time in milliseconds.
type Point = (i64, f64);

fn almost(a: f64, b: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a.is_infinite() || b.is_infinite() {
        return a.is_infinite() && b.is_infinite() && a.signum() == b.signum();
    }
    let difference = (a - b).abs();
    difference <= EPSILON || difference / a.abs().max(b.abs()) <= EPSILON
}

/// `[seconds, "value"]`
fn point(json: &Value) -> Option<Point> {
    let [time, value] = json.as_array()?.as_slice() else {
        return None;
    };
    #[allow(clippy::cast_possible_truncation)] // milliseconds of this century
    let millis = (time.as_f64()? * 1000.0).round() as i64;
    Some((millis, series::number(value.as_str()?)?))
}

fn series(json: &Value) -> Option<(Pairs, Vec<Point>)> {
    let metric = json["metric"].as_object()?.iter();
    let mut labels: Pairs = metric
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect::<Option<_>>()?;
    labels.sort();
    let points = match json.get("values") {
        Some(values) => values
            .as_array()?
            .iter()
            .map(point)
            .collect::<Option<_>>()?,
        None => vec![point(&json["value"])?],
    };
    Some((labels, points))
}

/// The times of an answer, in milliseconds.
fn steps(at: At, epoch: i64) -> Vec<i64> {
    let millis = |nanos: i64| (epoch + nanos) / 1_000_000;
    match at {
        At::Instant(at) => vec![millis(at)],
        At::Range { start, end, step } => {
            let step = usize::try_from(step).unwrap();
            (start..=end).step_by(step).map(millis).collect()
        }
    }
}

/// Compares the `data` of an answer to a query whose times count from `epoch`; the reason if it is
/// another.
pub(crate) fn compare(at: At, epoch: i64, expected: &Expected, data: &Value) -> Result<(), String> {
    let kind = data["resultType"].as_str().unwrap_or_default();
    let kind_wanted = match (at, expected) {
        (_, Expected::Fail(_)) => return Err(format!("it did not fail: {data}")),
        (_, Expected::Scalar(_)) => "scalar",
        (At::Instant(_), Expected::Empty | Expected::Series { .. }) => "vector",
        (At::Range { .. }, Expected::Empty | Expected::Series { .. }) => "matrix",
    };
    if kind != kind_wanted {
        return Err(format!("a {kind} and no {kind_wanted}: {data}"));
    }
    let result = &data["result"];
    let wrong = || format!("got {result}");
    let (wanted, ordered): (&[Series], bool) = match expected {
        Expected::Scalar(wanted) => {
            let (_, got) = point(result).ok_or_else(wrong)?;
            return almost(*wanted, got).then_some(()).ok_or_else(wrong);
        }
        Expected::Series { series, ordered } => (series, *ordered),
        Expected::Empty | Expected::Fail(_) => (&[], false),
    };
    let got: Option<Vec<_>> = result
        .as_array()
        .and_then(|all| all.iter().map(self::series).collect());
    let mut got = got.ok_or_else(wrong)?;
    let mut wanted: Vec<&Series> = wanted.iter().collect();
    if !ordered {
        got.sort_by(|a, b| a.0.cmp(&b.0));
        wanted.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    let steps = steps(at, epoch);
    let same = got.len() == wanted.len()
        && wanted.iter().zip(&got).all(|(wanted, (labels, points))| {
            wanted.labels == *labels && same(&steps, wanted, points)
        });
    same.then_some(()).ok_or_else(wrong)
}

fn same(steps: &[i64], wanted: &Series, got: &[Point]) -> bool {
    assert_eq!(steps.len(), wanted.values.len(), "{:?}", wanted.labels);
    let values = steps.iter().zip(&wanted.values);
    let values: Vec<Point> = values
        .filter_map(|(time, value)| Some((*time, (*value)?)))
        .collect();
    values.len() == got.len()
        && values
            .iter()
            .zip(got)
            .all(|(wanted, got)| wanted.0 == got.0 && almost(wanted.1, got.1))
}
