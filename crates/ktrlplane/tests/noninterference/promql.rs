//! PromQL queries at random: well-typed trees over the names that the data have.

mod binary;
mod call;
mod duration;
mod kinds;
mod selector;

use gateway::query::promql::ast::{
    Aggregate, AggregateOp, Expr, Grouping, MatrixSelector, Subquery, UnaryOp, ValueType,
};

use crate::census::Census;
use crate::dice::Dice;
use crate::matchers::{labels, number};
use crate::vocabulary::RESOURCE;
pub(crate) use kinds::{AtKind, BinaryOpKind, DurationKind, ExprKind};

/// Labels to group by.
const LABELS: &[&str] = &[
    "pod",
    "pod",
    "method",
    "code",
    "env",
    "path",
    "le",
    "version",
    "http.method",
    "__name__",
];

/// Generates one query.
pub(crate) struct Promql<'a> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) census: &'a mut Census,
    /// Whether `absent` and `absent_over_time` lose the label that they report of a scoped query.
    pub(crate) neutral: bool,
    /// Whether either of them is in the query.
    pub(crate) absent: bool,
}

impl Promql<'_> {
    /// A query; with `instant`, one of a type that a range query may not have, too.
    pub(crate) fn query(&mut self, instant: bool) -> Expr {
        use ValueType::{InstantVector, RangeVector, Scalar, String};
        let wanted =
            self.dice.weighted(
                &[InstantVector, Scalar, RangeVector, String],
                |kind| match kind {
                    InstantVector => 93,
                    Scalar => 3,
                    RangeVector if instant => 8,
                    String if instant => 3,
                    RangeVector | String => 0,
                },
            );
        let depth = self.dice.weighted(&[0, 1, 2, 3], |depth| match depth {
            0 => 10,
            1 => 30,
            2 => 40,
            _ => 20,
        });
        self.expr(wanted, depth)
    }

    /// An expression of this type, of at most so many levels.
    fn expr(&mut self, wanted: ValueType, depth: usize) -> Expr {
        let kind = self
            .dice
            .weighted(ExprKind::ALL, |kind| kind.weight(wanted, depth));
        self.census.saw(kind);
        let below = depth.saturating_sub(1);
        match kind {
            ExprKind::Number => Expr::Number(self.number()),
            ExprKind::String => Expr::String(self.dice.pick(&["x", "", "a\"b\\\n", "é"]).into()),
            ExprKind::Vector => Expr::Vector(Box::new(self.selector())),
            ExprKind::Matrix => Expr::Matrix(Box::new(self.matrix())),
            ExprKind::Subquery => Expr::Subquery(Box::new(self.subquery(below))),
            ExprKind::Paren => Expr::Paren(Box::new(self.expr(wanted, below))),
            ExprKind::Unary => {
                let sign = self.dice.pick(&[UnaryOp::Minus, UnaryOp::Plus]);
                Expr::Unary(sign, Box::new(self.expr(wanted, below)))
            }
            ExprKind::Binary => self.binary(wanted, depth),
            ExprKind::Aggregate => {
                let inner = self.vector(below);
                Expr::Aggregate(Box::new(self.aggregate(inner)))
            }
            ExprKind::Call => self.call(wanted, depth),
        }
    }

    fn vector(&mut self, depth: usize) -> Expr {
        self.expr(ValueType::InstantVector, depth)
    }

    fn scalar(&mut self, depth: usize) -> Expr {
        self.expr(ValueType::Scalar, depth)
    }

    fn range(&mut self, depth: usize) -> Expr {
        self.expr(ValueType::RangeVector, depth)
    }

    fn number(&mut self) -> gateway::query::number::Number {
        let texts = ["0", "1", "2", "5", "0.5", "-1", "100", "1e3", "NaN", "Inf"];
        number(self.dice.pick(&texts))
    }

    fn matrix(&mut self) -> MatrixSelector {
        MatrixSelector {
            selector: self.selector(),
            range: self.range_duration(),
        }
    }

    fn subquery(&mut self, depth: usize) -> Subquery {
        Subquery {
            expr: self.vector(depth),
            range: self.range_duration(),
            step: self.dice.chance(70).then(|| self.step_duration()),
            modifiers: self.modifiers(),
        }
    }

    /// An aggregation of `inner`.
    fn aggregate(&mut self, inner: Expr) -> Aggregate {
        let op = self
            .dice
            .weighted(AggregateOp::ALL.as_slice(), |op| match op {
                AggregateOp::Sum => 60,
                AggregateOp::Avg
                | AggregateOp::Count
                | AggregateOp::Min
                | AggregateOp::Max
                | AggregateOp::Group
                | AggregateOp::Stddev
                | AggregateOp::Stdvar
                | AggregateOp::Topk
                | AggregateOp::Bottomk
                | AggregateOp::CountValues
                | AggregateOp::Quantile => 20,
                // The embedded backend does not have them.
                AggregateOp::Limitk | AggregateOp::LimitRatio => 2,
            });
        self.census.saw(op);
        let param = op.param_type().map(|kind| match kind {
            ValueType::String => {
                let label = self.dice.pick(&["value", RESOURCE, "pod", "http.value"]);
                Expr::String(label.into())
            }
            ValueType::Scalar | ValueType::InstantVector | ValueType::RangeVector => {
                let text = match op {
                    AggregateOp::Quantile => self.dice.pick(&["0", "0.5", "0.9", "1"]),
                    AggregateOp::LimitRatio => self.dice.pick(&["0.5", "-0.5"]),
                    AggregateOp::Topk
                    | AggregateOp::Bottomk
                    | AggregateOp::Limitk
                    | AggregateOp::Sum
                    | AggregateOp::Avg
                    | AggregateOp::Count
                    | AggregateOp::Min
                    | AggregateOp::Max
                    | AggregateOp::Group
                    | AggregateOp::Stddev
                    | AggregateOp::Stdvar
                    | AggregateOp::CountValues => self.dice.pick(&["1", "2", "3", "10"]),
                };
                Expr::Number(number(text))
            }
        });
        Aggregate {
            op,
            param,
            expr: inner,
            grouping: self.grouping(),
        }
    }

    fn grouping(&mut self) -> Option<Grouping> {
        let without = match self.dice.below(10) {
            0..=2 => return None,
            3..=7 => false,
            _ => true,
        };
        let labels = labels(self.dice, LABELS, 2);
        (without || !labels.is_empty()).then_some(Grouping { without, labels })
    }
}
