//! Operations: in forms in which the series of both sides find each other more often than not.

use gateway::query::SmallStr;
use gateway::query::promql::ast::{
    Aggregate, AggregateOp, Binary, BinaryOp, Call, Expr, Fill, Group, Grouping, MatrixSelector,
    Side, ValueType, VectorMatching,
};
use gateway::query::promql::functions::Function;

use super::kinds::BinaryOpKind;
use super::{LABELS, Promql};
use crate::matchers::{labels, number};
use crate::vocabulary::{Measure, RESOURCE};

/// How two operands belong together.
#[derive(Clone, Copy)]
enum Form {
    /// A vector and a scalar, in either order.
    WithScalar,
    /// `and`, `or`, `unless` of any two vectors.
    Sets,
    /// Two vectors of the same series.
    Twins,
    /// Two aggregations by the same labels.
    Groups,
    /// Many series and the pod's build, with `group_left` or `group_right`.
    Join,
    /// Any two vectors with any matching, which mostly do not match or match too much.
    Any,
}

impl Promql<'_> {
    /// An operation that evaluates to a scalar or an instant vector.
    pub(super) fn binary(&mut self, wanted: ValueType, depth: usize) -> Expr {
        let below = depth.saturating_sub(1);
        if wanted == ValueType::Scalar {
            let op = self.operator(false);
            let (lhs, rhs) = (self.scalar(below), self.scalar(below));
            return operation(op, op.is_comparison(), None, lhs, rhs);
        }
        let forms = [
            Form::WithScalar,
            Form::Sets,
            Form::Twins,
            Form::Groups,
            Form::Join,
            Form::Any,
        ];
        let form = self.dice.weighted(&forms, |form| match form {
            Form::WithScalar => 12,
            Form::Sets | Form::Twins | Form::Groups => 10,
            Form::Join => 8,
            Form::Any => 1,
        });
        let set = matches!(form, Form::Sets);
        let op = self.operator(set);
        let (matching, lhs, rhs) = match form {
            Form::WithScalar => {
                let (vector, scalar) = (self.vector(below), self.scalar(below.min(1)));
                if self.dice.chance(70) {
                    (None, vector, scalar)
                } else {
                    (None, scalar, vector)
                }
            }
            Form::Sets => {
                let matching = self.dice.chance(60).then(|| self.matching());
                (matching.flatten(), self.vector(below), self.vector(below))
            }
            Form::Twins => self.twins(),
            Form::Groups => self.groups(below),
            Form::Join => self.join(),
            Form::Any => {
                let mut matching = self.matching();
                if let Some(matching) = &mut matching
                    && self.dice.chance(50)
                {
                    matching.group = Some(Group {
                        side: self.dice.pick(&[Side::Left, Side::Right]),
                        include: vec!["version".into()],
                    });
                }
                (matching, self.vector(below), self.vector(below))
            }
        };
        // The parser wants `bool` where a comparison has a scalar on both sides, and nowhere else.
        let return_bool = op.is_comparison() && self.dice.chance(40);
        operation(op, return_bool, matching, lhs, rhs)
            .filled(self.dice.below(300) == 0 && !set && !matches!(form, Form::WithScalar))
    }

    fn operator(&mut self, set: bool) -> BinaryOp {
        let kind = self
            .dice
            .weighted(BinaryOpKind::ALL, |kind| kind.weight(set));
        self.census.saw(kind);
        kind.op()
    }

    fn matching(&mut self) -> Option<VectorMatching> {
        let on = self.dice.chance(50);
        let labels = labels(self.dice, LABELS, 2);
        (on || !labels.is_empty()).then_some(VectorMatching {
            on,
            labels,
            group: None,
        })
    }

    fn twins(&mut self) -> (Option<VectorMatching>, Expr, Expr) {
        let measure = self
            .dice
            .pick(&[Measure::Counter, Measure::Gauge, Measure::Histogram]);
        let selector = self.selector_measuring(measure);
        let range = self.range_duration();
        let mut side = |selector| match self.dice.below(4) {
            0 => Expr::Vector(Box::new(selector)),
            1 => call(Function::Abs, Expr::Vector(Box::new(selector))),
            2 => call(
                Function::Rate,
                Expr::Matrix(Box::new(MatrixSelector {
                    selector,
                    range: range.clone(),
                })),
            ),
            _ => call(
                Function::MaxOverTime,
                Expr::Matrix(Box::new(MatrixSelector {
                    selector,
                    range: range.clone(),
                })),
            ),
        };
        let (lhs, rhs) = (side(selector.clone()), side(selector));
        let matching = match self.dice.below(4) {
            0 | 1 => None,
            2 => Some((false, vec![RESOURCE])),
            _ => {
                let all = vec![
                    "pod",
                    "method",
                    "code",
                    "path",
                    "env",
                    "le",
                    "version",
                    "http.method",
                ];
                Some((true, all))
            }
        };
        (matching.map(|(on, labels)| by(on, &labels)), lhs, rhs)
    }

    fn groups(&mut self, depth: usize) -> (Option<VectorMatching>, Expr, Expr) {
        let mut grouped: Vec<SmallStr> = labels(self.dice, LABELS, 2);
        if grouped.is_empty() {
            grouped.push(RESOURCE.into());
        }
        let names: Vec<&str> = grouped.iter().map(SmallStr::as_str).collect();
        let matching = match self.dice.below(4) {
            0 | 1 => None,
            2 => Some(by(true, &names)),
            // All that it has is of one resource, so that leaving its label out changes nothing.
            _ => Some(by(false, &[RESOURCE])),
        };
        let mut side = |depth| {
            let inner = self.vector(depth);
            let mut aggregate = self.aggregate(inner);
            if matches!(
                aggregate.op,
                AggregateOp::Topk
                    | AggregateOp::Bottomk
                    | AggregateOp::Limitk
                    | AggregateOp::LimitRatio
                    | AggregateOp::CountValues
            ) {
                aggregate.op = AggregateOp::Sum;
                aggregate.param = None;
            }
            Expr::Aggregate(Box::new(Aggregate {
                grouping: Some(Grouping {
                    without: false,
                    labels: grouped.clone(),
                }),
                ..aggregate
            }))
        };
        let (lhs, rhs) = (side(depth), side(depth));
        (matching, lhs, rhs)
    }

    fn join(&mut self) -> (Option<VectorMatching>, Expr, Expr) {
        let measure = self.dice.pick(&[Measure::Counter, Measure::Gauge]);
        let many = Expr::Vector(Box::new(self.selector_measuring(measure)));
        let one = Expr::Vector(Box::new(self.selector_measuring(Measure::Info)));
        let (on, include): (&[&str], &[&str]) = match self.dice.below(4) {
            0 => (&["pod"], &["version"]),
            1 => (&["pod", RESOURCE], &["version"]),
            2 => (&["pod"], &["version", RESOURCE]),
            _ => (&["pod"], &[]),
        };
        let mut matching = by(true, on);
        let side = self.dice.pick(&[Side::Left, Side::Right]);
        matching.group = Some(Group {
            side,
            include: include.iter().map(|label| (*label).into()).collect(),
        });
        match side {
            Side::Left => (Some(matching), many, one),
            Side::Right => (Some(matching), one, many),
        }
    }
}

fn by(on: bool, labels: &[&str]) -> VectorMatching {
    VectorMatching {
        on,
        labels: labels.iter().map(|label| (*label).into()).collect(),
        group: None,
    }
}

fn call(function: Function, arg: Expr) -> Expr {
    Expr::Call(Call {
        function,
        args: vec![arg],
    })
}

fn operation(
    op: BinaryOp,
    return_bool: bool,
    matching: Option<VectorMatching>,
    lhs: Expr,
    rhs: Expr,
) -> Expr {
    Expr::Binary(Box::new(Binary {
        op,
        return_bool,
        matching,
        fill: Fill::default(),
        lhs,
        rhs,
    }))
}

/// With a value for missing partners, which the embedded backend does not have.
trait Filled {
    fn filled(self, fill: bool) -> Self;
}

impl Filled for Expr {
    fn filled(mut self, fill: bool) -> Self {
        if let Self::Binary(binary) = &mut self
            && fill
        {
            binary.fill.left = Some(number("0"));
        }
        self
    }
}
