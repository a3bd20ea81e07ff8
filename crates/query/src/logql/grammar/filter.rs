//! Label filters: conditions joined by `and`, `or`, commas or nothing at all.

use super::{Parser, Tall};
use crate::duration::Duration;
use crate::error::Parsed;
use crate::limits::MAX_DEPTH;
use crate::logql::ast::{Bytes, CompareOp, IpFilter, LabelFilter};
use crate::logql::check;
use crate::logql::lexer::Kind;
use crate::matcher::{MatchOp, Matcher};
use crate::small_str::SmallStr;
use crate::text::Text;

/// What waits for the condition on its right.
enum Waiting {
    /// An open bracket.
    Bracket,
    /// A left side and what joins it.
    Left(Tall<LabelFilter>, Join),
}

/// What joins two conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
    /// A comma, or nothing: it means `and` but has no precedence in Loki's grammar, so that it
    /// takes all that follows as its right side: `a, b or c` is `a and (b or c)`.
    Sequence,
}

impl Parser<'_> {
    /// A label filter; the token is its first.
    pub(super) fn label_filter(&mut self) -> Parsed<Tall<LabelFilter>> {
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut brackets = 0;
        loop {
            while self.kind() == Kind::OpenParen {
                brackets += 1;
                if brackets > MAX_DEPTH {
                    return Err(self.too_deep(self.token.start));
                }
                waiting.push(Waiting::Bracket);
                self.advance()?;
            }
            let mut right = (self.condition()?, 1);
            loop {
                let join = match self.kind() {
                    Kind::And => Join::And,
                    Kind::Or => Join::Or,
                    Kind::Comma | Kind::Identifier | Kind::OpenParen => Join::Sequence,
                    Kind::CloseParen if brackets > 0 => {
                        right = self.join_all(&mut waiting, right)?;
                        waiting.pop();
                        brackets -= 1;
                        self.advance()?;
                        continue;
                    }
                    _ if brackets > 0 => return Err(self.unexpected("and, or, a comma or )")),
                    _ => return self.join_all(&mut waiting, right),
                };
                // `and` binds closer than `or`, both group to the left, and neither takes the
                // right side away from a comma.
                while let Some(Waiting::Left(_, before)) = waiting.last()
                    && match (before, join) {
                        (Join::And, Join::And | Join::Or) | (Join::Or, Join::Or) => true,
                        (Join::Or, Join::And) | (Join::Sequence, _) | (_, Join::Sequence) => false,
                    }
                {
                    right = self.join_last(&mut waiting, right)?;
                }
                waiting.push(Waiting::Left(right, join));
                if !matches!(self.kind(), Kind::Identifier | Kind::OpenParen) {
                    self.advance()?;
                }
                break;
            }
        }
    }

    /// Joins what waits since the last open bracket, or since the start.
    fn join_all(
        &self,
        waiting: &mut Vec<Waiting>,
        mut right: Tall<LabelFilter>,
    ) -> Parsed<Tall<LabelFilter>> {
        while matches!(waiting.last(), Some(Waiting::Left(..))) {
            right = self.join_last(waiting, right)?;
        }
        Ok(right)
    }

    fn join_last(
        &self,
        waiting: &mut Vec<Waiting>,
        right: Tall<LabelFilter>,
    ) -> Parsed<Tall<LabelFilter>> {
        let Some(Waiting::Left(left, join)) = waiting.pop() else {
            return Ok(right);
        };
        let height = left.1.max(right.1) + 1;
        if height > MAX_DEPTH {
            return Err(self.too_deep(self.token.start));
        }
        let (left, right) = (Box::new(left.0), Box::new(right.0));
        let joined = match join {
            Join::And | Join::Sequence => LabelFilter::And(left, right),
            Join::Or => LabelFilter::Or(left, right),
        };
        Ok((joined, height))
    }

    /// One comparison: `a="x"`, `a=~"x"`, `a=ip("…")`, `a > 5`, `a > 5s`, `a > 5KB`.
    fn condition(&mut self) -> Parsed<LabelFilter> {
        let start = self.token;
        let name = self.identifier("a label filter, as in status >= 500")?;
        let compare = match self.kind() {
            Kind::Equal | Kind::Compare => CompareOp::Eq,
            Kind::NotEqual => CompareOp::Ne,
            Kind::Greater => CompareOp::Gt,
            Kind::GreaterEqual => CompareOp::Ge,
            Kind::Less => CompareOp::Lt,
            Kind::LessEqual => CompareOp::Le,
            Kind::Regex => {
                self.advance()?;
                return self.text_condition(name, MatchOp::Regex);
            }
            Kind::NotRegex => {
                self.advance()?;
                return self.text_condition(name, MatchOp::NotRegex);
            }
            _ => {
                if let Some(stage) = check::similar_stage(&name) {
                    let message = format!("unknown stage {name}, did you mean {stage}?");
                    return Err(self.error(start.start, message));
                }
                return Err(self.unexpected("a comparison, as in status >= 500"));
            }
        };
        let op = self.advance()?;
        // Only `=` and `!=` compare text.
        let text = match op.kind {
            Kind::Equal => Some(MatchOp::Equal),
            Kind::NotEqual => Some(MatchOp::NotEqual),
            _ => None,
        };
        match (self.kind(), text) {
            (Kind::String, Some(op)) => self.text_condition(name, op),
            (Kind::Ip, Some(op)) => {
                let pattern = self.ip()?;
                Ok(LabelFilter::Ip(IpFilter {
                    label: name,
                    negated: op == MatchOp::NotEqual,
                    pattern,
                }))
            }
            (Kind::Duration(nanos), _) => {
                let token = self.advance()?;
                let text = self.source(token).into();
                Ok(LabelFilter::Duration(
                    name,
                    compare,
                    Duration { nanos, text },
                ))
            }
            (Kind::Bytes(value), _) => {
                let token = self.advance()?;
                let text = self.source(token).into();
                Ok(LabelFilter::Bytes(name, compare, Bytes { value, text }))
            }
            _ => match self.signed_number()? {
                Some(number) => Ok(LabelFilter::Number(name, compare, number)),
                None if text.is_some() => {
                    Err(self.unexpected("a string, number, duration, byte size or ip(…)"))
                }
                None => Err(self.unexpected("a number, duration or byte size")),
            },
        }
    }

    fn text_condition(&mut self, name: SmallStr, op: MatchOp) -> Parsed<LabelFilter> {
        let value = self.matched(op)?;
        Ok(LabelFilter::Match(Matcher { name, op, value }))
    }

    /// `ip("…")`
    pub(super) fn ip(&mut self) -> Parsed<Text> {
        self.expect(Kind::Ip, "ip(…)")?;
        self.expect(Kind::OpenParen, "(")?;
        let pattern = self.string("an address, a range or a CIDR in quotes")?;
        self.expect(Kind::CloseParen, ")")?;
        Ok(pattern)
    }
}
