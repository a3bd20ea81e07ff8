//! Walks over many series side by side, step by step.
//!
//! Where each of very many series has very few values, as those of `count_values` have, to look at
//! all series at all steps would take their product. What is walked then are the values, sorted by
//! their steps.

use super::budget::Budget;
use super::evaluator::{Evaluator, Steps};
use super::series::{Cursor, Series};
use crate::limits::EvalError;
use crate::ticker::Ticker;

/// So many times more places than values there have to be for the values to be sorted.
const SPARSE: usize = 4;

/// Series that are walked side by side.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    cursors: Vec<Cursor<'a>>,
    places: Places,
    ticker: Ticker<'a>,
    budget: &'a Budget,
}

/// Which series have values at which steps.
#[derive(Debug)]
enum Places {
    /// Perhaps all of them at these steps: the first one, and the one behind the last.
    All(usize, usize),
    /// These, by step and series, from the next one on.
    Sorted(Vec<(usize, usize)>, usize),
}

impl<'a> Walk<'a> {
    /// The first step from `from` on at which there may be values. It never becomes less.
    pub(super) fn step_from(&mut self, from: usize) -> Option<usize> {
        match &mut self.places {
            Places::All(first, end) => {
                let step = from.max(*first);
                (step < *end).then_some(step)
            }
            Places::Sorted(places, next) => {
                while let Some((step, _)) = places.get(*next) {
                    if *step >= from {
                        return Some(*step);
                    }
                    *next += 1;
                }
                None
            }
        }
    }

    /// Calls `visit` with the series that may have a value at `step`, in their order. Steps come one
    /// behind the other.
    pub(super) fn each(
        &mut self,
        step: usize,
        mut visit: impl FnMut(usize, &mut Cursor<'a>) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        if self.step_from(step) != Some(step) {
            return self.ticker.tick(1);
        }
        match &mut self.places {
            Places::All(..) => {
                self.ticker.tick(self.cursors.len() + 1)?;
                for (at, cursor) in self.cursors.iter_mut().enumerate() {
                    visit(at, cursor)?;
                }
            }
            Places::Sorted(places, next) => {
                while let Some((when, at)) = places.get(*next)
                    && *when == step
                {
                    self.ticker.tick(1)?;
                    if let Some(cursor) = self.cursors.get_mut(*at) {
                        visit(*at, cursor)?;
                    }
                    *next += 1;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        if let Places::Sorted(places, _) = &self.places {
            self.budget.give_back(places.len());
        }
    }
}

impl Evaluator<'_> {
    /// A walk over these series.
    pub(super) fn walk<'a>(
        &'a self,
        series: impl Iterator<Item = &'a Series> + Clone,
    ) -> Result<Walk<'a>, EvalError> {
        let mut ticker = Ticker::new(self.stop);
        let (mut first, mut end) = (usize::MAX, 0);
        let (mut members, mut values) = (0_usize, 0_usize);
        for one in series.clone() {
            ticker.tick(1)?;
            members += 1;
            values += one.points.len() + one.histograms.len();
            if let Some((from, to)) = one.span() {
                first = first.min(self.steps.index(from));
                end = end.max(self.steps.index(to) + 1);
            }
        }
        let all = members.saturating_mul(end.saturating_sub(first));
        let places = if all / SPARSE > values {
            self.budget.take(values)?;
            Places::Sorted(places(series.clone(), values, self.steps, &mut ticker)?, 0)
        } else {
            Places::All(first, end)
        };
        Ok(Walk {
            cursors: series.map(Cursor::new).collect(),
            places,
            ticker,
            budget: self.budget,
        })
    }
}

/// Where there are values, `count` of them, sorted by step and then by series.
fn places<'a>(
    series: impl Iterator<Item = &'a Series>,
    count: usize,
    steps: Steps,
    ticker: &mut Ticker,
) -> Result<Vec<(usize, usize)>, EvalError> {
    let mut places = Vec::with_capacity(count);
    for (at, one) in series.enumerate() {
        ticker.tick(1 + one.points.len() + one.histograms.len())?;
        let floats = one.points.iter().map(|point| point.timestamp_ms);
        let histograms = one.histograms.iter().map(|sample| sample.timestamp_ms);
        places.extend(floats.chain(histograms).map(|time| (steps.index(time), at)));
    }
    places.sort_unstable();
    Ok(places)
}
