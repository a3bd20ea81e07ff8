//! The parts of LogQL's tree.

use gateway::query::logql::ast::{
    BinaryOp, CompareOp, Conversion, LabelFilter, LabelFormat, LabelOrMatcher, LineMatch, LineOp,
    MetricExpr, Stage,
};

use crate::dice::kinds;

kinds!(StageKind of Stage {
    Line = Stage::Line(_),
    Json = Stage::Json(_),
    Logfmt = Stage::Logfmt(_),
    Regexp = Stage::Regexp(_),
    Pattern = Stage::Pattern(_),
    Unpack = Stage::Unpack,
    Decolorize = Stage::Decolorize,
    Label = Stage::Label(_),
    LineFormat = Stage::LineFormat(_),
    LabelFormat = Stage::LabelFormat(_),
    Drop = Stage::Drop(_),
    Keep = Stage::Keep(_),
});

kinds!(LineOpKind of LineOp {
    Contains = LineOp::Contains,
    NotContains = LineOp::NotContains,
    Regex = LineOp::Regex,
    NotRegex = LineOp::NotRegex,
    Pattern = LineOp::Pattern,
    NotPattern = LineOp::NotPattern,
});

impl LineOpKind {
    pub(super) fn op(self) -> LineOp {
        match self {
            Self::Contains => LineOp::Contains,
            Self::NotContains => LineOp::NotContains,
            Self::Regex => LineOp::Regex,
            Self::NotRegex => LineOp::NotRegex,
            Self::Pattern => LineOp::Pattern,
            Self::NotPattern => LineOp::NotPattern,
        }
    }
}

kinds!(MatchKind of LineMatch {
    Text = LineMatch::Text(_),
    Ip = LineMatch::Ip(_),
});

kinds!(FilterKind of LabelFilter {
    Match = LabelFilter::Match(_),
    Ip = LabelFilter::Ip(_),
    Number = LabelFilter::Number(..),
    Duration = LabelFilter::Duration(..),
    Bytes = LabelFilter::Bytes(..),
    And = LabelFilter::And(..),
    Or = LabelFilter::Or(..),
});

kinds!(CompareKind of CompareOp {
    Eq = CompareOp::Eq,
    Ne = CompareOp::Ne,
    Gt = CompareOp::Gt,
    Ge = CompareOp::Ge,
    Lt = CompareOp::Lt,
    Le = CompareOp::Le,
});

impl CompareKind {
    pub(super) fn op(self) -> CompareOp {
        match self {
            Self::Eq => CompareOp::Eq,
            Self::Ne => CompareOp::Ne,
            Self::Gt => CompareOp::Gt,
            Self::Ge => CompareOp::Ge,
            Self::Lt => CompareOp::Lt,
            Self::Le => CompareOp::Le,
        }
    }
}

kinds!(FormatKind of LabelFormat {
    Rename = LabelFormat::Rename { .. },
    Template = LabelFormat::Template { .. },
});

kinds!(ItemKind of LabelOrMatcher {
    Label = LabelOrMatcher::Label(_),
    Matcher = LabelOrMatcher::Matcher(_),
});

kinds!(ConversionKind of Conversion {
    Bytes = Conversion::Bytes,
    Duration = Conversion::Duration,
    DurationSeconds = Conversion::DurationSeconds,
});

kinds!(MetricKind of MetricExpr {
    Range = MetricExpr::Range(_),
    Vector = MetricExpr::Vector(_),
    Binary = MetricExpr::Binary(_),
    Literal = MetricExpr::Literal(_),
    VectorLiteral = MetricExpr::VectorLiteral(_),
    LabelReplace = MetricExpr::LabelReplace(_),
});

kinds!(BinaryOpKind of BinaryOp {
    Or = BinaryOp::Or,
    And = BinaryOp::And,
    Unless = BinaryOp::Unless,
    Add = BinaryOp::Add,
    Sub = BinaryOp::Sub,
    Mul = BinaryOp::Mul,
    Div = BinaryOp::Div,
    Mod = BinaryOp::Mod,
    Pow = BinaryOp::Pow,
    Eq = BinaryOp::Eq,
    Ne = BinaryOp::Ne,
    Gt = BinaryOp::Gt,
    Ge = BinaryOp::Ge,
    Lt = BinaryOp::Lt,
    Le = BinaryOp::Le,
});

impl BinaryOpKind {
    pub(super) fn op(self) -> BinaryOp {
        match self {
            Self::Or => BinaryOp::Or,
            Self::And => BinaryOp::And,
            Self::Unless => BinaryOp::Unless,
            Self::Add => BinaryOp::Add,
            Self::Sub => BinaryOp::Sub,
            Self::Mul => BinaryOp::Mul,
            Self::Div => BinaryOp::Div,
            Self::Mod => BinaryOp::Mod,
            Self::Pow => BinaryOp::Pow,
            Self::Eq => BinaryOp::Eq,
            Self::Ne => BinaryOp::Ne,
            Self::Gt => BinaryOp::Gt,
            Self::Ge => BinaryOp::Ge,
            Self::Lt => BinaryOp::Lt,
            Self::Le => BinaryOp::Le,
        }
    }
}
