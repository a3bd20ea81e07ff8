//! A tree as a person reads it: a line for each node.

use super::ast::{Expr, LogExpr, LogRange, MetricExpr};
use super::print;
use crate::outline::Outline;

impl Expr {
    /// The tree, a line for each node with what it is made of indented below it. It is for reading:
    /// no program should take it apart.
    ///
    /// ```
    /// let tree = query::logql::parse(r#"sum by (level) (rate({app="x"} | json [5m]))"#)?;
    /// assert_eq!(
    ///     tree.explain(),
    ///     "aggregation sum by (level)\n  \
    ///        range aggregation rate over [5m]\n    \
    ///          stream selector {app=\"x\"}\n    \
    ///          stage | json\n"
    /// );
    /// # Ok::<(), query::ParseError>(())
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        let mut outline = Outline::default();
        let mut work = match self {
            Self::Log(log) => {
                outline.line(0, "log query");
                explain_log(&mut outline, 1, log);
                Vec::new()
            }
            Self::Metric(expr) => vec![(0, expr)],
        };
        while let Some((depth, expr)) = work.pop() {
            outline.line(depth, &expr.head());
            match expr {
                MetricExpr::Range(aggregation) => {
                    explain_range(&mut outline, depth + 1, &aggregation.range);
                }
                MetricExpr::Vector(_)
                | MetricExpr::Binary(_)
                | MetricExpr::Literal(_)
                | MetricExpr::VectorLiteral(_)
                | MetricExpr::LabelReplace(_) => {
                    let children = expr.children().into_iter().flatten().rev();
                    work.extend(children.map(|child| (depth + 1, child)));
                }
            }
        }
        outline.finish()
    }
}

impl MetricExpr {
    /// The node without its operands.
    fn head(&self) -> String {
        match self {
            Self::Range(aggregation) => format!("range aggregation {}", print::head(aggregation)),
            Self::Vector(aggregation) => {
                format!("aggregation {}", print::aggregation_head(aggregation))
            }
            Self::Binary(binary) => format!("operator {}", print::operator_text(binary).trim()),
            Self::Literal(_) => format!("number {self}"),
            Self::VectorLiteral(_) => format!("vector of a number {self}"),
            Self::LabelReplace(replace) => {
                format!("function label_replace({})", print::replacement(replace))
            }
        }
    }
}

fn explain_log(outline: &mut Outline, depth: usize, log: &LogExpr) {
    outline.line(depth, &format!("stream selector {}", log.selector));
    for stage in &log.stages {
        outline.line(depth, &format!("stage {}", print::stage_text(stage)));
    }
}

fn explain_range(outline: &mut Outline, depth: usize, range: &LogRange) {
    explain_log(outline, depth, &range.log);
    if let Some(unwrap) = &range.unwrap {
        outline.line(depth, &format!("stage {}", print::unwrap_text(unwrap)));
    }
}
