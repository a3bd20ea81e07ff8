//! What one query may ask for.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;
use query::promql::Ranged;
use query::promql::ast::DurationExpr;
use query::{logql, promql};

use crate::error::{Error, Flaw};

/// So many points Prometheus and Loki answer at the most.
const BACKENDS_POINTS: u32 = 11_000;

/// What one query may ask for. `None` is no limit; the backends have limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The longest time from start to end, and the longest that a query looks back in brackets
    /// (`[30d]`); of brackets within brackets, all together.
    pub max_range: Option<Duration>,
    /// The smallest step, also of subqueries.
    pub min_step: Option<Duration>,
    /// The most steps from start to end.
    pub max_points: Option<NonZeroU32>,
}

/// What a query asks for beyond its bounds: of what kind that is, and the sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beyond {
    pub(crate) flaw: Flaw,
    pub(crate) sentence: String,
}

/// What is beyond bounds in this way.
pub(crate) fn beyond(flaw: Flaw, sentence: impl Into<String>) -> Beyond {
    Beyond {
        flaw,
        sentence: sentence.into(),
    }
}

impl From<Beyond> for Error {
    fn from(beyond: Beyond) -> Self {
        Self::BadData(beyond.flaw, beyond.sentence)
    }
}

impl Bounds {
    /// No limit.
    pub const UNLIMITED: Self = Self {
        max_range: None,
        min_step: None,
        max_points: None,
    };

    /// Whether something is refused that Prometheus and Loki would answer: more than the points that
    /// they count themselves.
    pub(crate) fn are_stricter_than_the_backends(&self) -> bool {
        let is_stricter = |most: NonZeroU32| most.get() < BACKENDS_POINTS;
        self.max_range.is_some()
            || self.min_step.is_some()
            || self.max_points.is_some_and(is_stricter)
    }

