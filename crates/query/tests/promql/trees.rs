//! Well-typed trees and token soup, made at random.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use query::duration::Duration;
use query::number::Number;
use query::promql::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, DurationExpr, DurationOp, Expr, Extension,
    Fill, Group, Grouping, MatrixSelector, Modifiers, Side, Subquery, UnaryOp, ValueType,
    VectorMatching, VectorSelector,
};
use query::promql::functions::Function;
use query::{MatchOp, Matcher, Text};

/// Any expression.
pub(crate) fn any() -> BoxedStrategy<Expr> {
    prop_oneof![6 => vector(), 2 => scalar(), 1 => range(vector()), 1 => string()].boxed()
}

fn number() -> BoxedStrategy<Number> {
    let literals = [
        ("1", 1.0),
        ("-2", -2.0),
        ("0x10", 16.0),
        ("1e3", 1e3),
        ("5m", 300.0),
    ];
    select(literals.to_vec())
        .prop_map(|(text, value)| Number {
            value,
            text: text.into(),
        })
        .boxed()
}

fn string() -> BoxedStrategy<Expr> {
    text().prop_map(Expr::String).boxed()
}

fn text() -> BoxedStrategy<Text> {
    vec(select(b"ab\"'`\\\n\xff\xc3\xa9{}# ".to_vec()), 0..6)
        .prop_map(Text::from)
        .boxed()
}

fn duration() -> BoxedStrategy<DurationExpr> {
    let seconds = [("5m", 300), ("-30s", -30), ("90", 90), ("1h30m", 5400)];
    let literal = select(seconds.to_vec()).prop_map(|(text, seconds)| {
        DurationExpr::Literal(Duration {
            nanos: seconds * 1_000_000_000,
            text: text.into(),
        })
    });
    let leaf = prop_oneof![
        3 => literal,
        1 => Just(DurationExpr::Step),
        1 => Just(DurationExpr::Range)
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let operators = [
            DurationOp::Add,
            DurationOp::Sub,
            DurationOp::Mul,
            DurationOp::Div,
            DurationOp::Mod,
            DurationOp::Pow,
        ];
        let both = (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            // The sign of a literal is part of the literal.
            1 => inner.prop_filter("a literal", |inner| !matches!(inner, DurationExpr::Literal(_)))
                .prop_map(|inner| DurationExpr::Unary(UnaryOp::Minus, Box::new(inner))),
            3 => (select(operators.to_vec()), both.clone())
                .prop_map(|(op, (a, b))| DurationExpr::Binary(op, a, b)),
            1 => both.clone().prop_map(|(a, b)| DurationExpr::Min(a, b)),
            1 => both.prop_map(|(a, b)| DurationExpr::Max(a, b)),
        ]
    })
    .boxed()
}

fn positive_duration() -> BoxedStrategy<DurationExpr> {
    duration()
        .prop_filter(
            "not positive",
            |duration| !matches!(duration, DurationExpr::Literal(literal) if literal.nanos <= 0),
        )
        .boxed()
}

fn modifiers() -> BoxedStrategy<Modifiers> {
    let at = prop_oneof![
        number().prop_map(At::Timestamp),
        Just(At::Start),
        Just(At::End)
    ];
    (option::weighted(0.3, at), option::weighted(0.4, duration()))
        .prop_map(|(at, offset)| Modifiers { at, offset })
        .boxed()
}

fn selector() -> BoxedStrategy<VectorSelector> {
    let names = [
        "up", "a:b", "sum", "offset", "fill", "start", "by", "or", "anchored",
    ];
    let labels = ["a", "__name__", "b.c", "", "on", "é"];
    let operators = [
        MatchOp::Equal,
        MatchOp::NotEqual,
        MatchOp::Regex,
        MatchOp::NotRegex,
    ];
    let matcher = (select(labels.to_vec()), select(operators.to_vec()), text());
    let extensions = vec![Extension::Anchored, Extension::Smoothed];
    (
        option::of(select(names.to_vec())),
        vec(matcher, 0..3),
        option::weighted(0.2, select(extensions)),
        modifiers(),
    )
        .prop_map(|(name, matchers, extension, modifiers)| VectorSelector {
            matchers: matchers
                .into_iter()
                .filter(|(label, ..)| name.is_none() || *label != "__name__")
                .map(|(label, op, value)| Matcher {
                    name: label.into(),
                    op,
                    value,
                })
                .collect(),
            name: name.map(Into::into),
            extension,
            modifiers,
        })
        .boxed()
}

fn range(vector: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let matrix = (selector(), positive_duration())
        .prop_map(|(selector, range)| Expr::Matrix(Box::new(MatrixSelector { selector, range })));
    let step = option::of(positive_duration());
    let subquery = (vector, positive_duration(), step, modifiers());
    let subquery = subquery.prop_map(|(expr, range, step, modifiers)| {
        Expr::Subquery(Box::new(Subquery {
            expr,
            range,
            step,
            modifiers,
        }))
    });
    prop_oneof![2 => matrix, 1 => subquery].boxed()
}

