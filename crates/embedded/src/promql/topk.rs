//! `topk` and `bottomk`: they choose series and keep their labels.

use std::cmp::Ordering;

use query::promql::Expr;

use super::aggregate::Group;
use super::evaluator::Evaluator;
use super::series::{Collector, Cursor, Operand, Series};
use crate::limits::EvalError;
use crate::numbers::{go_general, to_i64};

impl Evaluator<'_> {
    /// The `k` series with the largest (or smallest) numbers of each group at each step, the most
    /// extreme one first.
    pub(super) fn top(
        &self,
        expr: &Expr,
        groups: &[Group],
        parameters: &[f64],
        largest: bool,
    ) -> Result<Vec<Series>, EvalError> {
        let Some(counts) = counts(parameters)? else {
            return Ok(Vec::new());
        };
        let mut members = groups.iter().flat_map(|group| &group.members);
        if members.any(|member| !member.histograms.is_empty()) {
            let name = if largest { "topk" } else { "bottomk" };
            self.notes.ignored_in_aggregation(expr, name);
        }
        let mut collector = Collector::default();
        for group in groups {
            self.stop.check()?;
            let mut cursors: Vec<Cursor> =
                group.members.iter().map(|one| Cursor::new(one)).collect();
            for (time, k) in self.steps.times().zip(&counts) {
                let mut best = Best::of(*k, largest);
                for (at, cursor) in cursors.iter_mut().enumerate() {
                    if let Some(value) = cursor.at(time) {
                        best.offer((at, value));
                    }
                }
                for (at, value) in best.in_order() {
                    if let Some(member) = group.members.get(at) {
                        let slot = collector.slot(member.labels.clone(), member.drop_name);
                        collector.push(slot, time, Operand::Float(value))?;
                    }
                }
            }
        }
        Ok(collector.finish())
    }
}

/// The parameters as numbers of series; `None` where no step wants any.
pub(super) fn counts(parameters: &[f64]) -> Result<Option<Vec<usize>>, EvalError> {
    if parameters.iter().all(|k| *k < 1.0) {
        return Ok(None);
    }
    parameters
        .iter()
        .map(|k| count(*k))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// The parameter as a number of series.
fn count(k: f64) -> Result<usize, EvalError> {
    if k.is_nan() {
        return Err(EvalError::Execution("Parameter value is NaN".to_owned()));
    }
    match to_i64(k) {
        Some(k) => Ok(usize::try_from(k).unwrap_or_default()),
        None if k < 0.0 => Err(EvalError::Execution(format!(
            "Scalar value {} underflows int64",
            go_general(k)
        ))),
        None => Err(EvalError::Execution(format!(
            "Scalar value {} overflows int64",
            go_general(k)
        ))),
    }
}

/// A series of the group and its value.
type Entry = (usize, f64);

/// The most extreme values of those that were offered, in a heap with the least extreme one on top:
/// made as Go's `container/heap` makes it, so that of equal values the same ones stay as in
/// Prometheus.
#[derive(Debug)]
struct Best {
    heap: Vec<Entry>,
    most: usize,
    largest: bool,
}

/// So many Go sorts by inserting one after the other, which leaves equal ones in their order.
const INSERTED: usize = 12;

impl Best {
    fn of(most: usize, largest: bool) -> Self {
        Self {
            heap: Vec::new(),
            most,
            largest,
        }
    }

    fn offer(&mut self, entry: Entry) {
        if self.heap.len() < self.most {
            self.heap.push(entry);
            self.rise(self.heap.len() - 1);
            return;
        }
        let Some(top) = self.heap.first_mut() else {
            return;
        };
        let is_better = if self.largest {
            top.1 < entry.1
        } else {
            top.1 > entry.1
        };
        if is_better || (top.1.is_nan() && !entry.1.is_nan()) {
            *top = entry;
            self.sink();
        }
    }

    /// Whether one value is less extreme than another. NaN is, than all.
    fn is_less(&self, a: usize, b: usize) -> bool {
        let (Some((_, a)), Some((_, b))) = (self.heap.get(a), self.heap.get(b)) else {
            return false;
        };
        a.is_nan() || if self.largest { a < b } else { a > b }
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.is_less(at, parent) {
                return;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
    }

    fn sink(&mut self) {
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.heap.len() {
                return;
            }
            let child = if right < self.heap.len() && self.is_less(right, left) {
                right
            } else {
                left
            };
            if !self.is_less(child, at) {
                return;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }

    /// The most extreme one first.
    fn in_order(mut self) -> Vec<Entry> {
        if self.heap.len() > INSERTED {
            let largest = self.largest;
            self.heap
                .sort_by(|(_, a), (_, b)| extreme_first(*a, *b, largest));
            return self.heap;
        }
        for end in 1..self.heap.len() {
            let mut at = end;
            while at > 0 && self.is_less(at - 1, at) {
                self.heap.swap(at - 1, at);
                at -= 1;
            }
        }
        self.heap
    }
}

/// NaN comes last in either direction.
fn extreme_first(a: f64, b: f64, largest: bool) -> Ordering {
    let order = a
        .partial_cmp(&b)
        .map(|order| if largest { order.reverse() } else { order });
    order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_values_those_stay_that_stay_in_prometheus() {
        let nan = f64::NAN;
        for (values, most, largest, wanted) in [
            // The newcomer takes the place of the first of the least.
            (&[1.0, 1.0, 2.0][..], 2, true, &[2, 1][..]),
            (&[1.0, 1.0, 1.0], 2, true, &[0, 1]),
            (&[3.0, 1.0, 2.0, 3.0], 3, true, &[0, 3, 2]),
            (&[2.0, 2.0, 1.0], 2, false, &[2, 1]),
            (&[nan, 1.0, nan, 0.0], 2, false, &[3, 1]),
            (&[1.0, nan], 5, true, &[0, 1]),
            (&[1.0], 0, true, &[]),
        ] {
            let mut best = Best::of(most, largest);
            for entry in values.iter().copied().enumerate() {
                best.offer(entry);
            }
            let places: Vec<usize> = best.in_order().into_iter().map(|(at, _)| at).collect();
            assert_eq!(places, wanted, "{values:?}");
        }
    }
}
