//! Scopings that are wrong, each in one way in which such code has been wrong somewhere: the test
//! has to tell every one of them from the right one, or it proves nothing.

use gateway::query::{Matcher, logql, promql};

use crate::question::{Language, Question};
use crate::vocabulary::RESOURCE;
use crate::world::the_resource;

/// A way to scope.
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    /// What it does to the matchers of the selector of this number, of so many.
    scope: fn(&mut Vec<Matcher>, usize, usize),
}

pub(crate) const BROKEN: &[Broken] = &[
    Broken {
        name: "scopes nothing",
        scope: |_, _, _| {},
    },
    Broken {
        name: "scopes the first selector alone",
        scope: |matchers, index, _| {
            if index == 0 {
                matchers.push(the_resource());
            }
        },
    },
    Broken {
        name: "forgets the last of several selectors",
        scope: |matchers, index, count| {
            if count == 1 || index + 1 < count {
                matchers.push(the_resource());
            }
        },
    },
    Broken {
        name: "trusts a matcher of the caller's on the resource",
        scope: |matchers, _, _| {
            if !matchers.iter().any(|matcher| matcher.name == RESOURCE) {
                matchers.push(the_resource());
            }
        },
    },
    Broken {
        name: "trusts the caller's resource if it is the right one",
        scope: |matchers, _, _| {
            let right = |matcher: &Matcher| {
                let names = matcher
                    .value
                    .to_string_lossy()
                    .contains(crate::vocabulary::MINE);
                matcher.name == RESOURCE && names
            };
            if !matchers.iter().any(right) {
                matchers.push(the_resource());
            }
        },
    },
    Broken {
        name: "takes the caller's matchers on the resource away",
        scope: |matchers, _, _| {
            matchers.retain(|matcher| matcher.name != RESOURCE);
            matchers.push(the_resource());
        },
    },
    Broken {
        name: "lets resources through whose id begins alike",
        scope: |matchers, _, _| {
            let mut begins = Matcher::equal(RESOURCE, format!("{}.*", crate::vocabulary::MINE));
            begins.op = gateway::query::MatchOp::Regex;
            matchers.push(begins);
        },
    },
    Broken {
        name: "lets through what belongs to no resource",
        scope: |matchers, _, _| {
            let mut mine = Matcher::equal(RESOURCE, format!("{}|", crate::vocabulary::MINE));
            mine.op = gateway::query::MatchOp::Regex;
            matchers.push(mine);
        },
    },
    Broken {
        name: "takes a matcher of the caller's away where there are several",
        scope: |matchers, _, _| {
            if matchers.len() > 1 {
                matchers.pop();
            }
            matchers.push(the_resource());
        },
    },
];

impl Broken {
    /// The text as this scopes it; `None` where it does not parse.
    pub(crate) fn scoped(&self, question: &Question, text: &str) -> Option<String> {
        let mut index = 0;
        match question.language {
            Language::Logql => {
                let mut tree = logql::parse(text).ok()?;
                let count = tree.selectors().len();
                tree.for_each_selector_mut(|selector| {
                    (self.scope)(&mut selector.matchers, index, count);
                    index += 1;
                });
                Some(tree.to_string())
            }
            Language::Promql => {
                let mut tree = promql::parse(text).ok()?;
                let count = tree.selectors().len();
                tree.for_each_selector_mut(|selector| {
                    (self.scope)(&mut selector.matchers, index, count);
                    index += 1;
                });
                Some(tree.to_string())
            }
        }
    }
}
