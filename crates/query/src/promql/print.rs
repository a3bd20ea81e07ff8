//! From a tree to text: one canonical way to write each tree.
//!
//! What is printed means the tree and nothing else: parsing it gives an equal tree, for every tree
//! that the parser made. A tree that was built by hand may need parentheses that it does not have;
//! they are printed, and parsing gives the same meaning.
//!
//! Printing works off a list of what is still to be written and does not recurse.

mod duration;

use std::fmt;

use super::ast::{
    Aggregate, At, Binary, BinaryOp, Expr, Extension, MatrixSelector, Modifiers, Side, Subquery,
    VectorSelector,
};
use super::lexer::Keyword;
use super::operator::Precedence;
use crate::matcher::Matcher;
use crate::number::Number;
use crate::quote;
use crate::small_str::SmallStr;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.print(&mut text);
        f.write_str(&text)
    }
}

impl fmt::Display for VectorSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        print_vector(&mut text, self);
        f.write_str(&text)
    }
}

/// `[range:step] offset … @ …`
pub(super) fn subquery_range(subquery: &Subquery) -> String {
    let mut out = String::new();
    print_subquery_end(&mut out, subquery);
    out
}

/// The operator with its modifiers.
pub(super) fn operator_text(binary: &Binary) -> String {
    let mut out = String::new();
    print_operator(&mut out, binary);
    out
}

/// The aggregation operator with its grouping.
pub(super) fn aggregate_head(aggregate: &Aggregate) -> String {
    let mut out = String::new();
    print_aggregate_head(&mut out, aggregate);
    out
}

/// What is still to be written.
enum Work<'a> {
    Expr(&'a Expr),
    Text(&'static str),
    /// What stands between the operands of an operator.
    Operator(&'a Binary),
    /// What stands behind the expression of a subquery.
    Range(&'a Subquery),
}

impl Expr {
    /// Appends the expression to `out`, as [`Display`](fmt::Display) writes it.
    pub fn print(&self, out: &mut String) {
        let mut work = Vec::new();
        let mut next = Some(Work::Expr(self));
        while let Some(now) = next {
            match now {
                Work::Expr(expr) => expr.print_start(out, &mut work),
                Work::Text(text) => out.push_str(text),
                Work::Operator(binary) => print_operator(out, binary),
                Work::Range(subquery) => {
                    print_subquery_end(out, subquery);
                }
            }
            next = work.pop();
        }
    }

    /// Writes what comes first, and leaves the rest in `work`, last thing first.
    fn print_start<'a>(&'a self, out: &mut String, work: &mut Vec<Work<'a>>) {
        match self {
            Self::Number(number) => out.push_str(&number.text),
            Self::String(text) => quote::push_quoted(out, text.as_bytes()),
            Self::Vector(selector) => print_vector(out, selector),
            Self::Matrix(matrix) => {
                let MatrixSelector { selector, range } = &**matrix;
                print_selector(out, selector);
                duration::print_range(out, range);
                print_modifiers(out, selector.extension, &selector.modifiers);
            }
            Self::Subquery(subquery) => {
                work.push(Work::Range(subquery));
                let parens = subquery.expr.precedence() < Precedence::Primary;
                push_operand(&subquery.expr, parens, out, work);
            }
            Self::Paren(inner) => push_operand(inner, true, out, work),
            Self::Unary(op, inner) => {
                out.push_str(op.as_str());
                // A sign binds as tightly as `*` does, and may stand in front of another sign.
                let parens = match &**inner {
                    Self::Binary(binary) => binary.op != BinaryOp::Pow,
                    Self::Number(_)
                    | Self::String(_)
                    | Self::Vector(_)
                    | Self::Matrix(_)
                    | Self::Subquery(_)
                    | Self::Paren(_)
                    | Self::Unary(..)
                    | Self::Aggregate(_)
                    | Self::Call(_) => false,
                };
                push_operand(inner, parens, out, work);
            }
            Self::Binary(binary) => {
                let own = binary.op.precedence();
                // A sign needs no parentheses on the right side: nothing can take it away.
                let parens = match &binary.rhs {
                    Self::Binary(rhs) => own.takes_before(rhs.op.precedence()),
                    Self::Number(_)
                    | Self::String(_)
                    | Self::Vector(_)
                    | Self::Matrix(_)
                    | Self::Subquery(_)
                    | Self::Paren(_)
                    | Self::Unary(..)
                    | Self::Aggregate(_)
                    | Self::Call(_) => false,
                };
                push_later(&binary.rhs, parens, work);
                work.push(Work::Operator(binary));
                let parens = !binary.lhs.precedence().takes_before(own)
                    || (binary.op.between_durations().is_some()
                        && binary.lhs.ends_with_open_offset());
                push_operand(&binary.lhs, parens, out, work);
            }
            Self::Aggregate(aggregate) => {
                print_aggregate_head(out, aggregate);
                out.push('(');
                work.extend([Work::Text(")"), Work::Expr(&aggregate.expr)]);
                if let Some(param) = &aggregate.param {
                    work.extend([Work::Text(", "), Work::Expr(param)]);
                }
            }
            Self::Call(call) => {
                out.push_str(call.function.name());
                out.push('(');
                work.push(Work::Text(")"));
                for (index, arg) in call.args.iter().enumerate().rev() {
                    work.push(Work::Expr(arg));
                    if index > 0 {
                        work.push(Work::Text(", "));
                    }
                }
            }
        }
    }

    /// Whether the text ends with an offset that would take an operator behind it, such as
    /// `foo offset (5m)`.
    pub(super) fn ends_with_open_offset(&self) -> bool {
        let mut expr = self;
        loop {
            let modifiers = match expr {
                Self::Vector(selector) if selector.extension.is_none() => &selector.modifiers,
                Self::Matrix(matrix) if matrix.selector.extension.is_none() => {
                    &matrix.selector.modifiers
                }
                Self::Subquery(subquery) => &subquery.modifiers,
                Self::Unary(_, inner) => {
                    expr = inner;
                    continue;
                }
                Self::Binary(binary) => {
                    expr = &binary.rhs;
                    continue;
                }
                Self::Number(_)
                | Self::String(_)
                | Self::Vector(_)
                | Self::Matrix(_)
                | Self::Paren(_)
                | Self::Aggregate(_)
                | Self::Call(_) => return false,
            };
            let offset = modifiers.offset.as_ref();
            return modifiers.at.is_none() && offset.is_some_and(duration::is_open);
        }
    }

    /// How tightly the expression holds together.
    fn precedence(&self) -> Precedence {
        match self {
            Self::Binary(binary) => binary.op.precedence(),
            Self::Unary(..) => Precedence::Product,
            Self::Number(number) if number.text.starts_with(['+', '-']) => Precedence::Product,
            Self::Number(_)
            | Self::String(_)
            | Self::Vector(_)
            | Self::Matrix(_)
            | Self::Subquery(_)
            | Self::Paren(_)
            | Self::Aggregate(_)
            | Self::Call(_) => Precedence::Primary,
        }
    }
}

/// Writes an expression that comes next, in parentheses if it needs them.
fn push_operand<'a>(expr: &'a Expr, parens: bool, out: &mut String, work: &mut Vec<Work<'a>>) {
    if parens {
        out.push('(');
        work.push(Work::Text(")"));
    }
    work.push(Work::Expr(expr));
}

/// Leaves an expression to be written, in parentheses if it needs them.
fn push_later<'a>(expr: &'a Expr, parens: bool, work: &mut Vec<Work<'a>>) {
    if parens {
        work.extend([Work::Text(")"), Work::Expr(expr), Work::Text("(")]);
    } else {
        work.push(Work::Expr(expr));
    }
}

