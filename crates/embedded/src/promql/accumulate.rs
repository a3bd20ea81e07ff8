//! What an aggregation keeps of a group's values at one step.

use query::promql::ast::AggregateOp;

use super::kahan::{Mean, Sum};
use super::series::Operand;
use crate::histogram::{Histogram, HistogramSum, Incompatible};

/// What is known of a group at a step.
#[derive(Clone, Debug)]
pub(super) enum State {
    Sum(Sum),
    Avg(Mean),
    Count(f64),
    Min(f64),
    Max(f64),
    Group,
    Variance(Variance),
    Deviation(Variance),
    HistogramSum(Box<HistogramSum>),
    HistogramAvg(Box<HistogramSum>),
    /// Numbers and histograms, which have no sum. Whether bounds of histograms were reconciled before
    /// is told nevertheless, here and below.
    Mixed(bool),
    /// Histograms that do not fit together.
    Unfit(bool),
}

/// What is to be told of a group at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) mixed: bool,
    pub(super) collides: bool,
    pub(super) reconciled: bool,
}

impl State {
    pub(super) fn starting_with(op: AggregateOp, value: f64) -> Self {
        match op {
            AggregateOp::Sum => Self::Sum(Sum::starting_with(value)),
            AggregateOp::Avg => {
                let mut mean = Mean::default();
                mean.add(value);
                Self::Avg(mean)
            }
            AggregateOp::Count => Self::Count(1.0),
            AggregateOp::Min => Self::Min(value),
            AggregateOp::Max => Self::Max(value),
            AggregateOp::Stddev => Self::Deviation(Variance::starting_with(value)),
            AggregateOp::Stdvar => Self::Variance(Variance::starting_with(value)),
            // The caller folds no other operator.
            AggregateOp::Group
            | AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::CountValues
            | AggregateOp::Quantile
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio => Self::Group,
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        match self {
            Self::Sum(sum) => sum.add(value),
            Self::Avg(mean) => mean.add(value),
            Self::Count(count) => *count += 1.0,
            Self::Min(min) => {
                if *min > value || min.is_nan() {
                    *min = value;
                }
            }
            Self::Max(max) => {
                if *max < value || max.is_nan() {
                    *max = value;
                }
            }
            Self::Variance(variance) | Self::Deviation(variance) => variance.add(value),
            Self::HistogramSum(sum) | Self::HistogramAvg(sum) => {
                *self = Self::Mixed(sum.reconciled);
            }
            Self::Group | Self::Mixed(_) | Self::Unfit(_) => {}
        }
    }

    /// The state of a group whose first value is a histogram; `None` where the aggregation has no
    /// use for one.
    pub(super) fn starting_with_histogram(op: AggregateOp, first: &Histogram) -> Option<Self> {
        let sum = || Box::new(HistogramSum::starting_with(first));
        match op {
            AggregateOp::Sum => Some(Self::HistogramSum(sum())),
            AggregateOp::Avg => Some(Self::HistogramAvg(sum())),
            AggregateOp::Count => Some(Self::Count(1.0)),
            AggregateOp::Group => Some(Self::Group),
            AggregateOp::Min
            | AggregateOp::Max
            | AggregateOp::Stddev
            | AggregateOp::Stdvar
            | AggregateOp::Topk
            | AggregateOp::Bottomk
            | AggregateOp::CountValues
            | AggregateOp::Quantile
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio => None,
        }
    }

    pub(super) fn add_histogram(&mut self, value: &Histogram) -> Result<(), Incompatible> {
        let reconciled = match self {
            Self::HistogramSum(sum) | Self::HistogramAvg(sum) => sum.reconciled,
            Self::Sum(_)
            | Self::Avg(_)
            | Self::Count(_)
            | Self::Min(_)
            | Self::Max(_)
            | Self::Group
            | Self::Variance(_)
            | Self::Deviation(_)
            | Self::Mixed(_)
            | Self::Unfit(_) => false,
        };
        let added = match self {
            Self::HistogramSum(sum) => sum.add(value),
            Self::HistogramAvg(sum) => sum.add_to_mean(value),
            Self::Sum(_) | Self::Avg(_) => {
                *self = Self::Mixed(false);
                Ok(())
            }
            Self::Count(count) => {
                *count += 1.0;
                Ok(())
            }
            Self::Min(_)
            | Self::Max(_)
            | Self::Group
            | Self::Variance(_)
            | Self::Deviation(_)
            | Self::Mixed(_)
            | Self::Unfit(_) => Ok(()),
        };
        if added.is_err() {
            *self = Self::Unfit(reconciled);
        }
        added
    }

    /// What the group comes to, if anything, and what is to be told of it.
    pub(super) fn finish(self) -> (Option<Operand>, Findings) {
        let float = |value| (Some(Operand::Float(value)), Findings::default());
        let histogram = |sum: HistogramSum, finish: fn(HistogramSum) -> Histogram| {
            let findings = Findings {
                mixed: false,
                collides: sum.collides(),
                reconciled: sum.reconciled,
            };
            let mut result = finish(sum);
            result.compact();
            (Some(Operand::histogram(result)), findings)
        };
        match self {
            Self::Sum(sum) => float(sum.value()),
            Self::Avg(mean) => float(mean.value()),
            Self::Count(value) | Self::Min(value) | Self::Max(value) => float(value),
            Self::Group => float(1.0),
            Self::Variance(variance) => float(variance.value()),
            Self::Deviation(variance) => float(variance.value().sqrt()),
            Self::HistogramSum(sum) => histogram(*sum, HistogramSum::sum),
            Self::HistogramAvg(sum) => histogram(*sum, HistogramSum::mean),
            Self::Unfit(reconciled) => (None, without_result(false, reconciled)),
            Self::Mixed(reconciled) => (None, without_result(true, reconciled)),
        }
    }
}

fn without_result(mixed: bool, reconciled: bool) -> Findings {
    Findings {
        mixed,
        reconciled,
        collides: false,
    }
}

/// A running variance, after Welford.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Variance {
    fn starting_with(value: f64) -> Self {
        Self {
            count: 1.0,
            mean: value,
            squares: if value.is_finite() { 0.0 } else { f64::NAN },
        }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn value(self) -> f64 {
        self.squares / self.count
    }
}
