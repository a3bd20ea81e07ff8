//! Expressions: aggregations, binary operators, brackets.

mod binary;

use super::Parser;
use crate::error::{ParseError, Parsed};
use crate::limits::MAX_DEPTH;
use crate::logql::ast::{
    BinaryOp, Expr, Grouping, LabelReplace, MetricExpr, VectorAggregation, VectorMatching, VectorOp,
};
use crate::logql::check;
use crate::logql::lexer::Kind;
use crate::number::Number;

/// What has been read and waits for the expression on its right or in its brackets.
enum Waiting {
    /// `(`
    Bracket,
    /// `sum by (x) (`
    Aggregate(Box<Aggregate>),
    /// `label_replace(`
    LabelReplace,
    /// `lhs +`
    Binary(Box<Left>),
}

/// An aggregation whose argument is being read.
struct Aggregate {
    op: VectorOp,
    at: usize,
    grouping: Option<Grouping>,
    param: Option<Number>,
}

/// A binary operation whose right side is being read.
struct Left {
    lhs: Operand,
    op: BinaryOp,
    at: usize,
    return_bool: bool,
    matching: Option<VectorMatching>,
}

/// An expression that has been read.
struct Operand {
    expr: Expr,
    height: usize,
    /// A number, or arithmetic on numbers, which Loki folds into one.
    literal: bool,
    at: usize,
}