    /// Checks how long before now a tail begins.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub(crate) fn check_tail(&self, ago: Duration) -> Result<(), Beyond> {
        match self.max_range {
            Some(most) if ago > most => Err(beyond(
                Flaw::Range,
                format!(
                    "start: it is {} ago, and a tail begins at most {} ago (limits.query.max_range): \
                 begin later",
                    told(ago),
                    told(most)
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks a time from start to end.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub(crate) fn check_range(&self, range: Duration) -> Result<(), Beyond> {
        match self.max_range {
            Some(most) if range > most => Err(beyond(
                Flaw::Range,
                format!(
                    "start: it is {} before the end, and at most {} are answered at once \
                 (limits.query.max_range): ask for less at a time",
                    told(range),
                    told(most)
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks a step, and how many of it there are in a time from start to end. So many points as
    /// Prometheus and Loki count: the fraction of a step at the end is none.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub(crate) fn check_step(&self, step: Duration, range: Duration) -> Result<(), Beyond> {
        if let Some(least) = self.min_step
            && step < least
        {
            return Err(beyond(
                Flaw::Step,
                format!("step: it is {}, and {}", told(step), at_least(least)),
            ));
        }
        if let Some(most) = self.max_points {
            let points = range.as_nanos() / step.as_nanos().max(1);
            if points > u128::from(most.get()) {
                return Err(beyond(
                    Flaw::Points,
                    format!(
                        "step: from start to end there are {points} points, and at most {most} are \
                     answered (limits.query.max_points): choose a longer step, or a shorter time"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Checks how far a PromQL query looks back. `lookback` is how far it does for a sample, if the
    /// caller has said so.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub(crate) fn check_promql(
        &self,
        tree: &promql::Expr,
        lookback: Duration,
    ) -> Result<(), Beyond> {
        if self.max_range.is_none() && self.min_step.is_none() {
            return Ok(());
        }
        self.check_lookback(lookback)?;
        let mut wrong = Ok(());
        tree.for_each_range(Duration::ZERO, |around: Duration, range| {
            let checked = match range {
                Ranged::Selector(range) => self.check_brackets(around, range),
                Ranged::Subquery(range, step) => self
                    .check_subquery_step(step)
                    .and_then(|()| self.check_brackets(around, range))
                    .and_then(|together| {
                        self.check_look_back(together.saturating_add(lookback))?;
                        Ok(together)
                    }),
            };
            checked.unwrap_or_else(|sentence| {
                wrong = Err(sentence);
                around
            })
        });
        wrong
    }

    /// What is looked back with this range and those around it.
    fn check_brackets(&self, around: Duration, range: &DurationExpr) -> Result<Duration, Beyond> {
        let length = match (self.max_range, length(range)) {
            (Some(_), None) => return Err(unknown("limits.query.max_range")),
            (_, length) => length.unwrap_or_default(),
        };
        let together = around.saturating_add(length);
        self.check_look_back(together)?;
        Ok(together)
    }

    /// A subquery's step. One that is left out is the backend's own, which is set there and not known
    /// here. It is not written in the caller's stead either: what a subquery counts or adds up
    /// depends on it, and a number that quietly means something else is worse than a refusal.
    fn check_subquery_step(&self, step: Option<&DurationExpr>) -> Result<(), Beyond> {
        let Some(least) = self.min_step else {
            return Ok(());
        };
        let Some(step) = step else {
            return Err(beyond(
                Flaw::Step,
                format!(
                    "query: a subquery without a step takes the backend's own, which is not known here, \
                 and a step {}: write it behind the colon, as in [1h:5m]",
                    at_least(least)
                ),
            ));
        };
        match length_of_step(step) {
            None => Err(unknown("limits.query.min_step")),
            Some(step) if step < least => Err(beyond(
                Flaw::Step,
                format!(
                    "query: a subquery's step is {}, and {}",
                    told(step),
                    at_least(least)
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    fn check_lookback(&self, lookback: Duration) -> Result<(), Beyond> {
        match self.max_range {
            Some(most) if lookback > most => Err(beyond(
                Flaw::Range,
                format!(
                    "lookback_delta: it is {}, and may be at most {} (limits.query.max_range)",
                    told(lookback),
                    told(most)
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks how far a LogQL query looks back.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub(crate) fn check_logql(&self, tree: &logql::Expr) -> Result<(), Beyond> {
        if self.max_range.is_none() {
            return Ok(());
        }
        let mut longest = Duration::ZERO;
        tree.for_each_range(|range| longest = longest.max(range.range.to_std()));
        self.check_look_back(longest)
    }

    fn check_look_back(&self, back: Duration) -> Result<(), Beyond> {
        match self.max_range {
            Some(most) if back > most => Err(beyond(
                Flaw::Range,
                format!(
                    "query: in brackets it looks back {}, and may at most {} (limits.query.max_range)",
                    told(back),
                    told(most)
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

impl Default for Bounds {
    /// As many points as Prometheus and Loki answer, and otherwise what the backends allow.
    fn default() -> Self {
        Self {
            max_points: NonZeroU32::new(BACKENDS_POINTS),
            ..Self::UNLIMITED
        }
    }
}

/// How long it is, if that is written there and not calculated.
fn length(duration: &DurationExpr) -> Option<Duration> {
    match duration {
        DurationExpr::Literal(literal) => Some(literal.to_std()),
        DurationExpr::Step
        | DurationExpr::Range
        | DurationExpr::Unary(..)
        | DurationExpr::Binary(..)
        | DurationExpr::Min(..)
        | DurationExpr::Max(..)
        | DurationExpr::Paren(_) => None,
    }
}

/// Likewise; the query's own step is within the limits as it is.
fn length_of_step(step: &DurationExpr) -> Option<Duration> {
    match step {
        DurationExpr::Step => Some(Duration::MAX),
        DurationExpr::Literal(_)
        | DurationExpr::Range
        | DurationExpr::Unary(..)
        | DurationExpr::Binary(..)
        | DurationExpr::Min(..)
        | DurationExpr::Max(..)
        | DurationExpr::Paren(_) => length(step),
    }
}

fn unknown(limit: &str) -> Beyond {
    let sentence = format!(
        "query: a duration in brackets is calculated, so that it is not known here whether it is \
         within {limit}: write out how long it is"
    );
    beyond(Flaw::Calculated, sentence)
}

fn at_least(least: Duration) -> String {
    format!("must be at least {} (limits.query.min_step)", told(least))
}

fn told(duration: Duration) -> impl Display {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{duration:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn promql(bounds: Bounds, query: &str) -> Result<(), Beyond> {
        bounds.check_promql(&promql::parse(query).unwrap(), Duration::ZERO)
    }

    #[test]
    fn as_many_points_are_answered_as_prometheus_and_loki_answer() {
        let bounds = Bounds::default();
        let second = Duration::from_secs(1);
        assert_eq!(bounds.check_step(second, second * 11_000), Ok(()));
        // A fraction of a step is no point.
        let fraction = Duration::from_millis(999);
        assert_eq!(
            bounds.check_step(second, second * 11_000 + fraction),
            Ok(())
        );
        let sentence = bounds
            .check_step(second, second * 11_001)
            .unwrap_err()
            .sentence;
        assert_eq!(
            sentence,
            "step: from start to end there are 11001 points, and at most 11000 are answered \
             (limits.query.max_points): choose a longer step, or a shorter time"
        );
        assert_eq!(bounds.check_range(DAY * 3650), Ok(()));
        assert_eq!(promql(bounds, "rate(up[10y])"), Ok(()));
        assert_eq!(
            Bounds::UNLIMITED.check_step(Duration::from_millis(1), DAY * 3650),
            Ok(())
        );
    }

    #[test]
    fn steps_below_the_least_are_refused_also_of_subqueries() {
        let bounds = Bounds {
            min_step: Some(Duration::from_secs(15)),
            ..Bounds::UNLIMITED
        };
        let hour = Duration::from_hours(1);
        assert_eq!(bounds.check_step(Duration::from_secs(15), hour), Ok(()));
        assert_eq!(
            bounds
                .check_step(Duration::from_secs(14), hour)
                .unwrap_err()
                .sentence,
            "step: it is 14s, and must be at least 15s (limits.query.min_step)"
        );
        for query in [
            "max_over_time(up[1h:15s])",
            "max_over_time(up[1h:step()])",
            "rate(up[1h + 1h])",
        ] {
            assert_eq!(promql(bounds, query), Ok(()), "{query}");
        }
        for (query, wrong) in [
            ("max_over_time(up[1h:1s])", "a subquery's step is 1s"),
            ("sum(-max_over_time(up[1h:14s])) + vector(1)", "is 14s"),
            ("max_over_time(up[1h:1s + 1s])", "calculated"),
            ("max_over_time(up[1h:])", "without a step"),
            ("max_over_time(max_over_time(up[1h:])[1h:1m])", "[1h:5m]"),
        ] {
            let sentence = promql(bounds, query).unwrap_err().sentence;
            assert!(sentence.contains(wrong), "{query}: {sentence}");
            assert!(sentence.contains("limits.query.min_step"), "{sentence}");
        }
    }

    #[test]
    fn no_query_looks_back_further_than_it_may() {
        let bounds = Bounds {
            max_range: Some(DAY * 30),
            ..Bounds::UNLIMITED
        };
        assert_eq!(bounds.check_range(DAY * 30), Ok(()));
        assert_eq!(
            bounds.check_range(DAY * 40).unwrap_err().sentence,
            "start: it is 960h before the end, and at most 720h are answered at once \
             (limits.query.max_range): ask for less at a time"
        );
        for query in [
            "up",
            "rate(up[30d])",
            "up offset 90d",
            "rate(up[20d]) / rate(up[20d])",
            "max_over_time(rate(up[10d])[20d:1h])",
        ] {
            assert_eq!(promql(bounds, query), Ok(()), "{query}");
        }
        for (query, wrong) in [
            ("rate(up[31d])", "looks back 744h, and may at most 720h"),
            ("up + sum by (x) (-rate(up[31d]))", "744h"),
            ("rate(up[31d]) + up", "744h"),
            ("max_over_time(up[31d:1h])", "744h"),
            // Each is short enough, and together they are not.
            ("max_over_time(rate(up[11d])[20d:1h])", "744h"),
            ("max_over_time((up + rate(up[1d]))[15d:1h])[15d:1h]", "744h"),
            ("rate(up[1d * 40])", "calculated"),
            ("rate(up[range()])", "calculated"),
        ] {
            let sentence = promql(bounds, query).unwrap_err().sentence;
            assert!(sentence.contains(wrong), "{query}: {sentence}");
            assert!(sentence.contains("limits.query.max_range"), "{sentence}");
        }
        let looking =
            |query, lookback| bounds.check_promql(&promql::parse(query).unwrap(), lookback);
        assert_eq!(looking("up", DAY * 30), Ok(()));
        assert_eq!(looking("rate(up[30d])", DAY), Ok(()));
        assert_eq!(looking("max_over_time(up[29d:1h])", DAY), Ok(()));
        for (query, lookback, wrong) in [
            ("up", DAY * 31, "lookback_delta: it is 744h, and may be"),
            ("max_over_time(up[30d:1h])", DAY, "looks back 744h"),
        ] {
            let sentence = looking(query, lookback).unwrap_err().sentence;
            assert!(sentence.contains(wrong), "{query}: {sentence}");
        }
        let logql = |query| bounds.check_logql(&logql::parse(query).unwrap());
        assert_eq!(logql(r#"{a="b"}"#), Ok(()));
        assert_eq!(logql(r#"sum(rate({a="b"}[30d]))"#), Ok(()));
        for query in [
            r#"sum(rate({a="b"}[31d]))"#,
            r#"rate({a="b"}[1d]) / rate({a="b"}[31d])"#,
        ] {
            let sentence = logql(query).unwrap_err().sentence;
            assert!(
                sentence.contains("744h, and may at most 720h"),
                "{sentence}"
            );
        }
    }
}
