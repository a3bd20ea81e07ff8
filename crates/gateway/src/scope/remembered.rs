//! Queries that have been scoped before.
//!
//! What a query becomes depends on its text, on what kind of a query it is, on the matcher that it is
//! bound to, on what it may ask for, and on how far it looks back for a sample; on no time, no caller and no directory. Each is part of an
//! entry, and all of them are compared. So what comes out is what would come out of scoping it once
//! more, which includes that it was verified; who may ask for it was decided before, for this very
//! request. What was refused is not kept.

use std::sync::Arc;
use std::time::Duration;

use query::Matcher;

use crate::error::Error;
use crate::limit::Bounds;
use crate::memo::Memo;
use crate::metrics::Lookups;
use crate::routes::Kind;

/// The longest text that is kept, in bytes, and the longest that it may have become.
const LONGEST: usize = 2048;

/// The queries that one thread has scoped.
#[derive(Debug, Default)]
pub struct Remembered {
    queries: Memo<Entry>,
    lookups: Arc<Lookups>,
}

/// All that the result depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) by: Option<&'a Matcher>,
    pub(super) bounds: Bounds,
    pub(super) lookback: Duration,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    text: Box<str>,
    by: Option<Matcher>,
    bounds: Bounds,
    lookback: Duration,
    scoped: Box<str>,
}

impl Entry {
    fn is_of(&self, key: Key<'_>) -> bool {
        let Key {
            kind,
            text,
            by,
            bounds,
            lookback,
        } = key;
        self.kind == kind
            && *self.text == *text
            && self.by.as_ref() == by
            && self.bounds == bounds
            && self.lookback == lookback
    }
}

impl Remembered {
    /// How often a query was known here.
    pub(crate) fn lookups(&self) -> Arc<Lookups> {
        Arc::clone(&self.lookups)
    }

    /// What comes of `key`: what is remembered, or what `scope` makes of it.
    pub(super) fn scoped(
        &self,
        key: Key<'_>,
        scope: impl FnOnce() -> Result<String, Error>,
    ) -> Result<String, Error> {
        if key.text.len() > LONGEST {
            return scope();
        }
        let place = (key.text, key.by.map(|by| &by.value));
        let known = |entry: &Entry| entry.is_of(key).then(|| entry.scoped.as_ref().to_owned());
        let scoped = self.queries.recall(&place, known);
        self.lookups.count(scoped.is_some());
        if let Some(scoped) = scoped {
            return Ok(scoped);
        }
        let scoped = scope()?;
        if scoped.len() <= 2 * LONGEST {
            let entry = Entry {
                kind: key.kind,
                text: key.text.into(),
                by: key.by.cloned(),
                bounds: key.bounds,
                lookback: key.lookback,
                scoped: scoped.as_str().into(),
            };
            self.queries.remember(&place, entry);
        }
        Ok(scoped)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::num::NonZeroU32;

    use super::*;

    fn key<'a>(text: &'a str, by: Option<&'a Matcher>) -> Key<'a> {
        Key {
            kind: Kind::Promql,
            text,
            by,
            bounds: Bounds::UNLIMITED,
            lookback: Duration::ZERO,
        }
    }

    #[test]
    fn a_query_is_another_by_its_kind_its_text_what_it_is_bound_to_and_its_bounds() {
        let (one, other) = (
            Matcher::equal("resource_id", "r1"),
            Matcher::equal("resource_id", "r2"),
        );
        let renamed = Matcher::equal("resource", "r1");
        let first = key("up", Some(&one));
        let tighter = Bounds {
            max_points: NonZeroU32::new(1),
            ..Bounds::UNLIMITED
        };
        let keys = [
            first,
            key("up", Some(&other)),
            key("up", Some(&renamed)),
            key("up", None),
            key("down", Some(&one)),
            Key {
                kind: Kind::Logql,
                ..first
            },
            Key {
                bounds: tighter,
                ..first
            },
            Key {
                lookback: Duration::from_mins(5),
                ..first
            },
        ];
        // Some share a place, so that each is asked for after each other.
        for (at, before) in keys.iter().enumerate() {
            for (then, after) in keys.iter().enumerate() {
                let remembered = Remembered::default();
                remembered.scoped(*before, || Ok(at.to_string())).unwrap();
                let scoped = remembered.scoped(*after, || Ok(then.to_string()));
                assert_eq!(scoped.unwrap(), then.to_string(), "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn what_was_scoped_is_not_scoped_again_and_what_was_refused_is() {
        let (remembered, times) = (Remembered::default(), Cell::new(0));
        let refuse = || {
            times.set(times.get() + 1);
            Err(Error::Internal)
        };
        for _ in 0..2 {
            assert_eq!(
                remembered.scoped(key("up", None), refuse),
                Err(Error::Internal)
            );
        }
        assert_eq!(times.get(), 2);
        for _ in 0..2 {
            let scoped = remembered.scoped(key("up", None), || {
                times.set(times.get() + 1);
                Ok("up".to_owned())
            });
            assert_eq!(scoped.unwrap(), "up");
        }
        assert_eq!(times.get(), 3);
    }

    #[test]
    fn a_long_query_is_not_kept() {
        let (remembered, times) = (Remembered::default(), Cell::new(0));
        let long = "a".repeat(LONGEST + 1);
        for (text, scoped) in [(long.as_str(), "a".to_owned()), ("a", long.repeat(2))] {
            times.set(0);
            for _ in 0..2 {
                let scoped = || {
                    times.set(times.get() + 1);
                    Ok(scoped.clone())
                };
                remembered.scoped(key(text, None), scoped).unwrap();
            }
            assert_eq!(times.get(), 2);
        }
    }
}
