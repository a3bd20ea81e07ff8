//! Binary operators, their modifiers, and which binds closer.

use super::{Left, Operand, Waiting};
use crate::error::Parsed;
use crate::limits::MAX_DEPTH;
use crate::logql::ast::{Binary, BinaryOp, Group, MetricExpr, VectorMatching};
use crate::logql::grammar::Parser;
use crate::logql::lexer::Kind;

impl Parser<'_> {
    pub(super) fn binary_op(&self) -> Option<BinaryOp> {
        Some(match self.kind() {
            Kind::Or => BinaryOp::Or,
            Kind::And => BinaryOp::And,
            Kind::Unless => BinaryOp::Unless,
            Kind::Add => BinaryOp::Add,
            Kind::Sub => BinaryOp::Sub,
            Kind::Mul => BinaryOp::Mul,
            Kind::Div => BinaryOp::Div,
            Kind::Mod => BinaryOp::Mod,
            Kind::Pow => BinaryOp::Pow,
            Kind::Compare => BinaryOp::Eq,
            Kind::NotEqual => BinaryOp::Ne,
            Kind::Greater => BinaryOp::Gt,
            Kind::GreaterEqual => BinaryOp::Ge,
            Kind::Less => BinaryOp::Lt,
            Kind::LessEqual => BinaryOp::Le,
            _ => return None,
        })
    }

    /// The operator that is looked at, with its modifiers, behind its left side.
    pub(super) fn left(&mut self, lhs: Operand, op: BinaryOp) -> Parsed<Left> {
        let at = self.advance()?.start;
        let return_bool = self.take(Kind::Bool)?;
        Ok(Left {
            lhs,
            op,
            at,
            return_bool,
            matching: self.matching()?,
        })
    }

    fn matching(&mut self) -> Parsed<Option<VectorMatching>> {
        let on = match self.kind() {
            Kind::On => true,
            Kind::Ignoring => false,
            _ => return Ok(None),
        };
        self.advance()?;
        let labels = self.label_list()?;
        let group = match self.kind() {
            Kind::GroupLeft => Some(false),
            Kind::GroupRight => Some(true),
            _ => None,
        };
        let group = match group {
            None => None,
            Some(right) => {
                self.advance()?;
                let include = match self.kind() {
                    Kind::OpenParen => self.label_list()?,
                    _ => Vec::new(),
                };
                Some(Group { right, include })
            }
        };
        // To ignore no label is what happens anyhow.
        if !on && labels.is_empty() && group.is_none() {
            return Ok(None);
        }
        Ok(Some(VectorMatching { on, labels, group }))
    }

    /// Joins what waits for `right` since the last bracket and binds closer than `next`, or all of
    /// it.
    pub(super) fn join(
        &self,
        waiting: &mut Vec<Waiting>,
        mut right: Operand,
        next: Option<BinaryOp>,
    ) -> Parsed<Operand> {
        while let Some(Waiting::Binary(left)) = waiting.last() {
            let closer = next.is_none_or(|next| {
                left.op.precedence() > next.precedence()
                    || left.op.precedence() == next.precedence() && !next.groups_to_the_right()
            });
            if !closer {
                break;
            }
            let Some(Waiting::Binary(left)) = waiting.pop() else {
                break;
            };
            right = self.binary(*left, right)?;
        }
        Ok(right)
    }

    fn binary(&self, left: Left, right: Operand) -> Parsed<Operand> {
        let literal = left.lhs.literal && right.literal;
        if left.op.is_set() {
            for side in [&left.lhs, &right] {
                if side.literal {
                    return Err(self.error(
                        side.at,
                        format!("{} joins series and takes no number", left.op.as_str()),
                    ));
                }
            }
        }
        let height = left.lhs.height.max(right.height) + 1;
        if height > MAX_DEPTH {
            return Err(self.too_deep(left.at));
        }
        let at = left.lhs.at;
        let what = left.op.as_str();
        let binary = Binary {
            op: left.op,
            return_bool: left.return_bool,
            matching: left.matching,
            lhs: self.samples(left.lhs, what)?,
            rhs: self.samples(right, what)?,
        };
        Ok(Operand {
            literal,
            ..Operand::metric(MetricExpr::Binary(Box::new(binary)), height, at)
        })
    }
}
