//! Queries with their time written into every selector, which then mean the same at any time.

use query::number::Number;
use query::promql::ast::{At, Expr};
use query::promql::functions::Function;

/// The query with `@` behind every selector that has none, and the times at which its answer has to
/// be that of `at_ms`. None if it asks for the time itself.
pub(crate) fn cases(query: &str, at_ms: i64) -> Vec<(String, i64)> {
    let Ok(mut tree) = query::promql::parse(query) else {
        return Vec::new();
    };
    let mut depends = false;
    visit(&mut tree, at_ms, &mut depends);
    if depends {
        return Vec::new();
    }
    let times = if at_ms == 0 {
        vec![-1000, 0, 1000]
    } else {
        vec![-10 * at_ms, 0, at_ms / 5, at_ms, 10 * at_ms]
    };
    let text = tree.to_string();
    times.into_iter().map(|time| (text.clone(), time)).collect()
}

fn set(at: &mut Option<At>, at_ms: i64) {
    if at.is_none() {
        #[allow(clippy::cast_precision_loss)] // times of tests are small
        let value = at_ms as f64 / 1000.0;
        *at = Some(At::Timestamp(Number {
            value,
            text: format!("{value:.3}").as_str().into(),
        }));
    }
}

fn visit(expr: &mut Expr, at_ms: i64, depends: &mut bool) {
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Vector(selector) => set(&mut selector.modifiers.at, at_ms),
        Expr::Matrix(matrix) => set(&mut matrix.selector.modifiers.at, at_ms),
        // What is within a subquery is left as it is, for the subquery has its time then.
        Expr::Subquery(subquery) => set(&mut subquery.modifiers.at, at_ms),
        Expr::Paren(inner) | Expr::Unary(_, inner) => visit(inner, at_ms, depends),
        Expr::Binary(binary) => {
            visit(&mut binary.lhs, at_ms, depends);
            visit(&mut binary.rhs, at_ms, depends);
        }
        Expr::Aggregate(aggregate) => {
            if let Some(param) = &mut aggregate.param {
                visit(param, at_ms, depends);
            }
            visit(&mut aggregate.expr, at_ms, depends);
        }
        Expr::Call(call) => {
            *depends |= is_of_time(call.function);
            for arg in &mut call.args {
                visit(arg, at_ms, depends);
            }
        }
    }
}

fn is_of_time(function: Function) -> bool {
    use Function as F;
    matches!(
        function,
        F::DaysInMonth
            | F::DayOfMonth
            | F::DayOfWeek
            | F::DayOfYear
            | F::End
            | F::Hour
            | F::Minute
            | F::Month
            | F::Year
            | F::PredictLinear
            | F::Range
            | F::Start
            | F::Step
            | F::Time
            | F::Timestamp
    )
}
