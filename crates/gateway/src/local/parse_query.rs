//! A PromQL tree in the JSON that Prometheus's `/api/v1/parse_query` answers and its clients read.
//!
//! The names of the types and fields are Prometheus's. Nothing is built beside the tree that was
//! parsed: each node is looked at when it is written.

mod duration;

use std::borrow::Cow;

use query::SmallStr;
use query::promql::ast::{
    Aggregate, At, Binary, Call, Expr, Extension, Fill, Group, Modifiers, Side, Subquery, UnaryOp,
    ValueType, VectorSelector,
};
use serde::{Serialize, Serializer};
use serde_json::Number;

use duration::{Length, milliseconds};

/// An expression, to be written.
pub(super) struct Tree<'a>(pub(super) &'a Expr);

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Node::of(self.0).serialize(serializer)
    }
}

/// One node, without what is below it.
#[derive(Serialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum Node<'a> {
    NumberLiteral {
        val: Cow<'static, str>,
    },
    StringLiteral {
        val: Cow<'a, str>,
    },
    VectorSelector {
        #[serde(flatten)]
        selector: Selector<'a>,
    },
    MatrixSelector {
        range: i64,
        range_expr: Option<Length<'a>>,
        #[serde(flatten)]
        selector: Selector<'a>,
    },
    Subquery {
        expr: Tree<'a>,
        range: i64,
        range_expr: Option<Length<'a>>,
        step: i64,
        step_expr: Option<Length<'a>>,
        #[serde(flatten)]
        moment: Moment<'a>,
    },
    ParenExpr {
        expr: Tree<'a>,
    },
    UnaryExpr {
        op: &'static str,
        expr: Tree<'a>,
    },
    BinaryExpr {
        op: &'static str,
        lhs: Tree<'a>,
        rhs: Tree<'a>,
        matching: Option<Matching<'a>>,
        #[serde(rename = "bool")]
        return_bool: bool,
    },
    Aggregation {
        op: &'static str,
        expr: Tree<'a>,
        param: Option<Tree<'a>>,
        grouping: Vec<&'a str>,
        without: bool,
    },
    Call {
        func: Function,
        args: Vec<Tree<'a>>,
    },
}

/// Which series.
#[derive(Serialize)]
struct Selector<'a> {
    name: &'a str,
    matchers: Vec<Matcher<'a>>,
    #[serde(flatten)]
    moment: Moment<'a>,
    anchored: bool,
    smoothed: bool,
}

#[derive(Serialize)]
struct Matcher<'a> {
    name: &'a str,
    value: Cow<'a, str>,
    #[serde(rename = "type")]
    op: &'static str,
}

/// `offset` and `@`: lengths and times in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Moment<'a> {
    offset: i64,
    offset_expr: Option<Length<'a>>,
    timestamp: Option<i64>,
    start_or_end: Option<&'static str>,
}

/// How the series of two operands find each other.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Matching<'a> {
    card: &'static str,
    labels: Vec<&'a str>,
    on: bool,
    include: Vec<&'a str>,
    fill_values: FillValues,
}

#[derive(Serialize)]
struct FillValues {
    lhs: Option<Number>,
    rhs: Option<Number>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Function {
    name: &'static str,
    arg_types: Vec<&'static str>,
    variadic: i8,
    return_type: &'static str,
}

impl<'a> Node<'a> {
    fn of(expr: &'a Expr) -> Self {
        match expr {
            Expr::Number(number) => Self::NumberLiteral {
                val: decimal(number.value),
            },
            Expr::String(text) => Self::StringLiteral {
                val: String::from_utf8_lossy(text.as_bytes()),
            },
            Expr::Vector(selector) => Self::VectorSelector {
                selector: Selector::of(selector),
            },
            Expr::Matrix(matrix) => {
                let (range, range_expr) = milliseconds(Some(&matrix.range));
                Self::MatrixSelector {
                    range,
                    range_expr,
                    selector: Selector::of(&matrix.selector),
                }
            }
            Expr::Subquery(subquery) => Self::subquery(subquery),
            Expr::Paren(inner) => Self::ParenExpr { expr: Tree(inner) },
            Expr::Unary(op, inner) => Self::UnaryExpr {
                op: sign(*op),
                expr: Tree(inner),
            },
            Expr::Binary(binary) => Self::BinaryExpr {
                op: binary.op.as_str(),
                lhs: Tree(&binary.lhs),
                rhs: Tree(&binary.rhs),
                matching: Matching::of(binary),
                return_bool: binary.return_bool,
            },
            Expr::Aggregate(aggregate) => Self::aggregation(aggregate),
            Expr::Call(call) => Self::Call {
                func: Function::of(call),
                args: call.args.iter().map(Tree).collect(),
            },
        }
    }

