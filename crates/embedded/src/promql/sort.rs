//! `sort`, `sort_desc`, `sort_by_label` and `sort_by_label_desc`. They order an instant query's
//! answer; a range query's series come sorted by their labels in any case.

use std::cmp::Ordering;

use query::promql::ast::{Call, Expr};

use super::call::{argument, text};
use super::evaluator::Evaluator;
use super::series::{Series, Value};
use crate::limits::EvalError;

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
        series.sort_by(|a, b| {
            let (a, b) = (value(a), value(b));
            let order = a
                .partial_cmp(&b)
                .map(|order| if descending { order.reverse() } else { order });
            order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
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
        let mut series = self.vector(argument(call, 0)?)?;
        self.check_sort(expr);
        series.sort_by(|a, b| {
            let by_name = |name: &&str| natural(a.labels.get(name), b.labels.get(name));
            let order = names.iter().map(by_name);
            let order = order.fold(Ordering::Equal, Ordering::then);
            let order = order.then_with(|| a.labels.cmp(&b.labels));
            if descending { order.reverse() } else { order }
        });
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
    use super::*;

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
