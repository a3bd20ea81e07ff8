//! `@`, `offset` and durations.

use gateway::query::promql::ast::{At, DurationExpr, DurationOp, Modifiers, UnaryOp};

use super::Promql;
use super::kinds::{AtKind, DurationKind};
use crate::matchers::{number, seconds};
use crate::vocabulary::{LENGTH, START};

impl Promql<'_> {
    pub(super) fn modifiers(&mut self) -> Modifiers {
        let offset = self.dice.chance(15).then(|| {
            let minutes = self.dice.pick(&[60, 90, 300, 600, -60, -300]);
            self.duration(minutes)
        });
        let at = self.dice.chance(10).then(|| {
            let kind = self.dice.pick(AtKind::ALL);
            self.census.saw(kind);
            match kind {
                AtKind::Timestamp => {
                    let at = START + self.dice.between(0, LENGTH);
                    let fraction = self.dice.pick(&["", ".5", ".25"]);
                    At::Timestamp(number(&format!("{at}{fraction}")))
                }
                AtKind::Start => At::Start,
                AtKind::End => At::End,
            }
        });
        Modifiers { at, offset }
    }

    /// The length of a range.
    pub(super) fn range_duration(&mut self) -> DurationExpr {
        let length = self.dice.pick(&[60, 120, 300, 300, 600, 900]);
        self.duration(length)
    }

    /// The step of a subquery.
    pub(super) fn step_duration(&mut self) -> DurationExpr {
        let length = self.dice.pick(&[30, 60, 90, 120]);
        self.duration(length)
    }

    /// So many seconds, nearly always as a literal.
    fn duration(&mut self, length: i64) -> DurationExpr {
        let kind = self.dice.weighted(DurationKind::ALL, |kind| match kind {
            DurationKind::Literal => 600,
            // Of these the embedded backend has the first two.
            DurationKind::Paren
            | DurationKind::Unary
            | DurationKind::Step
            | DurationKind::Range
            | DurationKind::Binary
            | DurationKind::Min
            | DurationKind::Max => 6,
        });
        self.census.saw(kind);
        let literal = |length: i64| DurationExpr::Literal(seconds(length));
        let boxed = |length: i64| Box::new(literal(length));
        let paren = |length: i64| Box::new(DurationExpr::Paren(boxed(length)));
        match kind {
            DurationKind::Literal => literal(length),
            DurationKind::Step => DurationExpr::Step,
            DurationKind::Range => DurationExpr::Range,
            DurationKind::Unary => DurationExpr::Unary(UnaryOp::Minus, paren(-length)),
            DurationKind::Binary => {
                let op = self.dice.pick(&[DurationOp::Add, DurationOp::Mul]);
                let pair = DurationExpr::Binary(op, boxed(length), boxed(1));
                DurationExpr::Paren(Box::new(pair))
            }
            DurationKind::Min => DurationExpr::Min(boxed(length), boxed(length)),
            DurationKind::Max => DurationExpr::Max(boxed(length), boxed(length)),
            DurationKind::Paren => DurationExpr::Paren(boxed(length)),
        }
    }
}