    fn subquery(subquery: &'a Subquery) -> Self {
        let (range, range_expr) = milliseconds(Some(&subquery.range));
        let (step, step_expr) = milliseconds(subquery.step.as_ref());
        Self::Subquery {
            expr: Tree(&subquery.expr),
            range,
            range_expr,
            step,
            step_expr,
            moment: Moment::of(&subquery.modifiers),
        }
    }

    fn aggregation(aggregate: &'a Aggregate) -> Self {
        let grouping = aggregate.grouping.as_ref();
        Self::Aggregation {
            op: aggregate.op.as_str(),
            expr: Tree(&aggregate.expr),
            param: aggregate.param.as_ref().map(Tree),
            grouping: grouping
                .iter()
                .flat_map(|grouping| &grouping.labels)
                .map(SmallStr::as_str)
                .collect(),
            without: grouping.is_some_and(|grouping| grouping.without),
        }
    }
}

impl<'a> Selector<'a> {
    fn of(selector: &'a VectorSelector) -> Self {
        let matchers = selector.all_matchers();
        Self {
            name: selector.name.as_ref().map_or("", SmallStr::as_str),
            matchers: matchers
                .map(|(name, op, value)| Matcher {
                    name,
                    value: String::from_utf8_lossy(value),
                    op: op.as_str(),
                })
                .collect(),
            moment: Moment::of(&selector.modifiers),
            anchored: selector.extension == Some(Extension::Anchored),
            smoothed: selector.extension == Some(Extension::Smoothed),
        }
    }
}

impl<'a> Moment<'a> {
    fn of(modifiers: &'a Modifiers) -> Self {
        let (offset, offset_expr) = milliseconds(modifiers.offset.as_ref());
        Self {
            offset,
            offset_expr,
            timestamp: modifiers.at.as_ref().and_then(At::millis),
            start_or_end: modifiers.at.as_ref().and_then(|at| match at {
                At::Timestamp(_) => None,
                At::Start => Some("start"),
                At::End => Some("end"),
            }),
        }
    }
}

impl<'a> Matching<'a> {
    /// Only between vectors there is something to match.
    fn of(binary: &'a Binary) -> Option<Self> {
        let is_vector = |expr: &Expr| expr.value_type() == ValueType::InstantVector;
        if !is_vector(&binary.lhs) || !is_vector(&binary.rhs) {
            return None;
        }
        let matching = binary.matching.as_ref();
        let group: Option<&Group> = matching.and_then(|matching| matching.group.as_ref());
        let card = match group.map(|group| group.side) {
            Some(Side::Left) => "many-to-one",
            Some(Side::Right) => "one-to-many",
            None if binary.op.is_set() => "many-to-many",
            None => "one-to-one",
        };
        let labels = matching.into_iter().flat_map(|matching| &matching.labels);
        let include = group.into_iter().flat_map(|group| &group.include);
        Some(Self {
            card,
            labels: labels.map(SmallStr::as_str).collect(),
            on: matching.is_some_and(|matching| matching.on),
            include: include.map(SmallStr::as_str).collect(),
            fill_values: FillValues::of(&binary.fill),
        })
    }
}

impl FillValues {
    /// JSON has no numbers that are none or endless; they are null.
    fn of(fill: &Fill) -> Self {
        let json = |value: f64| decimal(value).parse::<Number>().ok();
        Self {
            lhs: fill.left.as_ref().and_then(|fill| json(fill.value)),
            rhs: fill.right.as_ref().and_then(|fill| json(fill.value)),
        }
    }
}

impl Function {
    fn of(call: &Call) -> Self {
        let signature = call.function.signature();
        Self {
            name: signature.name,
            arg_types: signature.args.iter().copied().map(kind).collect(),
            variadic: signature.variadic,
            return_type: kind(signature.returns),
        }
    }
}

/// Prometheus's words for types in its API.
const fn kind(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Scalar => "scalar",
        ValueType::String => "string",
        ValueType::InstantVector => "vector",
        ValueType::RangeVector => "matrix",
    }
}

const fn sign(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::Plus => "+",
        UnaryOp::Minus => "-",
    }
}

/// A number as Prometheus prints one: all its digits, no exponent.
fn decimal(value: f64) -> Cow<'static, str> {
    if value == f64::INFINITY {
        "+Inf".into()
    } else if value == f64::NEG_INFINITY {
        "-Inf".into()
    } else {
        value.to_string().into()
    }
}
