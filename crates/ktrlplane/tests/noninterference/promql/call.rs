//! Calls: of every function that there is, by its signature.

use gateway::query::promql::ast::{
    Aggregate, AggregateOp, Call, Expr, Grouping, MatrixSelector, ValueType,
};
use gateway::query::promql::functions::Function;

use super::Promql;
use crate::matchers::number;
use crate::vocabulary::{Measure, RESOURCE};

/// How often a function is called.
fn weight(function: Function) -> u32 {
    use Function as F;
    let signature = function.signature();
    // Answers with nothing for the histograms that the data have.
    let native = [
        F::HistogramAvg,
        F::HistogramCount,
        F::HistogramStddev,
        F::HistogramStdvar,
        F::HistogramSum,
    ];
    let often = [
        F::Absent,
        F::AbsentOverTime,
        F::HistogramQuantile,
        F::Rate,
        F::Increase,
    ];
    if signature.experimental {
        // The embedded backend does not have them; `info` is refused by the parser. Scalars are
        // wanted least, and none of them may be missed by chance.
        if signature.returns == ValueType::Scalar {
            36
        } else {
            18
        }
    } else if native.contains(&function) {
        16
    } else if matches!(function, F::LabelReplace | F::LabelJoin) {
        120
    } else if often.contains(&function) {
        90
    } else {
        30
    }
}

impl Promql<'_> {
    /// A call of a function that returns this type.
    pub(super) fn call(&mut self, wanted: ValueType, depth: usize) -> Expr {
        let function = self.dice.weighted(Function::ALL, |function| {
            u32::from(function.signature().returns == wanted) * weight(function)
        });
        self.census.saw(function);
        let below = depth.saturating_sub(1);
        // Where the texts or the series have to be of a kind that the signature does not tell.
        let args = if function == Function::LabelReplace {
            self.label_replace(below)
        } else if function == Function::LabelJoin {
            self.label_join(below)
        } else if function == Function::HistogramQuantile {
            let quantile = number(self.dice.pick(&["0", "0.5", "0.95", "1.5"]));
            vec![Expr::Number(quantile), self.buckets()]
        } else if function == Function::HistogramFraction {
            let [low, high] = ["0", "1"].map(|text| Expr::Number(number(text)));
            vec![low, high, self.buckets()]
        } else if function == Function::QuantileOverTime {
            let quantile = number(self.dice.pick(&["0", "0.5", "0.95"]));
            vec![Expr::Number(quantile), self.range(below)]
        } else {
            self.arguments(function, below)
        };
        let call = Expr::Call(Call { function, args });
        let reports_labels = matches!(function, Function::Absent | Function::AbsentOverTime);
        self.absent |= reports_labels;
        if reports_labels && self.neutral {
            return without_resource(call);
        }
        call
    }

    fn arguments(&mut self, function: Function, depth: usize) -> Vec<Expr> {
        let signature = function.signature();
        let least = signature.min_args();
        let most = signature.max_args().unwrap_or(least + 2).min(least + 2);
        let count = least + self.dice.below(most - least + 1);
        (0..count)
            .filter_map(|index| signature.arg(index))
            .map(|kind| match kind {
                ValueType::Scalar => self.scalar(depth.min(1)),
                ValueType::String => Expr::String(self.dice.pick(&["pod", RESOURCE]).into()),
                ValueType::InstantVector => self.vector(depth),
                ValueType::RangeVector => self.range(depth),
            })
            .collect()
    }

    fn label_replace(&mut self, depth: usize) -> Vec<Expr> {
        // Destination, replacement, source, pattern.
        let texts = match self.dice.below(8) {
            0 => [RESOURCE, "", "", ""],
            1 => [RESOURCE, "shop-db", RESOURCE, ".*"],
            2 => ["copy", "$1", RESOURCE, "(.*)"],
            3 => ["copy", "${1}-$2", RESOURCE, "(.*)-(.*)"],
            4 => [RESOURCE, "$1", "pod", "pod-(.*)"],
            5 => ["copy", "mine", RESOURCE, "shop-api"],
            6 => ["copy", "$1", "__name__", "(.*)"],
            _ => ["pod", "$1", "pod", "pod-(.)"],
        };
        let vector = self.vector(depth);
        std::iter::once(vector)
            .chain(texts.map(|text| Expr::String(text.into())))
            .collect()
    }

    fn label_join(&mut self, depth: usize) -> Vec<Expr> {
        let texts = match self.dice.below(4) {
            0 => ["joined", "-", RESOURCE, "pod"],
            1 => [RESOURCE, "/", "pod", RESOURCE],
            2 => ["joined", "", "__name__", RESOURCE],
            _ => ["joined", "é", "pod", "unknown"],
        };
        let vector = self.vector(depth);
        std::iter::once(vector)
            .chain(texts.map(|text| Expr::String(text.into())))
            .collect()
    }

    /// Buckets of classic histograms, mostly as rates and sums.
    fn buckets(&mut self) -> Expr {
        let selector = self.selector_measuring(Measure::Histogram);
        if self.dice.chance(20) {
            return Expr::Vector(Box::new(selector));
        }
        let rate = Expr::Call(Call {
            function: Function::Rate,
            args: vec![Expr::Matrix(Box::new(MatrixSelector {
                selector,
                range: self.range_duration(),
            }))],
        });
        if self.dice.chance(40) {
            return rate;
        }
        let mut labels = vec!["le".into()];
        if self.dice.chance(50) {
            labels.push(self.dice.pick(&["pod", RESOURCE]).into());
        }
        Expr::Aggregate(Box::new(Aggregate {
            op: AggregateOp::Sum,
            param: None,
            expr: rate,
            grouping: Some(Grouping {
                without: false,
                labels,
            }),
        }))
    }
}

/// `expr`, which has one series at the most, without the resource's label.
fn without_resource(expr: Expr) -> Expr {
    Expr::Aggregate(Box::new(Aggregate {
        op: AggregateOp::Sum,
        param: None,
        expr,
        grouping: Some(Grouping {
            without: true,
            labels: vec![RESOURCE.into()],
        }),
    }))
}
