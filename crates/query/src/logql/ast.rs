//! The tree of a LogQL query.
//!
//! Parentheses that change nothing are not kept: the printer puts them where they are needed. And
//! what Loki takes for the same has one tree, which the parser gives:
//! - `!= "a" or "b"` is `!= "a" != "b"`, two stages (neither may match), for `!~` and `!>` as well;
//! - `sum by () (…)` is `sum(…)`;
//! - `ignoring ()` without `group_left` or `group_right` is left out, `offset 0s` too;
//! - `a, b` and `a b` between label filters are `a and b`.
//!
//! Arithmetic on numbers is kept as it was written (Loki computes `1 + 1` while it parses).

use crate::duration::Duration;
use crate::matcher::Matcher;
use crate::number::Number;
use crate::small_str::SmallStr;
use crate::text::Text;

/// A LogQL query: log lines or samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// `{app="x"} |= "y" | json`: answers with log lines.
    Log(LogExpr),
    /// `rate({app="x"}[5m])`: answers with samples.
    Metric(MetricExpr),
}

/// A stream selector and what its lines go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogExpr {
    /// `{app="x"}`
    pub selector: Selector,
    /// The pipeline, in order.
    pub stages: Vec<Stage>,
}

/// A stream selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The matchers, in their order.
    pub matchers: Vec<Matcher>,
}

/// One stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `|= "x"`, `!~ "y" or "z"`
    Line(LineFilter),
    /// `| json`, `| json a="b.c", d`
    Json(Vec<Extraction>),
    /// `| logfmt --strict --keep-empty a="b"`
    Logfmt(Logfmt),
    /// `| regexp "…"`
    Regexp(Text),
    /// `| pattern "…"`
    Pattern(Text),
    /// `| unpack`
    Unpack,
    /// `| decolorize`
    Decolorize,
    /// `| status >= 500 and duration > 1s`
    Label(LabelFilter),
    /// `| line_format "…"`
    LineFormat(Text),
    /// `| label_format a=b, c="…"`
    LabelFormat(Vec<LabelFormat>),
    /// `| drop a, b="x"`
    Drop(Vec<LabelOrMatcher>),
    /// `| keep a, b="x"`
    Keep(Vec<LabelOrMatcher>),
}

/// A line filter: one operator over one or more alternatives joined by `or`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFilter {
    /// The operator.
    pub op: LineOp,
    /// What is looked for; never empty. The parser gives a negated operator one each.
    pub alternatives: Vec<LineMatch>,
}

/// A line filter's operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineOp {
    /// `|=`
    Contains,
    /// `!=`
    NotContains,
    /// `|~`
    Regex,
    /// `!~`
    NotRegex,
    /// `|>`
    Pattern,
    /// `!>`
    NotPattern,
}

/// One alternative of a line filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineMatch {
    /// `"text"`, a regex or a pattern, by the operator
    Text(Text),
    /// `ip("192.168.0.0/16")`
    Ip(Text),
}

/// `label="expression"` of `json` and `logfmt`; a bare `label` is `label="label"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// The label to set.
    pub label: SmallStr,
    /// Where its value is.
    pub expression: Text,
}

/// `| logfmt` with its flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logfmt {
    /// `--strict`
    pub strict: bool,
    /// `--keep-empty`
    pub keep_empty: bool,
    /// Which fields; empty for all.
    pub extractions: Vec<Extraction>,
}

/// A condition on labels.
#[derive(Debug, PartialEq, Eq)]
pub enum LabelFilter {
    /// `a="x"`, `a=~"x"`
    Match(Matcher),
    /// `a = ip("…")`, `a != ip("…")`
    Ip(IpFilter),
    /// `a > 5`
    Number(SmallStr, CompareOp, Number),
    /// `a > 5s`
    Duration(SmallStr, CompareOp, Duration),
    /// `a > 5KB`
    Bytes(SmallStr, CompareOp, Bytes),
    /// `a and b`, `a, b`, `a b`
    And(Box<LabelFilter>, Box<LabelFilter>),
    /// `a or b`
    Or(Box<LabelFilter>, Box<LabelFilter>),
}

/// `label = ip("…")`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpFilter {
    /// The label.
    pub label: SmallStr,
    /// `!=` rather than `=`.
    pub negated: bool,
    /// An address, a range or a CIDR.
    pub pattern: Text,
}

/// A number of bytes. Two are equal when they mean the same number, however they were written.
#[derive(Clone, Debug)]
pub struct Bytes {
    /// How many.
    pub value: u64,
    /// The literal as it was written, and as it is printed again.
    pub text: SmallStr,
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Bytes {}

/// A comparison in a label filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==` (or `=`)
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
}

