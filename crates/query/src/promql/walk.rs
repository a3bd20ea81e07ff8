//! Looking at a tree from outside: its selectors, and what it evaluates to.
//!
//! Nothing here recurses, so that the depth of a tree costs no stack.

use super::ast::{DurationExpr, Expr, ValueType, VectorSelector};
use crate::matcher::MatchOp;

/// A range in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranged<'a> {
    /// `[5m]` of a selector.
    Selector(&'a DurationExpr),
    /// `[1h:1m]` of a subquery, and its step, if it has one.
    Subquery(&'a DurationExpr, Option<&'a DurationExpr>),
}

impl Expr {
    /// Every selector of the tree, in the order of the text; but of an aggregation with a
    /// parameter, those of the vector come first, as in Prometheus's own walk.
    #[must_use]
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        let mut selectors = Vec::new();
        self.for_each_selector(|selector| selectors.push(selector));
        selectors
    }

    /// Calls `visit` with every selector of the tree, in the order of [`Expr::selectors`].
    pub fn for_each_selector<'a>(&'a self, mut visit: impl FnMut(&'a VectorSelector)) {
        let mut work = Vec::new();
        let mut next = Some(self);
        while let Some(expr) = next {
            match expr {
                Self::Vector(selector) => visit(selector),
                Self::Matrix(matrix) => visit(&matrix.selector),
                Self::Number(_)
                | Self::String(_)
                | Self::Subquery(_)
                | Self::Paren(_)
                | Self::Unary(..)
                | Self::Binary(_)
                | Self::Aggregate(_)
                | Self::Call(_) => expr.push_children(&mut work),
            }
            next = work.pop();
        }
    }

    /// Lets `change` see and change every selector of the tree, in the order of [`Expr::selectors`].
    pub fn for_each_selector_mut(&mut self, mut change: impl FnMut(&mut VectorSelector)) {
        let mut work = Vec::new();
        let mut next = Some(self);
        while let Some(expr) = next {
            match expr {
                Self::Vector(selector) => change(selector),
                Self::Matrix(matrix) => change(&mut matrix.selector),
                Self::Number(_)
                | Self::String(_)
                | Self::Subquery(_)
                | Self::Paren(_)
                | Self::Unary(..)
                | Self::Binary(_)
                | Self::Aggregate(_)
                | Self::Call(_) => expr.push_children_mut(&mut work),
            }
            next = work.pop();
        }
    }

    /// Calls `visit` with every range in brackets: of what it is, and what `visit` said of the range
    /// that it stands in, which for those that stand in none is `outermost`.
    pub fn for_each_range<'a, T: Copy>(
        &'a self,
        outermost: T,
        mut visit: impl FnMut(T, Ranged<'a>) -> T,
    ) {
        let mut work = vec![(self, outermost)];
        let mut children = Vec::new();
        while let Some((expr, around)) = work.pop() {
            let within = match expr {
                Self::Matrix(matrix) => visit(around, Ranged::Selector(&matrix.range)),
                Self::Subquery(subquery) => {
                    let step = subquery.step.as_ref();
                    visit(around, Ranged::Subquery(&subquery.range, step))
                }
                Self::Number(_)
                | Self::String(_)
                | Self::Vector(_)
                | Self::Paren(_)
                | Self::Unary(..)
                | Self::Binary(_)
                | Self::Aggregate(_)
                | Self::Call(_) => around,
            };
            expr.push_children(&mut children);
            work.extend(children.drain(..).map(|child| (child, within)));
        }
    }

    /// Appends the expressions that this one is made of, the last one of the text first.
    pub(super) fn push_children<'a>(&'a self, work: &mut Vec<&'a Self>) {
        match self {
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => {}
            Self::Subquery(subquery) => work.push(&subquery.expr),
            Self::Paren(inner) | Self::Unary(_, inner) => work.push(inner),
            Self::Binary(binary) => work.extend([&binary.rhs, &binary.lhs]),
            Self::Aggregate(aggregate) => {
                work.extend(&aggregate.param);
                work.push(&aggregate.expr);
            }
            Self::Call(call) => work.extend(call.args.iter().rev()),
        }
    }

    /// As [`Expr::push_children`], to change them.
    pub(super) fn push_children_mut<'a>(&'a mut self, work: &mut Vec<&'a mut Self>) {
        match self {
            Self::Number(_) | Self::String(_) | Self::Vector(_) | Self::Matrix(_) => {}
            Self::Subquery(subquery) => work.push(&mut subquery.expr),
            Self::Paren(inner) | Self::Unary(_, inner) => work.push(inner),
            Self::Binary(binary) => {
                let binary = &mut **binary;
                work.extend([&mut binary.rhs, &mut binary.lhs]);
            }
            Self::Aggregate(aggregate) => {
                let aggregate = &mut **aggregate;
                work.extend(&mut aggregate.param);
                work.push(&mut aggregate.expr);
            }
            Self::Call(call) => work.extend(call.args.iter_mut().rev()),
        }
    }

    /// What the expression evaluates to.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        let mut work = vec![self];
        // An operator gives a scalar when all its operands are scalars, and else a vector; what
        // only stands in parentheses or behind a sign keeps its type.
        let mut operators = false;
        let mut result = ValueType::Scalar;
        while let Some(expr) = work.pop() {
            let leaf = match expr {
                Self::Number(_) => ValueType::Scalar,
                Self::String(_) => ValueType::String,
                Self::Vector(_) | Self::Aggregate(_) => ValueType::InstantVector,
                Self::Matrix(_) | Self::Subquery(_) => ValueType::RangeVector,
                Self::Call(call) => call.function.signature().returns,
                Self::Paren(inner) | Self::Unary(_, inner) => {
                    work.push(inner);
                    continue;
                }
                Self::Binary(binary) => {
                    operators = true;
                    work.extend([&binary.rhs, &binary.lhs]);
                    continue;
                }
            };
            if !operators {
                return leaf;
            }
            if leaf != ValueType::Scalar {
                result = ValueType::InstantVector;
            }
        }
        result
    }
}

