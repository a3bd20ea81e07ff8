//! `limitk` and `limit_ratio`: they choose series whatever their values are.

use query::promql::Expr;
use twox_hash::XxHash64;

use super::aggregate::Group;
use super::evaluator::Evaluator;
use super::series::{Collector, Cursor, Series};
use super::topk::counts;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::numbers::go_general;

impl Evaluator<'_> {
    /// The first `k` series of each group that have a value, at each step.
    pub(super) fn limitk(
        &self,
        groups: &[Group],
        parameters: &[f64],
    ) -> Result<Vec<Series>, EvalError> {
        let Some(counts) = counts(parameters)? else {
            return Ok(Vec::new());
        };
        self.choose(groups, |step, found, _| {
            counts.get(step).is_some_and(|most| found < *most)
        })
    }

    /// That share of the series, always the same ones; with a negative ratio those that the
    /// positive one which adds up to 1 leaves out.
    pub(super) fn limit_ratio(
        &self,
        param: &Expr,
        groups: &[Group],
        parameters: &[f64],
    ) -> Result<Vec<Series>, EvalError> {
        if parameters.iter().all(|ratio| *ratio == 0.0) {
            return Ok(Vec::new());
        }
        if parameters.iter().any(|ratio| ratio.is_nan()) {
            return Err(EvalError::Execution("Ratio value is NaN".to_owned()));
        }
        let highest = parameters.iter().copied().fold(f64::MIN, f64::max);
        let lowest = parameters.iter().copied().fold(f64::MAX, f64::min);
        for (value, capped) in [(highest, 1.0), (lowest, -1.0)] {
            if value * capped > 1.0 {
                self.notes.warn(
                    param,
                    format!(
                        "ratio value should be between -1 and 1, got {}, capping to {capped}",
                        go_general(value)
                    ),
                );
            }
        }
        self.choose(groups, |step, _, labels| {
            let ratio = parameters.get(step).copied().unwrap_or_default();
            let ratio = ratio.clamp(-1.0, 1.0);
            let place = place(labels);
            if ratio >= 0.0 {
                place < ratio
            } else {
                place >= 1.0 + ratio
            }
        })
    }

    /// The values of series that are wanted: by the step, how many of the group were taken at it,
    /// and the labels.
    fn choose(
        &self,
        groups: &[Group],
        wanted: impl Fn(usize, usize, &Labels) -> bool,
    ) -> Result<Vec<Series>, EvalError> {
        let mut collector = Collector::default();
        for group in groups {
            self.stop.check()?;
            let members = &group.members;
            let mut cursors: Vec<Cursor> = members.iter().map(|one| Cursor::new(one)).collect();
            for (step, time) in self.steps.times().enumerate() {
                let mut taken = 0;
                for (member, cursor) in members.iter().zip(&mut cursors) {
                    let Some(value) = cursor.value_at(time) else {
                        continue;
                    };
                    if wanted(step, taken, &member.labels) {
                        taken += 1;
                        let slot = collector.slot(member.labels.clone(), member.drop_name);
                        collector.push(slot, time, value)?;
                    }
                }
            }
        }
        Ok(collector.finish())
    }
}

/// Where from 0 to 1 a series stands, evenly spread and always the same: its hash in Prometheus, so
/// that the same series are chosen.
#[allow(clippy::cast_precision_loss)] // Prometheus rounds as well
fn place(labels: &Labels) -> f64 {
    let mut bytes = Vec::new();
    for (name, value) in labels.iter() {
        for text in [name, value] {
            push_length(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    XxHash64::oneshot(0, &bytes) as f64 / u64::MAX as f64
}

/// A length as Prometheus keeps it before each text of a label set: a byte, or, from 255 on, that
/// byte with three more behind it, the lowest first.
fn push_length(bytes: &mut Vec<u8>, length: usize) {
    const LONG: u8 = 255;
    match u8::try_from(length) {
        Ok(short) if short < LONG => bytes.push(short),
        Ok(_) | Err(_) => {
            bytes.push(LONG);
            bytes.extend(length.to_le_bytes().iter().take(3));
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // the same place and no other
mod tests {
    use super::*;

    #[test]
    fn a_series_stands_where_it_stands_in_prometheus() {
        let long = "x".repeat(300);
        for (labels, wanted) in [
            (&[][..], 0.934_674_931_531_705_9),
            (
                &[("__name__", "up"), ("instance", "a:1"), ("job", "api")],
                0.607_850_639_892_186_6,
            ),
            (&[("a", long.as_str())], 0.450_019_039_050_974_8),
        ] {
            let pairs = labels
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(place(&Labels::new(pairs.collect())), wanted, "{labels:?}");
        }
    }
}
