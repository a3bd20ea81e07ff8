//! Label matchers, which both languages share.

use crate::small_str::SmallStr;
use crate::text::Text;

/// How a matcher compares a label's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends
    Regex,
    /// `!~`, anchored at both ends
    NotRegex,
}

impl MatchOp {
    /// The operator as both languages write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// One label matcher: `name op "value"`.
///
/// A label that a series does not have counts as the empty string.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Matcher {
    /// The label's name. PromQL allows any UTF-8 (quoted), LogQL identifiers only.
    pub name: SmallStr,
    /// How the value is compared.
    pub op: MatchOp,
    /// The value or, for the regex operators, the pattern (RE2 syntax).
    pub value: Text,
}

impl Matcher {
    /// The matcher `name="value"`.
    #[must_use]
    pub fn equal(name: impl Into<SmallStr>, value: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            op: MatchOp::Equal,
            value: value.into(),
        }
    }
}
