//! How often a loop looks whether its query has to end.

use crate::limits::{EvalError, Stop};

/// Units of work between two looks. A unit takes some nanoseconds: to look at a sample, a label or a
/// series.
const EVERY: usize = 8_192;

/// Counts the work of a loop, and asks the stop of its query once in a while: so a loop ends in time
/// however long it is, and a short one is not slowed down by looking at the clock.
#[derive(Clone, Debug)]
pub(crate) struct Ticker<'a> {
    /// None where nobody waits that could go away.
    stop: Option<&'a Stop>,
    left: usize,
}

impl<'a> Ticker<'a> {
    pub(crate) fn new(stop: &'a Stop) -> Self {
        Self {
            stop: Some(stop),
            left: EVERY,
        }
    }

    /// One for work that nothing ends.
    pub(crate) fn unheeding() -> Self {
        Self {
            stop: None,
            left: EVERY,
        }
    }

    /// Counts so many units; an error if the query has to end.
    pub(crate) fn tick(&mut self, work: usize) -> Result<(), EvalError> {
        if work < self.left {
            self.left -= work;
            return Ok(());
        }
        self.left = EVERY;
        self.stop.map_or(Ok(()), Stop::check)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_stop_is_asked_once_in_so_much_work() {
        let stop = Stop::after(Duration::from_hours(1));
        let mut ticker = Ticker::new(&stop);
        for _ in 0..3 * EVERY {
            ticker.tick(1).unwrap();
        }
        assert_eq!(stop.asked(), 3);
        // However much there is at a time.
        ticker.tick(100 * EVERY).unwrap();
        assert_eq!(stop.asked(), 4);
        drop(stop.cancel_on_drop());
        assert_eq!(ticker.tick(1), Ok(()));
        assert_eq!(ticker.tick(EVERY), Err(EvalError::Canceled));
    }
}
