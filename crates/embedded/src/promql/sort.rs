//! `sort`, `sort_desc`, `sort_by_label` and `sort_by_label_desc`. They order an instant query's
//! answer; a range query's series come sorted by their labels in any case.

use std::cmp::Ordering;
use std::collections::VecDeque;

use query::promql::ast::{Call, Expr};

use super::call::{argument, text};
use super::evaluator::Evaluator;
use super::series::{Series, Value, cost_of};
use crate::limits::EvalError;
use crate::ticker::Ticker;

impl Evaluator<'_> {
    /// Sorts by value, NaN last. Histograms go.
    pub(super) fn sort(
        &self,
        expr: &Expr,
        call: &Call,
        descending: bool,
    ) -> Result<Value, EvalError> {
        let mut series = self.vector(argument(call, 0)?)?;
        self.check_sort(expr);
        for one in &mut series {
            one.histograms.clear();
        }
        series.retain(|one| !one.is_empty());
        let value = |series: &Series| series.points.first().map_or(f64::NAN, |point| point.value);
        let series = sorted_by(series, &mut self.ticker(), |a, b| {
            let (a, b) = (value(a), value(b));
            let order = a
                .partial_cmp(&b)
                .map(|order| if descending { order.reverse() } else { order });
            order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        })?;
        Ok(Value::Vector(series))
    }

    /// Sorts by the values of labels, numbers in them by their size, and then by all labels.
    pub(super) fn sort_by_label(
        &self,
        expr: &Expr,
        call: &Call,
        descending: bool,
    ) -> Result<Value, EvalError> {
        let names: Vec<&str> = (1..call.args.len())
            .map(|index| text(call, index))
            .collect::<Result<_, _>>()?;
        let series = self.vector(argument(call, 0)?)?;
        self.check_sort(expr);
        let series = sorted_by(series, &mut self.ticker(), |a, b| {
            let by_name = |name: &&str| natural(a.labels.get(name), b.labels.get(name));
            let mut order = names.iter().map(by_name);
            let order = order.find(|order| *order != Ordering::Equal);
            let order = order.unwrap_or_else(|| a.labels.cmp(&b.labels));
            if descending { order.reverse() } else { order }
        })?;
        Ok(Value::Vector(series))
    }

    fn check_sort(&self, expr: &Expr) {
        if self.steps.start != self.steps.end {
            self.notes.warn(
                expr,
                "sort is ineffective for range queries since results are always ordered by labels",
            );
        }
    }
}

/// Series that are sorted in one go.
const RUN: usize = 64;

/// Sorts series, equal ones as they came. Comparing labels takes as long as they are, and the sort of
/// the standard library cannot be ended: so it sorts a few at a time, and these are merged.
pub(super) fn sorted_by(
    series: Vec<Series>,
    ticker: &mut Ticker,
    order: impl Fn(&Series, &Series) -> Ordering,
) -> Result<Vec<Series>, EvalError> {
    let mut is_sorted = true;
    for [a, b] in series.array_windows() {
        ticker.tick(cost_of(&a.labels))?;
        is_sorted &= order(a, b) != Ordering::Greater;
    }
    if is_sorted {
        return Ok(series);
    }
    let mut runs: VecDeque<Vec<Series>> = VecDeque::new();
    let mut rest = series.into_iter();
    loop {
        let mut run: Vec<Series> = rest.by_ref().take(RUN).collect();
        if run.is_empty() {
            break;
        }
        ticker.tick(run.iter().map(|one| cost_of(&one.labels)).sum())?;
        run.sort_by(&order);
        runs.push_back(run);
    }
    while runs.len() > 1 {
        // Neighbours are merged, and all of a round before the next, so that equal ones stay in order.
        let mut merged = VecDeque::with_capacity(runs.len().div_ceil(2));
        while let Some(left) = runs.pop_front() {
            merged.push_back(match runs.pop_front() {
                Some(right) => merged_by(left, right, ticker, &order)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop_front().unwrap_or_default())
}

fn merged_by(
    left: Vec<Series>,
    right: Vec<Series>,
    ticker: &mut Ticker,
    order: impl Fn(&Series, &Series) -> Ordering,
) -> Result<Vec<Series>, EvalError> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        ticker.tick(cost_of(&a.labels))?;
        let takes_right = order(a, b) == Ordering::Greater;
        merged.extend(if takes_right {
            right.next()
        } else {
            left.next()
        });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

/// Compares texts with the numbers in them by their size: `a2` is before `a10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let ((left, left_rest), (right, right_rest)) = (piece(a), piece(b));
        if left.is_empty() || right.is_empty() {
            return left.len().cmp(&right.len());
        }
        let digits = |text: &str| text.trim_start_matches('0').len();
        let order = if is_number(left) && is_number(right) {
            let size = digits(left).cmp(&digits(right));
            size.then_with(|| {
                left.trim_start_matches('0')
                    .cmp(right.trim_start_matches('0'))
            })
            .then_with(|| left.cmp(right))
        } else {
            left.cmp(right)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (left_rest, right_rest);
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// The digits, or what is no digits, at the beginning; and the rest.
fn piece(text: &str) -> (&str, &str) {
    let number = is_number(text);
    let end = text.find(|c: char| c.is_ascii_digit() != number);
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Labels;
    use crate::limits::Stop;

    #[test]
    fn a_sort_keeps_equal_ones_in_order_and_ends_when_it_must() {
        let one = |at: usize| Series {
            labels: Labels::new(vec![("at".to_owned(), format!("{at:05}"))]),
            ..Series::default()
        };
        let series = |count: usize| -> Vec<Series> { (0..count).map(one).collect() };
        // By the last digit alone.
        let digit = |one: &Series| one.labels.get("at").chars().next_back();
        let by_digit = |a: &Series, b: &Series| digit(a).cmp(&digit(b));
        let stop = Stop::after(Duration::from_hours(1));
        for count in [0, 1, 2, RUN, RUN + 1, 5 * RUN + 7] {
            let found = sorted_by(series(count), &mut Ticker::new(&stop), by_digit).unwrap();
            let mut wanted = series(count);
            wanted.sort_by(by_digit);
            let labels = |all: Vec<Series>| -> Vec<Labels> {
                all.into_iter().map(|one| one.labels).collect()
            };
            assert_eq!(labels(found), labels(wanted), "{count}");
        }
        drop(stop.cancel_on_drop());
        let ended = sorted_by(series(1_000), &mut Ticker::new(&stop), by_digit);
        assert_eq!(ended.unwrap_err(), EvalError::Canceled);
    }

    #[test]
    fn numbers_in_texts_are_compared_by_their_size() {
        let mut texts = vec!["a10b", "a2", "", "a2b", "a10", "10", "9", "b", "a02"];
        texts.sort_by(|a, b| natural(a, b));
        assert_eq!(
            texts,
            ["", "9", "10", "a02", "a2", "a2b", "a10", "a10b", "b"]
        );
    }
}
