//! Range aggregations: `rate({app="x"} | json [5m] offset 1h) by (a)`.

use super::{Parser, Tall};
use crate::duration::Duration;
use crate::error::Parsed;
use crate::limits::MAX_DEPTH;
use crate::logql::ast::{LogExpr, LogRange, MetricExpr, RangeAggregation, RangeOp};
use crate::logql::check;
use crate::logql::lexer::Kind;

impl Parser<'_> {
    /// A range aggregation; the token is its name.
    pub(super) fn range_aggregation(&mut self, op: RangeOp) -> Parsed<Tall<MetricExpr>> {
        let name = self.advance()?;
        self.expect(Kind::OpenParen, "(")?;
        let param = match self.kind() {
            Kind::Number => {
                let token = self.advance()?;
                self.expect(Kind::Comma, "a comma behind the parameter")?;
                Some(self.number("", token)?)
            }
            _ => None,
        };
        let (range, height) = self.log_range()?;
        self.expect(Kind::CloseParen, ") at the end of the range aggregation")?;
        let grouping = self.grouping()?;
        let aggregation = RangeAggregation {
            op,
            param,
            range,
            grouping,
        };
        check::range_aggregation(&aggregation)
            .map_err(|message| self.error(name.start, message))?;
        Ok((MetricExpr::Range(Box::new(aggregation)), height + 1))
    }

    /// A log expression with its range, which stands behind the selector or behind the pipeline.
    fn log_range(&mut self) -> Parsed<Tall<LogRange>> {
        let mut brackets = 0;
        while self.kind() == Kind::OpenParen {
            brackets += 1;
            if brackets > MAX_DEPTH {
                return Err(self.too_deep(self.token.start));
            }
            self.advance()?;
        }
        let selector = self.selector()?;
        let mut pipeline = self.pipeline()?;
        // Only the innermost brackets may end before the range.
        let bracketed = brackets > 0 && self.take(Kind::CloseParen)?;
        if bracketed {
            brackets -= 1;
        }
        let Kind::Range(nanos) = self.kind() else {
            return Err(self.unexpected("a range such as [5m]"));
        };
        let token = self.advance()?;
        let text = self.source(token);
        let range = Duration {
            nanos,
            text: text
                .strip_prefix('[')
                .and_then(|text| text.strip_suffix(']'))
                .unwrap_or_default()
                .into(),
        };
        let offset = if self.take(Kind::Offset)? {
            let Kind::Duration(nanos) = self.kind() else {
                return Err(self.unexpected("a duration such as 1h or -5m"));
            };
            let token = self.advance()?;
            let text = self.source(token).into();
            // An offset of nothing is none.
            (nanos != 0).then_some(Duration { nanos, text })
        } else {
            None
        };
        if pipeline.stages.is_empty() && pipeline.unwrap.is_none() {
            let at = self.token.start;
            pipeline = self.pipeline()?;
            if bracketed && !pipeline.stages.is_empty() {
                return Err(self.error(
                    at,
                    "a pipeline stands inside of the brackets, or the brackets are left out",
                ));
            }
        }
        while brackets > 0 {
            self.expect(Kind::CloseParen, ")")?;
            brackets -= 1;
        }
        let range = LogRange {
            log: LogExpr {
                selector,
                stages: pipeline.stages,
            },
            unwrap: pipeline.unwrap.map(|(_, unwrap)| unwrap),
            range,
            offset,
        };
        Ok((range, pipeline.height + 1))
    }
}