fn scalar() -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        4 => number().prop_map(Expr::Number),
        1 => Just(call(Function::Time, vec![])),
        1 => Just(call(Function::Step, vec![])),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(paren),
            4 => (operator(), inner.clone(), inner)
                .prop_filter("sets", |(op, ..)| !op.is_set())
                .prop_map(|(op, lhs, rhs)| binary(op, op.is_comparison(), lhs, rhs)),
        ]
    })
    .boxed()
}

fn vector() -> BoxedStrategy<Expr> {
    let leaf = selector().prop_map(|selector| Expr::Vector(Box::new(selector)));
    leaf.prop_recursive(5, 24, 3, |inner| {
        let signs = vec![UnaryOp::Plus, UnaryOp::Minus];
        prop_oneof![
            1 => inner.clone().prop_map(paren),
            1 => (select(signs), inner.clone()).prop_map(|(op, x)| Expr::Unary(op, Box::new(x))),
            2 => (operator(), inner.clone(), scalar())
                .prop_filter("sets", |(op, ..)| !op.is_set())
                .prop_map(|(op, lhs, rhs)| binary(op, false, lhs, rhs)),
            1 => (operator(), scalar(), inner.clone())
                .prop_filter("sets", |(op, ..)| !op.is_set())
                .prop_map(|(op, lhs, rhs)| binary(op, op.is_comparison(), lhs, rhs)),
            3 => matched(inner.clone()),
            2 => aggregate(inner.clone()),
            1 => range(inner.clone()).prop_map(|x| call(Function::Rate, vec![x])),
            1 => inner.clone().prop_map(|x| call(Function::Abs, vec![x])),
            1 => (inner, vec(string(), 3..6)).prop_map(|(x, mut strings)| {
                strings.insert(0, x);
                call(Function::LabelJoin, strings)
            }),
        ]
    })
    .boxed()
}

fn operator() -> BoxedStrategy<BinaryOp> {
    use BinaryOp::{
        Add, And, Atan2, Div, Eq, Ge, Gt, Le, Lt, Mod, Mul, Ne, Or, Pow, Sub, TrimLower, TrimUpper,
        Unless,
    };
    select(vec![
        Add, Sub, Mul, Div, Mod, Pow, Atan2, Eq, Ne, Gt, Lt, Ge, Le, And, Or, Unless, TrimUpper,
        TrimLower,
    ])
    .boxed()
}

fn matched(inner: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let group = (any_side(), labels(&["y", "z z", "inf"], 0))
        .prop_map(|(side, include)| Group { side, include });
    let matching = (
        proptest::bool::ANY,
        labels(&["a", "by", "without", "x.y"], 0),
        option::of(group),
    )
        .prop_map(|(on, labels, group)| VectorMatching { on, labels, group });
    let fill = (option::of(number()), option::of(number()));
    let fill = option::weighted(0.2, fill);
    (
        operator(),
        proptest::bool::ANY,
        option::of(matching),
        fill,
        inner.clone(),
        inner,
    )
        .prop_map(|(op, flag, matching, fill, lhs, rhs)| {
            let means_something =
                |m: &VectorMatching| m.on || !m.labels.is_empty() || m.group.is_some();
            let mut matching = matching.filter(means_something);
            let mut fill = fill.map_or(Fill::default(), |(left, right)| Fill { left, right });
            if op.is_set() {
                fill = Fill::default();
                matching = matching
                    .map(|matching| VectorMatching {
                        group: None,
                        ..matching
                    })
                    .filter(means_something);
            }
            Expr::Binary(Box::new(Binary {
                op,
                return_bool: flag && op.is_comparison(),
                matching,
                fill,
                lhs,
                rhs,
            }))
        })
        .boxed()
}

fn any_side() -> BoxedStrategy<Side> {
    select(vec![Side::Left, Side::Right]).boxed()
}

