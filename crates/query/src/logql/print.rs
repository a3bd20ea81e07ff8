//! Printing: the one canonical text of a tree.
//!
//! The walk over nested expressions has a stack of its own, so that no tree is too deep for it.

use std::fmt;

mod stage;

use self::stage::{ends_with_label, label_filter, stage, starts_with_match_op};
use super::ast::{
    Binary, Expr, Grouping, LabelReplace, LogExpr, LogRange, MetricExpr, RangeAggregation,
    Selector, Stage, Unwrap, VectorAggregation, VectorMatching,
};
use crate::matcher::Matcher;
use crate::number::Number;
use crate::quote::push_quoted;
use crate::small_str::SmallStr;
use crate::text::Text;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.print(&mut out);
        f.write_str(&out)
    }
}

impl fmt::Display for MetricExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        metric(&mut out, self);
        f.write_str(&out)
    }
}

impl fmt::Display for LogExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        log(&mut out, self);
        f.write_str(&out)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        selector(&mut out, self);
        f.write_str(&out)
    }
}

impl Expr {
    /// Appends the query to `out`, as [`Display`](fmt::Display) writes it.
    pub fn print(&self, out: &mut String) {
        match self {
            Self::Log(inner) => log(out, inner),
            Self::Metric(inner) => metric(out, inner),
        }
    }
}

/// The operator with its modifiers.
pub(super) fn operator_text(binary: &Binary) -> String {
    written(|out| operator(out, binary))
}

/// The aggregation's operator, parameter and grouping.
pub(super) fn aggregation_head(aggregation: &VectorAggregation) -> String {
    let (op, param) = (aggregation.op.as_str(), aggregation.param.as_ref());
    written(|out| head_text(out, op, param, aggregation.grouping.as_ref(), None))
}

/// The range aggregation without the lines that it aggregates.
pub(super) fn head(aggregation: &RangeAggregation) -> String {
    let (op, param) = (aggregation.op.as_str(), aggregation.param.as_ref());
    let range = Some(&aggregation.range);
    written(|out| head_text(out, op, param, aggregation.grouping.as_ref(), range))
}

fn head_text(
    out: &mut String,
    op: &str,
    param: Option<&Number>,
    by: Option<&Grouping>,
    range: Option<&LogRange>,
) {
    out.push_str(op);
    if let Some(param) = param {
        out.push(' ');
        number(out, param);
    }
    if let Some(range) = range {
        out.push_str(" over ");
        range_end(out, range);
    }
    if let Some(by) = by {
        out.push(' ');
        grouping(out, by);
    }
}

/// The four strings of `label_replace`.
pub(super) fn replacement(replace: &LabelReplace) -> String {
    written(|out| {
        let texts = [
            &replace.dst,
            &replace.replacement,
            &replace.src,
            &replace.regex,
        ];
        separated(out, &texts, |out, text| quoted(out, text));
    })
}

pub(super) fn stage_text(each: &Stage) -> String {
    written(|out| stage(out, each))
}

