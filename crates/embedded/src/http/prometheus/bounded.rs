//! Answers that may not become as large as they like.

use crate::limits::{EvalError, Stop};
use crate::ticker::Ticker;

/// Bytes of JSON that an answer may have, as of the log lines in one.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// About how many units of work it is to write an item.
const ITEM: usize = 16;

/// Writes lists as long as the answer is not too large and somebody waits for it.
#[derive(Debug)]
pub(super) struct Bounded<'a> {
    ticker: Ticker<'a>,
    most: usize,
}

impl<'a> Bounded<'a> {
    pub(super) fn new(stop: &'a Stop) -> Self {
        Self {
            ticker: Ticker::new(stop),
            most: MAX_BYTES,
        }
    }

    /// Appends the items, with commas between them, in brackets.
    pub(super) fn list<T>(
        &mut self,
        out: &mut String,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut String, T, &mut Self) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        out.push('[');
        for (at, one) in items.into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            item(out, one, self)?;
            self.ticker.tick(ITEM)?;
            if out.len() > self.most {
                return Err(EvalError::Limit(format!(
                    "the answer would have more than {} bytes; ask for fewer series or fewer steps",
                    self.most
                )));
            }
        }
        out.push(']');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_is_refused_as_soon_as_it_is_too_large() {
        let stop = Stop::after(Duration::from_hours(1));
        let mut bounded = Bounded::new(&stop);
        bounded.most = 100;
        let mut written = 0;
        let mut write = |items: usize, bounded: &mut Bounded| {
            let mut out = String::new();
            bounded.list(&mut out, 0..items, |out, _, _| {
                written += 1;
                out.push_str("123456789");
                Ok(())
            })
        };
        assert_eq!(write(10, &mut bounded), Ok(()));
        let refused = write(1_000, &mut bounded);
        assert!(matches!(refused, Err(EvalError::Limit(_))), "{refused:?}");
        assert_eq!(written, 10 + 11);
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_not_written() {
        let stop = Stop::after(Duration::from_hours(1));
        drop(stop.cancel_on_drop());
        let mut out = String::new();
        let ended = Bounded::new(&stop).list(&mut out, 0.., |_, _, _| Ok(()));
        assert_eq!(ended, Err(EvalError::Canceled));
    }
}
