//! LogQL queries at random, over the streams and the lines that the data have.

mod binary;
mod filter;
mod kinds;
mod metric;
mod stage;

use gateway::query::logql::ast::{Expr, LogExpr, Selector};
use gateway::query::{MatchOp, Matcher};

use crate::census::Census;
use crate::dice::Dice;
use crate::matchers::{matcher, resource_matcher};
use crate::vocabulary::{APPS, FOREIGN_APP, Format};
pub(crate) use kinds::{
    BinaryOpKind, CompareKind, ConversionKind, FilterKind, FormatKind, ItemKind, LineOpKind,
    MatchKind, MetricKind, StageKind,
};

/// Generates one query.
pub(crate) struct Logql<'a> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) census: &'a mut Census,
    /// Whether `absent_over_time` loses the label that it reports of a scoped query.
    pub(crate) neutral: bool,
    /// Whether it is in the query.
    pub(crate) absent: bool,
}

impl Logql<'_> {
    /// A query; with `instant`, one that calculates, as an instant query must.
    pub(crate) fn query(&mut self, instant: bool) -> Expr {
        if !instant && self.dice.chance(45) {
            let (log, _) = self.log(65);
            return Expr::Log(log);
        }
        let depth = self.dice.weighted(&[0, 1, 2, 3], |depth| match depth {
            0 => 20,
            1 => 40,
            2 => 30,
            _ => 10,
        });
        Expr::Metric(self.metric(depth))
    }

    /// Lines with what they go through, and how they are written if that is one way. In so many
    /// of a hundred they are parsed as what they are.
    fn log(&mut self, parsed: u32) -> (LogExpr, Option<Format>) {
        let (selector, format) = self.selector();
        let stages = self.stages(format, parsed);
        (LogExpr { selector, stages }, format)
    }

    fn selector(&mut self) -> (Selector, Option<Format>) {
        let mut matchers = Vec::new();
        let mut format = None;
        match self.dice.below(30) {
            0 => {}
            1 => matchers.push(Matcher::equal("app", FOREIGN_APP)),
            2 | 3 => matchers.push(matcher(self.dice, "app")),
            4 => matchers.push(Matcher {
                name: "app".into(),
                op: MatchOp::Regex,
                value: self.dice.pick(&["web|api", ".+", "(w|p).*"]).into(),
            }),
            _ => {
                let (app, written) = self.dice.pick(APPS);
                matchers.push(Matcher::equal("app", app));
                format = Some(written);
            }
        }
        // `trace_id` is no label of a stream, and only what demands nothing of it finds any.
        for (label, percent) in [("pod", 9), ("env", 9), ("level", 9), ("trace_id", 2)] {
            if self.dice.chance(percent) {
                matchers.push(matcher(self.dice, label));
            }
        }
        while self.dice.chance(25) {
            let at = self.dice.below(matchers.len() + 1);
            matchers.insert(at, resource_matcher(self.dice));
        }
        (Selector { matchers }, format)
    }
}