fn print_vector(out: &mut String, selector: &VectorSelector) {
    print_selector(out, selector);
    print_modifiers(out, selector.extension, &selector.modifiers);
}

fn print_selector(out: &mut String, selector: &VectorSelector) {
    const NAME: &str = "__name__";
    // In front of the braces only what reads as a name there, and not next to a second name.
    let twice = |matcher: &Matcher| matcher.name == NAME;
    let (outside, inside) = match &selector.name {
        Some(name) if !is_metric(name.as_bytes()) || selector.matchers.iter().any(twice) => {
            (None, Some(name))
        }
        Some(name) => (Some(name), None),
        None => (None, None),
    };
    if let Some(name) = outside {
        out.push_str(name);
        if selector.matchers.is_empty() {
            return;
        }
    }
    out.push('{');
    if let Some(name) = inside {
        quote::push_quoted(out, name.as_bytes());
    }
    for (index, matcher) in selector.matchers.iter().enumerate() {
        if index > 0 || inside.is_some() {
            out.push(',');
        }
        if is_identifier(matcher.name.as_bytes()) {
            out.push_str(&matcher.name);
        } else {
            quote::push_quoted(out, matcher.name.as_bytes());
        }
        out.push_str(matcher.op.as_str());
        quote::push_quoted(out, matcher.value.as_bytes());
    }
    out.push('}');
}

/// The offset goes first: where one in parentheses would take an operator behind it, `anchored` or
/// `@` may keep it away.
fn print_modifiers(out: &mut String, extension: Option<Extension>, modifiers: &Modifiers) {
    if let Some(offset) = &modifiers.offset {
        out.push_str(" offset ");
        duration::print_offset(out, offset);
    }
    if let Some(extension) = extension {
        out.push(' ');
        out.push_str(extension.as_str());
    }
    match &modifiers.at {
        Some(At::Timestamp(time)) => {
            out.push_str(" @ ");
            out.push_str(&time.text);
        }
        Some(At::Start) => out.push_str(" @ start()"),
        Some(At::End) => out.push_str(" @ end()"),
        None => {}
    }
}