/// One assignment of `label_format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelFormat {
    /// `to=from`
    Rename {
        /// The new name.
        to: SmallStr,
        /// The old name.
        from: SmallStr,
    },
    /// `label="{{.template}}"`
    Template {
        /// The label to set.
        label: SmallStr,
        /// A Go text template.
        template: Text,
    },
}

/// An item of `drop` or `keep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelOrMatcher {
    /// `a`
    Label(SmallStr),
    /// `a="x"`
    Matcher(Matcher),
}

/// An expression that answers with samples.
#[derive(Debug, PartialEq, Eq)]
pub enum MetricExpr {
    /// `rate({…}[5m])`
    Range(Box<RangeAggregation>),
    /// `sum by (x) (…)`
    Vector(Box<VectorAggregation>),
    /// `a / b`
    Binary(Box<Binary>),
    /// `42`
    Literal(Number),
    /// `vector(1)`
    VectorLiteral(Number),
    /// `label_replace(…)`
    LabelReplace(Box<LabelReplace>),
}

/// `rate({…}[5m]) by (x)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeAggregation {
    /// The operation.
    pub op: RangeOp,
    /// The number in front: the quantile of `quantile_over_time`.
    pub param: Option<Number>,
    /// The lines.
    pub range: LogRange,
    /// `by (…)` or `without (…)`
    pub grouping: Option<Grouping>,
}

/// A log expression over a range of time. Range before or after the pipeline is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// Which lines.
    pub log: LogExpr,
    /// `| unwrap x | …`
    pub unwrap: Option<Unwrap>,
    /// `[5m]`
    pub range: Duration,
    /// `offset 1h`
    pub offset: Option<Duration>,
}

/// `| unwrap conversion(label)`, with the label filters behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwrap {
    /// The label whose value is the sample.
    pub label: SmallStr,
    /// How the value is read; `None` as a number.
    pub conversion: Option<Conversion>,
    /// Filters that run after the conversion, in order.
    pub post_filters: Vec<LabelFilter>,
}

/// How `unwrap` reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conversion {
    /// `bytes(x)`
    Bytes,
    /// `duration(x)`
    Duration,
    /// `duration_seconds(x)`
    DurationSeconds,
}

/// An operation over a log range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the operation of its name
pub enum RangeOp {
    CountOverTime,
    Rate,
    RateCounter,
    BytesOverTime,
    BytesRate,
    AvgOverTime,
    SumOverTime,
    MinOverTime,
    MaxOverTime,
    StdvarOverTime,
    StddevOverTime,
    QuantileOverTime,
    FirstOverTime,
    LastOverTime,
    AbsentOverTime,
}

/// `sum by (x) (…)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorAggregation {
    /// The operator.
    pub op: VectorOp,
    /// The number in front, a whole one greater than 0: k of `topk`, `bottomk` and `approx_topk`.
    pub param: Option<Number>,
    /// What is aggregated.
    pub expr: MetricExpr,
    /// `by (…)` or `without (…)`
    pub grouping: Option<Grouping>,
}

/// An aggregation operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the operator of its name
pub enum VectorOp {
    Sum,
    Avg,
    Count,
    Max,
    Min,
    Stddev,
    Stdvar,
    Bottomk,
    Topk,
    ApproxTopk,
    Sort,
    SortDesc,
}

/// `by (…)` or `without (…)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// `without` rather than `by`.
    pub without: bool,
    /// The labels; may be empty.
    pub labels: Vec<SmallStr>,
}

/// `lhs op rhs`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// `bool`: a comparison answers 0 or 1 and does not filter.
    pub return_bool: bool,
    /// `on`, `ignoring`, `group_left`, `group_right`; `None` where neither was written.
    pub matching: Option<VectorMatching>,
    /// The left operand.
    pub lhs: MetricExpr,
    /// The right operand.
    pub rhs: MetricExpr,
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `unless`
    Unless,
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
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
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
    /// `group_right` rather than `group_left`.
    pub right: bool,
    /// Labels that are taken over from the side that has one.
    pub include: Vec<SmallStr>,
}

/// `label_replace(expr, "dst", "replacement", "src", "regex")`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelReplace {
    /// The vector.
    pub expr: MetricExpr,
    /// The label to set.
    pub dst: Text,
    /// What to set it to, with `$1`.
    pub replacement: Text,
    /// The label to read.
    pub src: Text,
    /// The regex, anchored at both ends.
    pub regex: Text,
}