impl VectorSelector {
    /// Every matcher as label, operator and value: those in the braces, and then the name in front
    /// of them as `__name__`. That is Prometheus's order.
    pub fn all_matchers(&self) -> impl Iterator<Item = (&str, MatchOp, &[u8])> {
        let inside = self
            .matchers
            .iter()
            .map(|matcher| (matcher.name.as_str(), matcher.op, matcher.value.as_bytes()));
        let name = self.name.as_ref();
        inside.chain(name.map(|name| ("__name__", MatchOp::Equal, name.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse;

    /// The text of each range, behind those of the ranges that it stands in.
    fn ranges(query: &str) -> Vec<String> {
        let tree = parse(query).unwrap();
        let mut found: Vec<String> = Vec::new();
        tree.for_each_range(None, |around: Option<usize>, range| {
            let text = match range {
                Ranged::Selector(DurationExpr::Literal(range)) => range.text.to_string(),
                Ranged::Subquery(DurationExpr::Literal(range), step) => match step {
                    Some(DurationExpr::Literal(step)) => format!("{}:{}", range.text, step.text),
                    Some(_) => panic!("no literal"),
                    None => format!("{}:", range.text),
                },
                Ranged::Selector(_) | Ranged::Subquery(..) => panic!("no literal"),
            };
            let around = around.map_or(String::new(), |at| format!("{} ", found[at]));
            found.push(format!("{around}{text}"));
            Some(found.len() - 1)
        });
        found.sort();
        found
    }

    #[test]
    fn every_range_is_seen_with_those_that_it_stands_in() {
        for (query, expected) in [
            ("up offset 5m", &[][..]),
            ("-(sum by (x) (rate(a[5m]))) + b", &["5m"]),
            ("rate(a[1m]) / on () rate(b[2m])", &["1m", "2m"]),
            (
                "max_over_time((rate(a[1m]) + min_over_time(b[2m:]))[1h:30s]) * rate(c[3m])",
                &["1h:30s", "1h:30s 1m", "1h:30s 2m:", "3m"],
            ),
            (
                "quantile_over_time(scalar(max_over_time(a[4m:1m])), b[5m])",
                &["4m:1m", "5m"],
            ),
        ] {
            assert_eq!(ranges(query), expected, "{query}");
        }
    }
}