fn print_operator(out: &mut String, binary: &Binary) {
    out.push(' ');
    out.push_str(binary.op.as_str());
    if binary.return_bool {
        out.push_str(" bool");
    }
    if let Some(matching) = &binary.matching {
        out.push_str(if matching.on { " on " } else { " ignoring " });
        print_labels(out, &matching.labels);
        if let Some(group) = &matching.group {
            out.push_str(match group.side {
                Side::Left => " group_left ",
                Side::Right => " group_right ",
            });
            // Always with its list: without one, what follows in parentheses would be the list.
            print_labels(out, &group.include);
        }
    }
    match (&binary.fill.left, &binary.fill.right) {
        (Some(left), Some(right)) if left == right => print_fill(out, " fill (", left),
        (left, right) => {
            if let Some(left) = left {
                print_fill(out, " fill_left (", left);
            }
            if let Some(right) = right {
                print_fill(out, " fill_right (", right);
            }
        }
    }
    out.push(' ');
}

fn print_fill(out: &mut String, keyword: &str, value: &Number) {
    out.push_str(keyword);
    out.push_str(&value.text);
    out.push(')');
}

/// Writes what stands behind the expression of a subquery.
fn print_subquery_end(out: &mut String, subquery: &Subquery) {
    duration::print_subquery_range(out, &subquery.range, subquery.step.as_ref());
    print_modifiers(out, None, &subquery.modifiers);
}

/// Writes everything up to the opening parenthesis of the arguments.
fn print_aggregate_head(out: &mut String, aggregate: &Aggregate) {
    out.push_str(aggregate.op.as_str());
    if let Some(grouping) = &aggregate.grouping {
        let without = grouping.without;
        out.push_str(if without { " without " } else { " by " });
        print_labels(out, &grouping.labels);
        out.push(' ');
    }
}

fn print_labels(out: &mut String, labels: &[SmallStr]) {
    out.push('(');
    for (index, label) in labels.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        let keyword = || Keyword::of(label.as_bytes());
        if is_identifier(label.as_bytes()) && keyword().is_none_or(Keyword::names_a_label) {
            out.push_str(label);
        } else {
            quote::push_quoted(out, label.as_bytes());
        }
    }
    out.push(')');
}

/// Whether this is a name in braces without quotes.
fn is_identifier(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether this is a metric's name in front of braces.
fn is_metric(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b':')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b':')
        && Keyword::of(name).is_none_or(Keyword::names_a_metric)
}

#[cfg(test)]
mod tests {
    use crate::matcher::Matcher;
    use crate::promql::ast::{Expr, Modifiers, UnaryOp, VectorSelector};
    use crate::promql::parse;

    fn named(name: &str, matchers: Vec<Matcher>) -> Expr {
        Expr::Vector(Box::new(VectorSelector {
            name: Some(name.into()),
            matchers,
            extension: None,
            modifiers: Modifiers::default(),
        }))
    }

    #[test]
    fn a_name_that_needs_quotes_goes_into_the_braces() {
        let cases = [
            ("http.requests", r#"{"http.requests"}"#),
            ("bool", r#"{"bool"}"#),
            ("Inf", r#"{"Inf"}"#),
            ("", r#"{""}"#),
            ("a\"b", r#"{"a\"b"}"#),
            ("a:b", "a:b"),
            ("sum", "sum"),
        ];
        for (name, text) in cases {
            let tree = named(name, Vec::new());
            assert_eq!(tree.to_string(), text);
            let again = parse(text).unwrap();
            let both = [&tree, &again].map(|tree| format!("{:?}", matchers(tree)));
            assert_eq!(both[0], both[1], "{text}");
        }
    }

    fn matchers(tree: &Expr) -> Vec<(String, Vec<u8>)> {
        let selectors = tree.selectors();
        let matchers = selectors
            .iter()
            .flat_map(|selector| selector.all_matchers());
        matchers
            .map(|(name, _, value)| (name.to_owned(), value.to_vec()))
            .collect()
    }

    #[test]
    fn a_second_name_sends_the_first_into_the_braces() {
        let tree = named("up", vec![Matcher::equal("__name__", "down")]);
        assert_eq!(tree.to_string(), r#"{"up",__name__="down"}"#);
        assert!(parse(&tree.to_string()).is_ok());
    }

    #[test]
    fn an_offset_that_would_take_the_operator_is_kept_away_from_it() {
        let mut tree = parse("1 + (up offset (5m)) * 2").unwrap();
        if let Expr::Binary(sum) = &mut tree
            && let Expr::Binary(product) = &mut sum.rhs
            && let Expr::Paren(inner) = &mut product.lhs
        {
            product.lhs = Expr::Unary(UnaryOp::Minus, Box::new((**inner).clone()));
        }
        assert_eq!(tree.to_string(), "1 + (-up offset (5m)) * 2");
    }
}
