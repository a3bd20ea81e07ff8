//! The parts of PromQL's tree, and how often each is made.

use gateway::query::promql::ast::{At, BinaryOp, DurationExpr, Expr, ValueType};

use crate::dice::kinds;

kinds!(ExprKind of Expr {
    Number = Expr::Number(_),
    String = Expr::String(_),
    Vector = Expr::Vector(_),
    Matrix = Expr::Matrix(_),
    Subquery = Expr::Subquery(_),
    Paren = Expr::Paren(_),
    Unary = Expr::Unary(..),
    Binary = Expr::Binary(_),
    Aggregate = Expr::Aggregate(_),
    Call = Expr::Call(_),
});

impl ExprKind {
    /// How often this kind is made where this type is wanted and so many levels are left.
    pub(super) fn weight(self, wanted: ValueType, depth: usize) -> u32 {
        let vector = wanted == ValueType::InstantVector;
        let range = wanted == ValueType::RangeVector;
        let scalar = wanted == ValueType::Scalar;
        let deeper = u32::from(depth > 0);
        match self {
            Self::Number => 10 * u32::from(scalar),
            Self::String => u32::from(wanted == ValueType::String),
            Self::Vector if depth == 0 => u32::from(vector),
            Self::Vector => 4 * u32::from(vector),
            Self::Matrix => 9 * u32::from(range),
            Self::Subquery => deeper * 2 * u32::from(range),
            Self::Paren => deeper * u32::from(vector || scalar),
            Self::Unary => deeper * u32::from(vector),
            Self::Binary => deeper * (6 * u32::from(vector) + 2 * u32::from(scalar)),
            Self::Aggregate => deeper * 7 * u32::from(vector),
            Self::Call => deeper * (12 * u32::from(vector) + 8 * u32::from(scalar)),
        }
    }
}

kinds!(BinaryOpKind of BinaryOp {
    Add = BinaryOp::Add,
    Sub = BinaryOp::Sub,
    Mul = BinaryOp::Mul,
    Div = BinaryOp::Div,
    Mod = BinaryOp::Mod,
    Pow = BinaryOp::Pow,
    Atan2 = BinaryOp::Atan2,
    Eq = BinaryOp::Eq,
    Ne = BinaryOp::Ne,
    Gt = BinaryOp::Gt,
    Lt = BinaryOp::Lt,
    Ge = BinaryOp::Ge,
    Le = BinaryOp::Le,
    And = BinaryOp::And,
    Or = BinaryOp::Or,
    Unless = BinaryOp::Unless,
    TrimUpper = BinaryOp::TrimUpper,
    TrimLower = BinaryOp::TrimLower,
});

impl BinaryOpKind {
    pub(super) fn op(self) -> BinaryOp {
        match self {
            Self::Add => BinaryOp::Add,
            Self::Sub => BinaryOp::Sub,
            Self::Mul => BinaryOp::Mul,
            Self::Div => BinaryOp::Div,
            Self::Mod => BinaryOp::Mod,
            Self::Pow => BinaryOp::Pow,
            Self::Atan2 => BinaryOp::Atan2,
            Self::Eq => BinaryOp::Eq,
            Self::Ne => BinaryOp::Ne,
            Self::Gt => BinaryOp::Gt,
            Self::Lt => BinaryOp::Lt,
            Self::Ge => BinaryOp::Ge,
            Self::Le => BinaryOp::Le,
            Self::And => BinaryOp::And,
            Self::Or => BinaryOp::Or,
            Self::Unless => BinaryOp::Unless,
            Self::TrimUpper => BinaryOp::TrimUpper,
            Self::TrimLower => BinaryOp::TrimLower,
        }
    }

    /// How often this operator is made, of those that join sets or of the others.
    pub(super) fn weight(self, set: bool) -> u32 {
        match self {
            Self::And | Self::Or | Self::Unless => 20 * u32::from(set),
            // The data of this test have no native histograms.
            Self::TrimUpper | Self::TrimLower => 4 * u32::from(!set),
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Div
            | Self::Mod
            | Self::Pow
            | Self::Atan2
            | Self::Eq
            | Self::Ne
            | Self::Gt
            | Self::Lt
            | Self::Ge
            | Self::Le => 20 * u32::from(!set),
        }
    }
}

kinds!(AtKind of At {
    Timestamp = At::Timestamp(_),
    Start = At::Start,
    End = At::End,
});

kinds!(DurationKind of DurationExpr {
    Literal = DurationExpr::Literal(_),
    Step = DurationExpr::Step,
    Range = DurationExpr::Range,
    Unary = DurationExpr::Unary(..),
    Binary = DurationExpr::Binary(..),
    Min = DurationExpr::Min(..),
    Max = DurationExpr::Max(..),
    Paren = DurationExpr::Paren(_),
});
