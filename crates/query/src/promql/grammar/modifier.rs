//! What stands between a binary operator and its right side, and lists of labels.

use super::Parser;
use crate::error::Parsed;
use crate::promql::ast::{Binary, BinaryOp, Fill, Group, Grouping, Side, VectorMatching};
use crate::promql::lexer::{Keyword, Kind};
use crate::small_str::SmallStr;

impl Parser<'_> {
    /// The modifiers of `binary`, of which the left side and the operator have been read: `bool`,
    /// `on (…)`, `group_left (…)`, `fill (…)`.
    pub(super) fn modifiers(&mut self, binary: &mut Binary) -> Parsed<()> {
        let op = binary.op;
        if self.token.kind == Kind::Keyword(Keyword::Bool) {
            if !op.is_comparison() {
                let message = format!(
                    "bool is only allowed in comparisons, not with {}",
                    op.as_str()
                );
                return Err(self.error(self.token.start, message));
            }
            binary.return_bool = true;
            self.advance()?;
        }
        let on = self.token.kind == Kind::Keyword(Keyword::On);
        if on || self.token.kind == Kind::Keyword(Keyword::Ignoring) {
            self.advance()?;
            let labels = self.labels()?;
            let group = self.group()?;
            // `ignoring ()` alone matches like nothing at all.
            if on || !labels.is_empty() || group.is_some() {
                binary.matching = Some(VectorMatching { on, labels, group });
            }
        }
        self.fill(&mut binary.fill)
    }

    fn group(&mut self) -> Parsed<Option<Group>> {
        let side = if self.token.kind == Kind::Keyword(Keyword::GroupLeft) {
            Side::Left
        } else if self.token.kind == Kind::Keyword(Keyword::GroupRight) {
            Side::Right
        } else {
            return Ok(None);
        };
        self.advance()?;
        let include = if self.token.kind == Kind::OpenParen {
            self.labels()?
        } else {
            Vec::new()
        };
        Ok(Some(Group { side, include }))
    }

    fn fill(&mut self, fill: &mut Fill) -> Parsed<()> {
        if self.token.kind == Kind::Keyword(Keyword::Fill) {
            fill.left = Some(self.fill_value()?);
            fill.right.clone_from(&fill.left);
            return Ok(());
        }
        // Each once, in either order.
        for _ in 0..2 {
            if fill.left.is_none() && self.token.kind == Kind::Keyword(Keyword::FillLeft) {
                fill.left = Some(self.fill_value()?);
            }
            if fill.right.is_none() && self.token.kind == Kind::Keyword(Keyword::FillRight) {
                fill.right = Some(self.fill_value()?);
            }
        }
        Ok(())
    }

    /// The number in parentheses behind the keyword that is looked at.
    fn fill_value(&mut self) -> Parsed<crate::number::Number> {
        self.advance()?;
        self.expect(Kind::OpenParen, "\"(\"")?;
        let number = self.signed_number("a number")?;
        self.expect(Kind::CloseParen, "\")\"")?;
        Ok(number)
    }

    /// `by (…)` or `without (…)`, if that is what is looked at.
    pub(super) fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let without = self.token.kind == Kind::Keyword(Keyword::Without);
        if !without && self.token.kind != Kind::Keyword(Keyword::By) {
            return Ok(None);
        }
        self.advance()?;
        let labels = self.labels()?;
        Ok(Some(Grouping { without, labels }))
    }

    /// Label names in parentheses.
    fn labels(&mut self) -> Parsed<Vec<SmallStr>> {
        let mut labels = Vec::new();
        self.expect(Kind::OpenParen, "\"(\"")?;
        loop {
            // At the beginning, or behind a comma, which may stand behind the last label, too.
            if self.token.kind == Kind::CloseParen {
                break;
            }
            labels.push(self.label()?);
            if self.token.kind == Kind::CloseParen {
                break;
            }
            self.expect(Kind::Comma, "\",\" or \")\"")?;
        }
        self.advance()?;
        Ok(labels)
    }

    fn label(&mut self) -> Parsed<SmallStr> {
        let token = self.token;
        let bare = match token.kind {
            Kind::Name | Kind::MetricName | Kind::Operator(BinaryOp::Atan2) => true,
            Kind::Keyword(keyword) => keyword.names_a_label(),
            Kind::End
            | Kind::Number
            | Kind::Duration
            | Kind::String
            | Kind::Operator(_)
            | Kind::Assign
            | Kind::Matches
            | Kind::MatchesNot
            | Kind::OpenParen
            | Kind::CloseParen
            | Kind::OpenBrace
            | Kind::CloseBrace
            | Kind::OpenBracket
            | Kind::CloseBracket
            | Kind::Comma
            | Kind::Colon
            | Kind::At => false,
        };
        let label = if bare {
            self.lexer.text(token).into()
        } else if token.kind == Kind::String {
            self.unquoted_name(token)?
        } else {
            return Err(self.unexpected("a label name"));
        };
        if label.is_empty() {
            return Err(self.error(token.start, "a label name must not be empty"));
        }
        self.advance()?;
        Ok(label)
    }
}