fn labels(names: &[&'static str], at_least: usize) -> BoxedStrategy<Vec<query::SmallStr>> {
    vec(
        select(names.to_vec()).prop_map(query::SmallStr::from),
        at_least..3,
    )
    .boxed()
}

fn aggregate(inner: BoxedStrategy<Expr>) -> BoxedStrategy<Expr> {
    let names = ["a", "by", "without", "NaN", "x.y", "bool"];
    let by = labels(&names, 1).prop_map(|labels| Grouping {
        without: false,
        labels,
    });
    let without = labels(&names, 0).prop_map(|labels| Grouping {
        without: true,
        labels,
    });
    let grouping = option::of(prop_oneof![by, without]);
    (
        select(AggregateOp::ALL.to_vec()),
        grouping,
        scalar(),
        string(),
        inner,
    )
        .prop_map(|(op, grouping, scalar, string, expr)| {
            let param = op.param_type().map(|kind| match kind {
                ValueType::String => string,
                ValueType::Scalar | ValueType::InstantVector | ValueType::RangeVector => scalar,
            });
            Expr::Aggregate(Box::new(Aggregate {
                op,
                param,
                expr,
                grouping,
            }))
        })
        .boxed()
}

fn call(function: Function, args: Vec<Expr>) -> Expr {
    Expr::Call(Call { function, args })
}

fn paren(inner: Expr) -> Expr {
    Expr::Paren(Box::new(inner))
}

fn binary(op: BinaryOp, return_bool: bool, lhs: Expr, rhs: Expr) -> Expr {
    Expr::Binary(Box::new(Binary {
        op,
        return_bool,
        matching: None,
        fill: Fill::default(),
        lhs,
        rhs,
    }))
}

/// The tree without parentheses, which mean nothing but order.
pub(crate) fn without_parens(expr: Expr) -> Expr {
    match expr {
        Expr::Paren(inner) => without_parens(*inner),
        Expr::Number(_) | Expr::String(_) => expr,
        Expr::Vector(selector) => Expr::Vector(Box::new(bare_selector(*selector))),
        Expr::Matrix(matrix) => Expr::Matrix(Box::new(MatrixSelector {
            selector: bare_selector(matrix.selector),
            range: bare_duration(matrix.range),
        })),
        Expr::Subquery(subquery) => Expr::Subquery(Box::new(Subquery {
            expr: without_parens(subquery.expr),
            range: bare_duration(subquery.range),
            step: subquery.step.map(bare_duration),
            modifiers: bare_modifiers(subquery.modifiers),
        })),
        Expr::Unary(op, inner) => Expr::Unary(op, Box::new(without_parens(*inner))),
        Expr::Binary(binary) => Expr::Binary(Box::new(Binary {
            lhs: without_parens(binary.lhs),
            rhs: without_parens(binary.rhs),
            ..*binary
        })),
        Expr::Aggregate(aggregate) => Expr::Aggregate(Box::new(Aggregate {
            param: aggregate.param.map(without_parens),
            expr: without_parens(aggregate.expr),
            ..*aggregate
        })),
        Expr::Call(Call { function, args }) => {
            call(function, args.into_iter().map(without_parens).collect())
        }
    }
}

fn bare_selector(selector: VectorSelector) -> VectorSelector {
    VectorSelector {
        modifiers: bare_modifiers(selector.modifiers),
        ..selector
    }
}

fn bare_modifiers(modifiers: Modifiers) -> Modifiers {
    Modifiers {
        at: modifiers.at,
        offset: modifiers.offset.map(bare_duration),
    }
}

fn bare_duration(duration: DurationExpr) -> DurationExpr {
    let bare = |inner: Box<DurationExpr>| Box::new(bare_duration(*inner));
    match duration {
        DurationExpr::Paren(inner) => bare_duration(*inner),
        DurationExpr::Literal(_) | DurationExpr::Step | DurationExpr::Range => duration,
        DurationExpr::Unary(op, inner) => DurationExpr::Unary(op, bare(inner)),
        DurationExpr::Binary(op, a, b) => DurationExpr::Binary(op, bare(a), bare(b)),
        DurationExpr::Min(a, b) => DurationExpr::Min(bare(a), bare(b)),
        DurationExpr::Max(a, b) => DurationExpr::Max(bare(a), bare(b)),
    }
}

/// Tokens in any order, with and without blanks between them.
pub(crate) fn soup() -> BoxedStrategy<String> {
    let tokens = [
        "(",
        "(",
        ")",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "@",
        "+",
        "-",
        "*",
        "/",
        "^",
        "%",
        "=",
        "==",
        "!=",
        "=~",
        "!~",
        "<",
        ">",
        "</",
        ">/",
        "1",
        "0x",
        "1e",
        "5m",
        "1_0",
        ".5",
        "\"a\"",
        "'",
        "`b`",
        "\\",
        "#",
        "\n",
        "a",
        "a",
        "b",
        "a:b",
        "é",
        "and",
        "or",
        "sum",
        "topk",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "bool",
        "fill",
        "fill_left",
        "offset",
        "start",
        "step",
        "range",
        "min_of",
        "anchored",
        "smoothed",
        "rate",
        "abs",
        "time",
        "info",
        "inf",
        "a[5m]",
        "step()",
        "a{b=\"c\"}",
        "offset (",
        "offset -5m",
        "offset (5m)",
        "[5m:",
        "[5m]",
    ];
    let blank = select(vec!["", " ", " ", " "]);
    vec((select(tokens.to_vec()), blank), 0..14)
        .prop_map(|tokens| {
            tokens
                .iter()
                .flat_map(|(token, blank)| [*token, *blank])
                .collect()
        })
        .boxed()
}
