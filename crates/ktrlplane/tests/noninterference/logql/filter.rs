//! Label filters.

use gateway::query::logql::ast::{Bytes, IpFilter, LabelFilter};

use super::stage::FIELDS;
use super::{CompareKind, FilterKind, Logql};
use crate::matchers::{matcher, number, resource_matcher};

impl Logql<'_> {
    /// A filter of at most so many levels.
    pub(super) fn label_filter(&mut self, depth: usize) -> LabelFilter {
        let kind = self.dice.weighted(FilterKind::ALL, |kind| match kind {
            FilterKind::Match => 20,
            FilterKind::Ip => 2,
            FilterKind::Number | FilterKind::Duration | FilterKind::Bytes => 3,
            FilterKind::And | FilterKind::Or => 3 * u32::from(depth > 0),
        });
        self.census.saw(kind);
        let inner = |generator: &mut Self| Box::new(generator.label_filter(depth - 1));
        match kind {
            FilterKind::Match => LabelFilter::Match(self.field_matcher()),
            FilterKind::Ip => LabelFilter::Ip(IpFilter {
                label: "ip".into(),
                negated: self.dice.chance(30),
                pattern: self.addresses(),
            }),
            FilterKind::Number => {
                let field = self.dice.pick(&["status", "bytes", "weight", "user_id"]);
                let limit = number(self.dice.pick(&["200", "3", "500", "1e3"]));
                LabelFilter::Number(field.into(), self.compare().op(), limit)
            }
            FilterKind::Duration => {
                let limit = self.dice.pick(&[1, 2, 4]);
                let limit = crate::matchers::seconds(limit);
                LabelFilter::Duration("took".into(), self.compare().op(), limit)
            }
            FilterKind::Bytes => {
                let (text, value) = self.dice.pick(&[("100KB", 100_000), ("1KiB", 1024)]);
                let limit = Bytes {
                    value,
                    text: text.into(),
                };
                LabelFilter::Bytes("size".into(), self.compare().op(), limit)
            }
            FilterKind::And => LabelFilter::And(inner(self), inner(self)),
            FilterKind::Or => LabelFilter::Or(inner(self), inner(self)),
        }
    }

    fn compare(&mut self) -> CompareKind {
        let kind = self.dice.weighted(CompareKind::ALL, |kind| match kind {
            CompareKind::Ge | CompareKind::Gt | CompareKind::Le | CompareKind::Lt => 3,
            CompareKind::Ne => 2,
            CompareKind::Eq => 1,
        });
        self.census.saw(kind);
        kind
    }

    fn field_matcher(&mut self) -> gateway::query::Matcher {
        if self.dice.chance(30) {
            return resource_matcher(self.dice);
        }
        let field = self.dice.pick(FIELDS);
        if field == "__error__" {
            return gateway::query::Matcher::equal("__error__", "");
        }
        matcher(self.dice, field)
    }
}
