//! Range vectors, before their windows are cut.

use std::thread;

use query::promql::ast::{Expr, Extension, MatrixSelector};

use super::evaluator::{Evaluator, unwrap_parens, wrong_type};
use super::modifiers::Shift;
use super::selector::matchers;
use super::series::Series;
use super::stored::{Resets, StoredSeries};
use crate::limits::EvalError;
use crate::store::Reading;

/// Stored series from which on several threads read them.
const MANY_SERIES: usize = 2_000;
/// Threads of one query.
const MOST_THREADS: usize = 4;

/// A range vector before its windows are cut.
#[derive(Debug)]
pub(super) struct RangeVector {
    source: Source,
    pub(super) shift: Shift,
    /// Length of a window in milliseconds.
    pub(super) range: i64,
    /// How samples about the windows are taken into account.
    pub(super) extension: Option<Extension>,
}

#[derive(Debug)]
enum Source {
    Stored(Vec<StoredSeries>),
    Computed(Vec<Series>),
}

impl RangeVector {
    pub(super) fn computed(series: Vec<Series>, shift: Shift, range: i64) -> Self {
        Self {
            source: Source::Computed(series),
            shift,
            range,
            extension: None,
        }
    }

    /// The same in parts of about as many series, if there are so many that several threads pay.
    pub(super) fn into_parts(self) -> Vec<Self> {
        let (shift, range, extension) = (self.shift, self.range, self.extension);
        let part = |source| Self {
            source,
            shift,
            range,
            extension,
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        match self.source {
            Source::Stored(mut stored) if stored.len() >= MANY_SERIES && threads > 1 => {
                let size = stored.len().div_ceil(threads.min(MOST_THREADS));
                let mut parts = Vec::new();
                while !stored.is_empty() {
                    let rest = stored.split_off(size.min(stored.len()));
                    parts.push(part(Source::Stored(stored)));
                    stored = rest;
                }
                parts
            }
            source @ (Source::Stored(_) | Source::Computed(_)) => vec![part(source)],
        }
    }

    /// The series with all samples that some window may need, staleness marks left out. Samples of
    /// stored series are read as they are asked for, one series at a time.
    pub(super) fn into_series(
        self,
        resets: Resets,
    ) -> Box<dyn Iterator<Item = Result<Series, EvalError>>> {
        match self.source {
            Source::Computed(series) => Box::new(series.into_iter().map(Ok)),
            Source::Stored(stored) => {
                let mut reading = Reading::default();
                Box::new(stored.into_iter().map(move |one| {
                    let mut series = one.read(&mut reading, resets)?;
                    series.points.retain(|sample| !sample.is_stale());
                    series.histograms.retain(|sample| !sample.is_stale());
                    Ok(series)
                }))
            }
        }
    }
}

impl Evaluator<'_> {
    /// A range vector, from a selector or a subquery.
    pub(super) fn range_vector(&self, expr: &Expr) -> Result<RangeVector, EvalError> {
        match unwrap_parens(expr) {
            Expr::Matrix(matrix) => self.matrix_selector(matrix),
            Expr::Subquery(subquery) => self.subquery(subquery),
            Expr::Number(_)
            | Expr::String(_)
            | Expr::Vector(_)
            | Expr::Paren(_)
            | Expr::Unary(..)
            | Expr::Binary(_)
            | Expr::Aggregate(_)
            | Expr::Call(_) => Err(wrong_type("range vector")),
        }
    }

    fn matrix_selector(&self, matrix: &MatrixSelector) -> Result<RangeVector, EvalError> {
        let selector = &matrix.selector;
        let shift = self.shift(&selector.modifiers)?;
        let range = self.positive_millis(&matrix.range)?;
        let (first, last) = shift.span(self.steps);
        let (before, behind) = self.reach(selector.extension);
        let from = first.saturating_sub(range).saturating_sub(before);
        let to = last.saturating_add(behind);
        let stored = if self.steps.count() == 0 {
            Vec::new()
        } else {
            self.stored(&matchers(selector), from.saturating_add(1), to)?
        };
        Ok(RangeVector {
            source: Source::Stored(stored),
            shift,
            range,
            extension: selector.extension,
        })
    }

    /// How far before and behind its windows an extended selector looks for samples.
    pub(super) fn reach(&self, extension: Option<Extension>) -> (i64, i64) {
        match extension {
            None => (0, 0),
            Some(Extension::Anchored) => (self.lookback, 0),
            Some(Extension::Smoothed) => (self.lookback, self.lookback),
        }
    }

    /// The samples of a range vector that is the whole of an instant query. A range query has no
    /// use for one.
    pub(super) fn top_level_range(
        &self,
        expr: &Expr,
        instant: bool,
    ) -> Result<Option<Vec<Series>>, EvalError> {
        let expr = unwrap_parens(expr);
        if !matches!(expr, Expr::Matrix(_) | Expr::Subquery(_)) {
            return Ok(None);
        }
        if !instant {
            return Err(EvalError::Invalid(
                "invalid parameter \"query\": invalid expression type \"range vector\" for range \
                 query, must be Scalar or instant Vector"
                    .to_owned(),
            ));
        }
        let range = self.range_vector(expr)?;
        let end = range.shift.of(self.steps.start);
        let start = end.saturating_sub(range.range);
        let extension = range.extension;
        let mut found = Vec::new();
        for series in range.into_series(self.resets) {
            self.stop.check()?;
            let mut series = series?;
            if let Some(extension) = extension {
                super::extended::cut(&mut series, start, end, extension)?;
            } else {
                let within = start.saturating_add(1)..=end;
                series
                    .points
                    .retain(|one| within.contains(&one.timestamp_ms));
                series
                    .histograms
                    .retain(|one| within.contains(&one.timestamp_ms));
            }
            self.budget.take(series.cost())?;
            if series.drop_name {
                series.labels = super::series::unnamed(&series.labels);
            }
            if !series.is_empty() {
                found.push(series);
            }
        }
        Ok(Some(found))
    }
}
