//! What an aggregation keeps of a group's values at one step.

use query::promql::ast::AggregateOp;

use super::kahan::{Mean, Sum};

/// What is known of a group at a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Sum(Sum),
    Avg(Mean),
    Count(f64),
    Min(f64),
    Max(f64),
    Group,
    Variance(Variance),
    Deviation(Variance),
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
            Self::Group => {}
            Self::Variance(variance) | Self::Deviation(variance) => variance.add(value),
        }
    }

    pub(super) fn value(self) -> f64 {
        match self {
            Self::Sum(sum) => sum.value(),
            Self::Avg(mean) => mean.value(),
            Self::Count(value) | Self::Min(value) | Self::Max(value) => value,
            Self::Group => 1.0,
            Self::Variance(variance) => variance.value(),
            Self::Deviation(variance) => variance.value().sqrt(),
        }
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