impl Parser<'_> {
    /// A whole query, up to its end.
    pub(super) fn query(&mut self) -> Parsed<Expr> {
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut brackets = 0;
        loop {
            let at = self.token.start;
            let mut literal = None;
            let opened = match self.kind() {
                Kind::OpenParen => {
                    self.advance()?;
                    Some(Waiting::Bracket)
                }
                Kind::Aggregate(op) => {
                    let mut aggregate = self.aggregate(op)?;
                    literal = self.param(&mut aggregate)?;
                    Some(Waiting::Aggregate(aggregate))
                }
                Kind::LabelReplace => {
                    self.advance()?;
                    self.expect(Kind::OpenParen, "(")?;
                    Some(Waiting::LabelReplace)
                }
                _ => None,
            };
            let mut right = match (opened, literal) {
                (None, _) => self.operand()?,
                (Some(opened), literal) => {
                    brackets += 1;
                    if brackets > MAX_DEPTH {
                        return Err(self.too_deep(at));
                    }
                    waiting.push(opened);
                    match literal {
                        Some(literal) => literal,
                        None => continue,
                    }
                }
            };
            loop {
                if let Some(op) = self.binary_op() {
                    right = self.join(&mut waiting, right, Some(op))?;
                    waiting.push(Waiting::Binary(Box::new(self.left(right, op)?)));
                    break;
                }
                match self.kind() {
                    Kind::CloseParen if brackets > 0 => {
                        right = self.join(&mut waiting, right, None)?;
                        brackets -= 1;
                        right = self.close(waiting.pop(), right)?;
                    }
                    Kind::Comma if brackets > 0 => {
                        right = self.join(&mut waiting, right, None)?;
                        let Some(Waiting::LabelReplace) = waiting.pop() else {
                            return Err(self.unexpected("an operator or )"));
                        };
                        brackets -= 1;
                        right = self.label_replace(right)?;
                    }
                    Kind::End if brackets == 0 => {
                        return Ok(self.join(&mut waiting, right, None)?.expr);
                    }
                    _ if brackets > 0 => return Err(self.unexpected("an operator or )")),
                    _ => return Err(self.unexpected("an operator or the end of the query")),
                }
            }
        }
    }

    /// An aggregation up to its open bracket.
    fn aggregate(&mut self, op: VectorOp) -> Parsed<Box<Aggregate>> {
        let at = self.advance()?.start;
        let grouping = self.grouping()?;
        self.expect(Kind::OpenParen, "(")?;
        Ok(Box::new(Aggregate {
            op,
            at,
            grouping,
            param: None,
        }))
    }

    /// The parameter behind an aggregation's bracket, as in `topk(5, …)`. A number that no comma
    /// follows is no parameter but the start of the argument, and is given back.
    fn param(&mut self, aggregate: &mut Aggregate) -> Parsed<Option<Operand>> {
        if self.kind() != Kind::Number {
            return Ok(None);
        }
        let token = self.advance()?;
        let number = self.number("", token)?;
        if self.take(Kind::Comma)? {
            aggregate.param = Some(number);
            return Ok(None);
        }
        Ok(Some(Operand::literal(number, token.start)))
    }

    /// An expression that is no bracket and has no operator: a log query, a range aggregation, a
    /// number, a vector.
    fn operand(&mut self) -> Parsed<Operand> {
        let at = self.token.start;
        match self.kind() {
            Kind::OpenBrace => {
                let selector = self.selector()?;
                let log = self.log_pipeline(selector)?;
                Ok(Operand {
                    expr: Expr::Log(log),
                    height: 1,
                    literal: false,
                    at,
                })
            }
            Kind::RangeAggregate(op) => {
                let (expr, height) = self.range_aggregation(op)?;
                Ok(Operand::metric(expr, height, at))
            }
            Kind::Vector => {
                self.advance()?;
                self.expect(Kind::OpenParen, "(")?;
                let token = self.expect(Kind::Number, "a number without a sign")?;
                let number = self.number("", token)?;
                self.expect(Kind::CloseParen, ")")?;
                Ok(Operand::metric(MetricExpr::VectorLiteral(number), 1, at))
            }
            Kind::Identifier => Err(self.unknown_function()),
            _ => match self.signed_number()? {
                Some(number) => Ok(Operand::literal(number, at)),
                None => Err(self.unexpected(
                    "a stream selector such as {app=\"x\"}, an aggregation or a number",
                )),
            },
        }
    }

    fn unknown_function(&self) -> Box<ParseError> {
        let name = self.source(self.token);
        if name.eq_ignore_ascii_case("variants") {
            return self.error(
                self.token.start,
                "variants(…) of (…) is not supported: Loki has removed it",
            );
        }
        match check::similar_function(name) {
            Some(similar) if similar.eq_ignore_ascii_case(name) => self.error(
                self.token.start,
                format!("{similar} is a function and needs brackets: {similar}(…)"),
            ),
            Some(similar) => self.error(
                self.token.start,
                format!("unknown function {name}, did you mean {similar}?"),
            ),
            None => {
                self.unexpected("a stream selector such as {app=\"x\"}, an aggregation or a number")
            }
        }
    }

    /// The operand as one that answers with samples, which `what` needs.
    fn samples(&self, operand: Operand, what: &str) -> Parsed<MetricExpr> {
        match operand.expr {
            Expr::Metric(expr) => Ok(expr),
            Expr::Log(_) => Err(self.error(
                operand.at,
                format!(
                    "{what} works on samples and this gives log lines; count them first, as in \
                     count_over_time({{…}} [5m])"
                ),
            )),
        }
    }

    /// Closes the bracket that is looked at, which `waiting` opened.
    fn close(&mut self, waiting: Option<Waiting>, inner: Operand) -> Parsed<Operand> {
        match waiting {
            Some(Waiting::Aggregate(mut aggregate)) => {
                self.advance()?;
                let at = self.token.start;
                if let Some(grouping) = self.grouping()? {
                    if aggregate.grouping.is_some() {
                        return Err(self.error(at, "the aggregation has its grouping already"));
                    }
                    aggregate.grouping = Some(grouping);
                }
                self.aggregation(*aggregate, inner)
            }
            Some(Waiting::LabelReplace) => {
                Err(self.unexpected("a comma and label_replace's four strings"))
            }
            Some(Waiting::Bracket | Waiting::Binary(_)) | None => {
                self.advance()?;
                Ok(inner)
            }
        }
    }

    fn aggregation(&self, aggregate: Aggregate, inner: Operand) -> Parsed<Operand> {
        let Aggregate {
            op,
            at,
            mut grouping,
            param,
        } = aggregate;
        check::vector_aggregation(op, param.as_ref(), grouping.as_ref())
            .map_err(|message| self.error(at, message))?;
        // `sum by () (…)` is `sum(…)`.
        grouping = grouping.filter(|grouping| grouping.without || !grouping.labels.is_empty());
        let height = inner.height + 1;
        if height > MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        let aggregation = VectorAggregation {
            op,
            param,
            expr: self.samples(inner, op.as_str())?,
            grouping,
        };
        let expr = MetricExpr::Vector(Box::new(aggregation));
        Ok(Operand::metric(expr, height, at))
    }

    /// The rest of `label_replace(` behind its first argument; the token is the comma.
    fn label_replace(&mut self, inner: Operand) -> Parsed<Operand> {
        let at = inner.at;
        let height = inner.height + 1;
        if height > MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        let expr = self.samples(inner, "label_replace")?;
        self.expect(Kind::Comma, "a comma")?;
        let dst = self.string("the label to set, in quotes")?;
        self.expect(Kind::Comma, "a comma")?;
        let replacement = self.string("the replacement, in quotes")?;
        self.expect(Kind::Comma, "a comma")?;
        let src = self.string("the label to read, in quotes")?;
        self.expect(Kind::Comma, "a comma")?;
        let regex_at = self.token.start;
        let regex = self.string("a regular expression, in quotes")?;
        check::label_replace(&regex).map_err(|message| self.error(regex_at, message))?;
        self.expect(Kind::CloseParen, ")")?;
        let replace = LabelReplace {
            expr,
            dst,
            replacement,
            src,
            regex,
        };
        let expr = MetricExpr::LabelReplace(Box::new(replace));
        Ok(Operand::metric(expr, height, at))
    }
}

impl Operand {
    fn metric(expr: MetricExpr, height: usize, at: usize) -> Self {
        Self {
            expr: Expr::Metric(expr),
            height,
            literal: false,
            at,
        }
    }

    fn literal(number: Number, at: usize) -> Self {
        Self {
            literal: true,
            ..Self::metric(MetricExpr::Literal(number), 1, at)
        }
    }
}