pub(super) fn unwrap_text(inner: &Unwrap) -> String {
    written(|out| unwrap(out, inner))
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

/// What is still to be printed, the next on top.
enum Work<'t> {
    Expr(&'t MetricExpr),
    Operator(&'t Binary),
    Replace(&'t LabelReplace),
    Text(&'static str),
}

fn metric(out: &mut String, expr: &MetricExpr) {
    let mut work = vec![Work::Expr(expr)];
    while let Some(next) = work.pop() {
        match next {
            Work::Text(text) => out.push_str(text),
            Work::Operator(binary) => operator(out, binary),
            Work::Replace(replace) => label_replace(out, replace),
            Work::Expr(MetricExpr::Literal(value)) => number(out, value),
            Work::Expr(MetricExpr::VectorLiteral(value)) => {
                out.push_str("vector(");
                number(out, value);
                out.push(')');
            }
            Work::Expr(MetricExpr::Range(range)) => range_aggregation(out, range),
            Work::Expr(MetricExpr::Vector(aggregation)) => {
                out.push_str(aggregation.op.as_str());
                if let Some(by) = &aggregation.grouping {
                    out.push(' ');
                    grouping(out, by);
                    out.push(' ');
                }
                out.push('(');
                if let Some(param) = &aggregation.param {
                    number(out, param);
                    out.push_str(", ");
                }
                work.push(Work::Text(")"));
                work.push(Work::Expr(&aggregation.expr));
            }
            Work::Expr(MetricExpr::LabelReplace(replace)) => {
                out.push_str("label_replace(");
                work.push(Work::Replace(replace));
                work.push(Work::Expr(&replace.expr));
            }
            Work::Expr(MetricExpr::Binary(binary)) => {
                let right_grouping = binary.op.groups_to_the_right();
                push_side(&mut work, &binary.rhs, binary, !right_grouping);
                work.push(Work::Operator(binary));
                push_side(&mut work, &binary.lhs, binary, right_grouping);
            }
        }
    }
}

/// Pushes one side of `binary`, in brackets if it is an operation that would not stay together
/// without: one that binds less, or as much where that is `unsafe_if_equal`.
fn push_side<'t>(
    work: &mut Vec<Work<'t>>,
    side: &'t MetricExpr,
    binary: &Binary,
    unsafe_if_equal: bool,
) {
    let brackets = match side {
        MetricExpr::Binary(inner) => {
            let (inner, outer) = (inner.op.precedence(), binary.op.precedence());
            inner < outer || inner == outer && unsafe_if_equal
        }
        MetricExpr::Range(_)
        | MetricExpr::Vector(_)
        | MetricExpr::Literal(_)
        | MetricExpr::VectorLiteral(_)
        | MetricExpr::LabelReplace(_) => false,
    };
    if brackets {
        work.push(Work::Text(")"));
    }
    work.push(Work::Expr(side));
    if brackets {
        work.push(Work::Text("("));
    }
}

fn operator(out: &mut String, binary: &Binary) {
    out.push(' ');
    out.push_str(binary.op.as_str());
    if binary.return_bool {
        out.push_str(" bool");
    }
    if let Some(VectorMatching { on, labels, group }) = &binary.matching {
        out.push_str(if *on { " on " } else { " ignoring " });
        label_list(out, labels);
        if let Some(group) = group {
            out.push_str(if group.right {
                " group_right "
            } else {
                " group_left "
            });
            // Without its list, a bracket behind it would be taken for one.
            label_list(out, &group.include);
        }
    }
    out.push(' ');
}

/// What stands behind the first argument.
fn label_replace(out: &mut String, replace: &LabelReplace) {
    for text in [
        &replace.dst,
        &replace.replacement,
        &replace.src,
        &replace.regex,
    ] {
        out.push_str(", ");
        quoted(out, text);
    }
    out.push(')');
}

fn range_aggregation(out: &mut String, aggregation: &RangeAggregation) {
    out.push_str(aggregation.op.as_str());
    out.push('(');
    if let Some(param) = &aggregation.param {
        number(out, param);
        out.push_str(", ");
    }
    log_range(out, &aggregation.range);
    out.push(')');
    if let Some(by) = &aggregation.grouping {
        out.push(' ');
        grouping(out, by);
    }
}

fn log_range(out: &mut String, range: &LogRange) {
    log(out, &range.log);
    if let Some(inner) = &range.unwrap {
        out.push(' ');
        unwrap(out, inner);
    }
    if !range.log.stages.is_empty() || range.unwrap.is_some() {
        out.push(' ');
    }
    range_end(out, range);
}

/// `[5m] offset 1h`
fn range_end(out: &mut String, range: &LogRange) {
    out.push('[');
    out.push_str(&range.range.text);
    out.push(']');
    if let Some(offset) = &range.offset {
        out.push_str(" offset ");
        out.push_str(&offset.text);
    }
}

/// `| unwrap duration(x) | x > 5`
fn unwrap(out: &mut String, unwrap: &Unwrap) {
    let Unwrap {
        label,
        conversion,
        post_filters,
    } = unwrap;
    out.push_str("| unwrap ");
    match conversion {
        Some(conversion) => {
            out.push_str(conversion.as_str());
            out.push('(');
            out.push_str(label);
            out.push(')');
        }
        None => out.push_str(label),
    }
    for filter in post_filters {
        out.push_str(" | ");
        label_filter(out, filter);
    }
}

fn log(out: &mut String, log: &LogExpr) {
    selector(out, &log.selector);
    let mut before = None;
    for each in &log.stages {
        if before.is_some_and(ends_with_label) && starts_with_match_op(each) {
            // `drop a != "x"` drops where `a` is not x. No query has a filter there, but a tree
            // may; a filter that every line passes keeps them apart.
            out.push_str(r#" |= """#);
        }
        out.push(' ');
        stage(out, each);
        before = Some(each);
    }
}

fn selector(out: &mut String, selector: &Selector) {
    out.push('{');
    separated(out, &selector.matchers, matcher);
    out.push('}');
}

fn matcher(out: &mut String, Matcher { name, op, value }: &Matcher) {
    out.push_str(name);
    out.push_str(op.as_str());
    quoted(out, value);
}

fn grouping(out: &mut String, Grouping { without, labels }: &Grouping) {
    out.push_str(if *without { "without " } else { "by " });
    label_list(out, labels);
}

fn label_list(out: &mut String, labels: &[SmallStr]) {
    out.push('(');
    separated(out, labels, |out, label| out.push_str(label));
    out.push(')');
}

fn number(out: &mut String, number: &Number) {
    // Loki reads `-0` as a duration of nothing, also where `-0e4` or `-0x1f` is meant.
    let reads_as_duration =
        |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    match number.text.strip_prefix("-0") {
        Some(rest) if reads_as_duration(rest) => {
            out.push_str("- 0");
            out.push_str(rest);
        }
        _ => out.push_str(&number.text),
    }
}

fn quoted(out: &mut String, text: &Text) {
    push_quoted(out, text.as_bytes());
}

fn separated<T>(out: &mut String, items: &[T], each: impl Fn(&mut String, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        each(out, item);
    }
}
