//! Operations between metric queries.

use gateway::query::SmallStr;
use gateway::query::logql::ast::{
    Binary, BinaryOp, Group, Grouping, MetricExpr, VectorAggregation, VectorMatching, VectorOp,
};

use super::metric::LABELS;
use super::{BinaryOpKind, Logql};
use crate::matchers::labels;
use crate::vocabulary::RESOURCE;

/// How two operands belong together.
#[derive(Clone, Copy)]
enum Form {
    /// A metric query and a number.
    WithNumber,
    /// `and`, `or`, `unless` of any two.
    Sets,
    /// Two aggregations by the same labels.
    Groups,
    /// Many series and one for each of their groups, with `group_left` or `group_right`.
    Join,
}

impl Logql<'_> {
    /// An operation on queries of at most so many levels.
    pub(super) fn binary(&mut self, depth: usize) -> MetricExpr {
        let forms = [Form::WithNumber, Form::Sets, Form::Groups, Form::Join];
        let form = self.dice.weighted(&forms, |form| match form {
            Form::WithNumber | Form::Sets | Form::Groups => 3,
            Form::Join => 1,
        });
        let set = matches!(form, Form::Sets);
        let op = self.operator(set);
        let (matching, lhs, rhs) = match form {
            Form::WithNumber => {
                let (query, literal) = (self.metric(depth), self.literal());
                if self.dice.chance(70) {
                    (None, query, literal)
                } else {
                    (None, literal, query)
                }
            }
            Form::Sets => {
                let on = self.dice.chance(50);
                let labels = labels(self.dice, LABELS, 2);
                let matching = (on || !labels.is_empty()).then_some(VectorMatching {
                    on,
                    labels,
                    group: None,
                });
                let matching = matching.filter(|_| self.dice.chance(60));
                (matching, self.metric(depth), self.metric(depth))
            }
            Form::Groups => self.groups(depth),
            Form::Join => self.join(depth),
        };
        let comparison = match op {
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::Lt
            | BinaryOp::Le => true,
            BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Unless
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Pow => false,
        };
        MetricExpr::Binary(Box::new(Binary {
            op,
            return_bool: comparison && self.dice.chance(40),
            matching,
            lhs,
            rhs,
        }))
    }

    fn operator(&mut self, set: bool) -> BinaryOp {
        let kind = self.dice.weighted(BinaryOpKind::ALL, |kind| match kind {
            BinaryOpKind::Or | BinaryOpKind::And | BinaryOpKind::Unless => u32::from(set),
            BinaryOpKind::Add
            | BinaryOpKind::Sub
            | BinaryOpKind::Mul
            | BinaryOpKind::Div
            | BinaryOpKind::Mod
            | BinaryOpKind::Pow
            | BinaryOpKind::Eq
            | BinaryOpKind::Ne
            | BinaryOpKind::Gt
            | BinaryOpKind::Ge
            | BinaryOpKind::Lt
            | BinaryOpKind::Le => u32::from(!set),
        });
        self.census.saw(kind);
        kind.op()
    }

    fn groups(&mut self, depth: usize) -> (Option<VectorMatching>, MetricExpr, MetricExpr) {
        let grouped = self.grouped_by();
        let lhs = self.metric(depth);
        let rhs = self.metric(depth);
        let matching = match self.dice.below(4) {
            0 | 1 => None,
            2 => Some((true, grouped.clone())),
            // All that it has is of one resource, so that leaving its label out changes nothing.
            _ => Some((false, vec![RESOURCE.into()])),
        };
        let matching = matching.map(|(on, labels)| VectorMatching {
            on,
            labels,
            group: None,
        });
        (matching, sum(lhs, &grouped), sum(rhs, &grouped))
    }

    fn join(&mut self, depth: usize) -> (Option<VectorMatching>, MetricExpr, MetricExpr) {
        let one = self.metric(depth);
        let many = self.metric(depth);
        let many = sum(many, &["app", "pod"].map(SmallStr::from));
        let one = sum(one, &["pod", RESOURCE].map(SmallStr::from));
        let right = self.dice.chance(40);
        let include = self.dice.chance(50).then(|| RESOURCE.into());
        let matching = VectorMatching {
            on: true,
            labels: vec!["pod".into()],
            group: Some(Group {
                right,
                include: include.into_iter().collect(),
            }),
        };
        if right {
            (Some(matching), one, many)
        } else {
            (Some(matching), many, one)
        }
    }

    /// At least one label.
    fn grouped_by(&mut self) -> Vec<SmallStr> {
        let mut labels = labels(self.dice, LABELS, 2);
        if labels.is_empty() {
            labels.push(RESOURCE.into());
        }
        labels
    }
}

fn sum(expr: MetricExpr, by: &[SmallStr]) -> MetricExpr {
    MetricExpr::Vector(Box::new(VectorAggregation {
        op: VectorOp::Sum,
        param: None,
        expr,
        grouping: Some(Grouping {
            without: false,
            labels: by.to_vec(),
        }),
    }))
}
