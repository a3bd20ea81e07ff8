//! The pipeline behind a stream selector.

use super::Parser;
use crate::error::Parsed;
use crate::logql::ast::{
    Extraction, LabelFilter, LabelFormat, LabelOrMatcher, LineFilter, LineMatch, LineOp, Logfmt,
    Stage, Unwrap,
};
use crate::logql::check;
use crate::logql::lexer::Kind;
use crate::matcher::Matcher;
use crate::text::Text;

/// A pipeline, and the `unwrap` at its end with its place in the query.
pub(super) struct Pipeline {
    pub(super) stages: Vec<Stage>,
    pub(super) unwrap: Option<(usize, Unwrap)>,
    /// The height of its highest label filter.
    pub(super) height: usize,
}

impl Parser<'_> {
    /// As many stages as there are; maybe none.
    pub(super) fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut pipeline = Pipeline {
            stages: Vec::new(),
            unwrap: None,
            height: 0,
        };
        loop {
            let op = match self.kind() {
                Kind::PipeExact => LineOp::Contains,
                Kind::NotEqual => LineOp::NotContains,
                Kind::PipeMatch => LineOp::Regex,
                Kind::NotRegex => LineOp::NotRegex,
                Kind::PipePattern => LineOp::Pattern,
                Kind::NotPattern => LineOp::NotPattern,
                Kind::Pipe => {
                    let pipe = self.advance()?;
                    if self.take(Kind::Unwrap)? {
                        let unwrap = self.unwrap(&mut pipeline.height)?;
                        pipeline.unwrap = Some((pipe.start, unwrap));
                        return Ok(pipeline);
                    }
                    let stage = self.stage(&mut pipeline.height)?;
                    pipeline.stages.push(stage);
                    continue;
                }
                _ => return Ok(pipeline),
            };
            self.advance()?;
            self.line_filter(op, &mut pipeline.stages)?;
        }
    }

    /// What stands behind a line filter's operator.
    ///
    /// Loki reads `!= "a" or "b"` as neither, that is as `!= "a" != "b"`, and so does this.
    fn line_filter(&mut self, op: LineOp, stages: &mut Vec<Stage>) -> Parsed<()> {
        let negated = match op {
            LineOp::Contains | LineOp::Regex | LineOp::Pattern => false,
            LineOp::NotContains | LineOp::NotRegex | LineOp::NotPattern => true,
        };
        let mut alternatives = vec![self.line_match()?];
        while self.take(Kind::Or)? {
            let next = self.line_match()?;
            if negated {
                stages.push(Stage::Line(LineFilter { op, alternatives }));
                alternatives = vec![next];
            } else {
                alternatives.push(next);
            }
        }
        stages.push(Stage::Line(LineFilter { op, alternatives }));
        Ok(())
    }

    fn line_match(&mut self) -> Parsed<LineMatch> {
        match self.kind() {
            Kind::Ip => self.ip().map(LineMatch::Ip),
            _ => self
                .string("a string in quotes, or ip(…)")
                .map(LineMatch::Text),
        }
    }

    /// A stage behind its `|`.
    fn stage(&mut self, height: &mut usize) -> Parsed<Stage> {
        match self.kind() {
            Kind::Identifier | Kind::OpenParen => {
                let (filter, filter_height) = self.label_filter()?;
                *height = filter_height.max(*height);
                return Ok(Stage::Label(filter));
            }
            Kind::Json
            | Kind::Logfmt
            | Kind::Regexp
            | Kind::Pattern
            | Kind::Unpack
            | Kind::Decolorize
            | Kind::LineFormat
            | Kind::LabelFormat
            | Kind::Drop
            | Kind::Keep => {}
            _ => return Err(self.unexpected_name("a pipeline stage such as json or a=\"x\"")),
        }
        let token = self.advance()?;
        Ok(match token.kind {
            Kind::Json => Stage::Json(self.extractions()?),
            Kind::Logfmt => Stage::Logfmt(self.logfmt()?),
            Kind::Regexp => Stage::Regexp(self.checked_string(check::regexp)?),
            Kind::Pattern => Stage::Pattern(self.checked_string(check::pattern)?),
            Kind::Unpack => Stage::Unpack,
            Kind::LineFormat => Stage::LineFormat(self.string("a template in quotes")?),
            Kind::LabelFormat => Stage::LabelFormat(self.label_formats()?),
            Kind::Drop => Stage::Drop(self.labels_or_matchers()?),
            Kind::Keep => Stage::Keep(self.labels_or_matchers()?),
            _ => Stage::Decolorize,
        })
    }

    /// A string that `check` finds no fault with.
    fn checked_string(&mut self, check: fn(&[u8]) -> Result<(), String>) -> Parsed<Text> {
        let at = self.token.start;
        let text = self.string("a string in quotes")?;
        check(text.as_bytes()).map_err(|message| self.error(at, message))?;
        Ok(text)
    }

    fn logfmt(&mut self) -> Parsed<Logfmt> {
        let mut logfmt = Logfmt::default();
        loop {
            match self.kind() {
                Kind::Strict => logfmt.strict = true,
                Kind::KeepEmpty => logfmt.keep_empty = true,
                _ => break,
            }
            self.advance()?;
        }
        logfmt.extractions = self.extractions()?;
        Ok(logfmt)
    }

    /// `a="b.c", d`, or nothing.
    fn extractions(&mut self) -> Parsed<Vec<Extraction>> {
        let mut extractions = Vec::new();
        if self.kind() != Kind::Identifier {
            return Ok(extractions);
        }
        loop {
            let label = self.identifier("a label's name")?;
            let expression = if self.take(Kind::Equal)? {
                self.string("an expression in quotes")?
            } else {
                Text::from(&label)
            };
            extractions.push(Extraction { label, expression });
            if !self.take(Kind::Comma)? {
                return Ok(extractions);
            }
        }
    }

    fn label_formats(&mut self) -> Parsed<Vec<LabelFormat>> {
        let mut formats = Vec::new();
        loop {
            let to = self.identifier("a label's name, as in a=b")?;
            self.expect(Kind::Equal, "=")?;
            formats.push(match self.kind() {
                Kind::String => LabelFormat::Template {
                    label: to,
                    template: self.string("a template in quotes")?,
                },
                _ => LabelFormat::Rename {
                    to,
                    from: self.identifier("a label's name or a template in quotes")?,
                },
            });
            if !self.take(Kind::Comma)? {
                return Ok(formats);
            }
        }
    }

    fn labels_or_matchers(&mut self) -> Parsed<Vec<LabelOrMatcher>> {
        let mut items = Vec::new();
        loop {
            let name = self.identifier("a label's name")?;
            items.push(match self.match_op() {
                None => LabelOrMatcher::Label(name),
                // Behind a bare label `!=` and `!~` are its operator, never a line filter.
                Some(op) => {
                    self.advance()?;
                    let value = self.matched(op)?;
                    LabelOrMatcher::Matcher(Matcher { name, op, value })
                }
            });
            if !self.take(Kind::Comma)? {
                return Ok(items);
            }
        }
    }

    /// What stands behind `| unwrap`: the label, and label filters to the end of the pipeline.
    fn unwrap(&mut self, height: &mut usize) -> Parsed<Unwrap> {
        let conversion = match self.kind() {
            Kind::Convert(conversion) => {
                self.advance()?;
                self.expect(Kind::OpenParen, "(")?;
                Some(conversion)
            }
            _ => None,
        };
        let label = self.identifier("the label to unwrap")?;
        if conversion.is_some() {
            self.expect(Kind::CloseParen, ")")?;
        }
        let mut post_filters: Vec<LabelFilter> = Vec::new();
        while self.take(Kind::Pipe)? {
            if !matches!(self.kind(), Kind::Identifier | Kind::OpenParen) {
                return Err(self.unexpected_name("a label filter: no other stage follows unwrap"));
            }
            let (filter, filter_height) = self.label_filter()?;
            *height = filter_height.max(*height);
            post_filters.push(filter);
        }
        Ok(Unwrap {
            label,
            conversion,
            post_filters,
        })
    }
}
