//! The tree of a PromQL query.
//!
//! Only what the grammar accepts and the type check passed can be built by [`super::parse`]; the
//! fields are public so that evaluators and tests can read and build trees.

use crate::duration::Duration;
use crate::matcher::Matcher;
use crate::number::Number;
use crate::small_str::SmallStr;
use crate::text::Text;

/// A PromQL expression.
#[derive(Debug, PartialEq, Eq)]
pub enum Expr {
    /// `1`, `0x1f`, `Inf`, and `5m` where a number may stand (300).
    Number(Number),
    /// `"text"`
    String(Text),
    /// `up{job="x"} offset 5m`: an instant vector selector.
    Vector(Box<VectorSelector>),
    /// `up{job="x"}[5m] offset 1h`: a range vector selector.
    Matrix(Box<MatrixSelector>),
    /// `rate(up[5m])[1h:1m]`
    Subquery(Box<Subquery>),
    /// `(expr)`: kept, it changes what `offset` and printing mean.
    Paren(Box<Expr>),
    /// `-expr`, `+expr`. The sign of a number belongs to the number.
    Unary(UnaryOp, Box<Expr>),
    /// `lhs op rhs`
    Binary(Box<Binary>),
    /// `sum by (x) (expr)`
    Aggregate(Box<Aggregate>),
    /// `rate(expr)`
    Call(Call),
}

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// One number.
    Scalar,
    /// One string.
    String,
    /// A set of series with one sample each.
    InstantVector,
    /// A set of series with the samples of a range each.
    RangeVector,
}

/// An instant vector selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VectorSelector {
    /// The metric name in front of the braces. It is a matcher `__name__="name"`, too:
    /// [`VectorSelector::all_matchers`] has both kinds.
    pub name: Option<SmallStr>,
    /// The matchers inside the braces, in their order. A bare string there (`{"http.requests"}`)
    /// is the matcher `__name__="http.requests"`.
    pub matchers: Vec<Matcher>,
    /// `anchored` or `smoothed` (experimental).
    pub extension: Option<Extension>,
    /// `@` and `offset`.
    pub modifiers: Modifiers,
}

/// Experimental ways to take samples at a range's edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// `anchored`
    Anchored,
    /// `smoothed`
    Smoothed,
}

/// The time modifiers of a selector or a subquery. Their order in the text means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// `@`
    pub at: Option<At>,
    /// `offset`. A plain `offset 0s` is none, as with Prometheus.
    pub offset: Option<DurationExpr>,
}

/// What stands behind `@`. Two times are equal when their milliseconds are.
#[derive(Clone, Debug)]
pub enum At {
    /// Unix time in seconds, possibly negative or fractional. Prometheus rounds it to
    /// milliseconds.
    Timestamp(Number),
    /// `start()`
    Start,
    /// `end()`
    End,
}

impl At {
    /// The time in milliseconds; `None` for `start()` and `end()`.
    #[must_use]
    pub fn millis(&self) -> Option<i64> {
        match self {
            #[allow(clippy::cast_possible_truncation)] // the parser lets only what fits through
            Self::Timestamp(time) => Some((time.value * 1000.0).round() as i64),
            Self::Start | Self::End => None,
        }
    }
}

impl PartialEq for At {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Timestamp(_), Self::Timestamp(_)) => self.millis() == other.millis(),
            (Self::Start, Self::Start) | (Self::End, Self::End) => true,
            (Self::Timestamp(_) | Self::Start | Self::End, _) => false,
        }
    }
}

impl Eq for At {}

/// A range vector selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixSelector {
    /// Which series, and when.
    pub selector: VectorSelector,
    /// How far back.
    pub range: DurationExpr,
}

/// A subquery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subquery {
    /// What is evaluated at every step.
    pub expr: Expr,
    /// How far back.
    pub range: DurationExpr,
    /// The step; `None` is the backend's default.
    pub step: Option<DurationExpr>,
    /// `@` and `offset`.
    pub modifiers: Modifiers,
}

/// A duration: a literal or (experimental) an expression over literals, `step()` and `range()`.
#[derive(Debug, PartialEq, Eq)]
pub enum DurationExpr {
    /// `5m`, `1h30m`, and plain seconds such as `300` or `1.5`.
    Literal(Duration),
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `-x`, `+x`. The sign of a literal belongs to the literal, and a plus before anything else
    /// means nothing and is dropped by the parser.
    Unary(UnaryOp, Box<DurationExpr>),
    /// `a + b`, and `-`, `*`, `/`, `%`, `^`
    Binary(DurationOp, Box<DurationExpr>, Box<DurationExpr>),
    /// `min_of(a, b)`
    Min(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`
    Max(Box<DurationExpr>, Box<DurationExpr>),
    /// `(x)`
    Paren(Box<DurationExpr>),
}

/// Arithmetic between durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the operator of its name
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

/// `lhs op rhs`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// `bool`: a comparison answers 0 or 1 and does not filter.
    pub return_bool: bool,
    /// `on`, `ignoring`, `group_left`, `group_right`; `None` where neither was written, where
    /// they mean nothing (an operand is a scalar), and for `ignoring ()` alone.
    pub matching: Option<VectorMatching>,
    /// `fill`, `fill_left`, `fill_right` (experimental).
    pub fill: Fill,
    /// The left operand.
    pub lhs: Expr,
    /// The right operand.
    pub rhs: Expr,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `atan2`
    Atan2,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `<`
    Lt,
    /// `>=`
    Ge,
    /// `<=`
    Le,
    /// `and`
    And,
    /// `or`
    Or,
    /// `unless`
    Unless,
    /// `</`: native histogram trimming, keeps what is below (experimental)
    TrimUpper,
    /// `>/`: native histogram trimming, keeps what is above (experimental)
    TrimLower,
}

/// How the series of both operands find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorMatching {
    /// `on (…)` rather than `ignoring (…)`.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<SmallStr>,
    /// `group_left` or `group_right`.
    pub group: Option<Group>,
}

/// Many-to-one or one-to-many matching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which side has many.
    pub side: Side,
    /// Labels that are taken over from the side that has one.
    pub include: Vec<SmallStr>,
}

/// A side of a binary operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `group_left`
    Left,
    /// `group_right`
    Right,
}

/// Values that stand in for a missing partner (experimental).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// For a missing left side.
    pub left: Option<Number>,
    /// For a missing right side.
    pub right: Option<Number>,
}

/// An aggregation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    /// The operator.
    pub op: AggregateOp,
    /// The first argument of `topk`, `bottomk`, `quantile`, `count_values`, `limitk`, `limit_ratio`.
    pub param: Option<Expr>,
    /// What is aggregated.
    pub expr: Expr,
    /// `by (…)` or `without (…)`; `None` where neither was written and for `by ()` (all into one).
    pub grouping: Option<Grouping>,
}

/// An aggregation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the operator of its name
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    /// Experimental.
    Limitk,
    /// Experimental.
    LimitRatio,
}

/// `by (…)` or `without (…)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// `without` rather than `by`.
    pub without: bool,
    /// The labels.
    pub labels: Vec<SmallStr>,
}

/// A function call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which function.
    pub function: super::functions::Function,
    /// Its arguments.
    pub args: Vec<Expr>,
}
