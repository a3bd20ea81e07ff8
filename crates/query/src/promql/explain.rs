//! A tree as a person reads it: a line for each node.

use super::ast::Expr;
use super::print::{aggregate_head, operator_text, subquery_range};
use crate::outline::Outline;

impl Expr {
    /// The tree, a line for each node with its operands indented below it. It is for reading:
    /// no program should take it apart.
    ///
    /// ```
    /// let tree = query::promql::parse("sum by (job) (rate(a[5m])) / 2")?;
    /// assert_eq!(
    ///     tree.explain(),
    ///     "operator /\n  \
    ///        aggregation sum by (job)\n    \
    ///          function rate\n      \
    ///            range selector a[5m]\n  \
    ///        number 2\n"
    /// );
    /// # Ok::<(), query::ParseError>(())
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        let mut outline = Outline::default();
        let mut work = vec![(0, self)];
        let mut children = Vec::new();
        while let Some((depth, expr)) = work.pop() {
            outline.line(depth, &expr.head());
            expr.push_children(&mut children);
            work.extend(children.drain(..).map(|child| (depth + 1, child)));
        }
        outline.finish()
    }

    /// The node without its operands.
    fn head(&self) -> String {
        match self {
            Self::Number(_) => format!("number {self}"),
            Self::String(_) => format!("string {self}"),
            Self::Vector(_) => format!("selector {self}"),
            Self::Matrix(_) => format!("range selector {self}"),
            Self::Subquery(subquery) => format!("subquery {}", subquery_range(subquery)),
            Self::Paren(_) => "parentheses".to_owned(),
            Self::Unary(op, _) => format!("sign {}", op.as_str()),
            Self::Binary(binary) => format!("operator {}", operator_text(binary).trim()),
            Self::Aggregate(aggregate) => {
                format!("aggregation {}", aggregate_head(aggregate).trim())
            }
            Self::Call(call) => format!("function {}", call.function.name()),
        }
    }
}
