//! Finding every stream selector of a query.

use super::ast::{Expr, LogRange, MetricExpr, Selector};

impl Expr {
    /// Every stream selector, in the order of the text.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector> {
        let mut found = Vec::new();
        self.for_each_selector(|selector| found.push(selector));
        found
    }

    /// Calls `visit` with every stream selector, in the order of the text.
    pub fn for_each_selector<'t>(&'t self, mut visit: impl FnMut(&'t Selector)) {
        match self {
            Self::Log(log) => visit(&log.selector),
            Self::Metric(_) => self.for_each_range(|range| visit(&range.log.selector)),
        }
    }

    /// Calls `visit` with every range of lines, in the order of the text; a query for lines has none.
    pub fn for_each_range<'t>(&'t self, mut visit: impl FnMut(&'t LogRange)) {
        let mut next = match self {
            Self::Log(_) => return,
            Self::Metric(expr) => expr,
        };
        let mut waiting = Vec::new();
        loop {
            match next {
                MetricExpr::Vector(aggregation) => {
                    next = &aggregation.expr;
                    continue;
                }
                MetricExpr::LabelReplace(replace) => {
                    next = &replace.expr;
                    continue;
                }
                MetricExpr::Binary(binary) => {
                    waiting.push(&binary.rhs);
                    next = &binary.lhs;
                    continue;
                }
                MetricExpr::Range(aggregation) => visit(&aggregation.range),
                MetricExpr::Literal(_) | MetricExpr::VectorLiteral(_) => {}
            }
            match waiting.pop() {
                Some(expr) => next = expr,
                None => return,
            }
        }
    }

    /// Calls `change` with every stream selector, in the order of the text.
    pub fn for_each_selector_mut(&mut self, mut change: impl FnMut(&mut Selector)) {
        let mut next = match self {
            Self::Log(log) => return change(&mut log.selector),
            Self::Metric(expr) => expr,
        };
        let mut waiting = Vec::new();
        loop {
            match next {
                MetricExpr::Vector(aggregation) => {
                    next = &mut aggregation.expr;
                    continue;
                }
                MetricExpr::LabelReplace(replace) => {
                    next = &mut replace.expr;
                    continue;
                }
                MetricExpr::Binary(binary) => {
                    waiting.push(&mut binary.rhs);
                    next = &mut binary.lhs;
                    continue;
                }
                MetricExpr::Range(aggregation) => change(&mut aggregation.range.log.selector),
                MetricExpr::Literal(_) | MetricExpr::VectorLiteral(_) => {}
            }
            match waiting.pop() {
                Some(expr) => next = expr,
                None => return,
            }
        }
    }
}
