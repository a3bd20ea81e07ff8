//! What is wrong in the database is said once, and not with each request that meets it.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// So many wrongs are remembered; the log has better uses for its lines than more of them.
const MOST: usize = 10_000;

static SAID: LazyLock<Mutex<HashSet<(&'static str, String)>>> = LazyLock::new(Mutex::default);

/// Whether `what` has not yet been said of `id` by this process.
pub(crate) fn is_news(what: &'static str, id: &str) -> bool {
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.len() < MOST && said.insert((what, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_of_the_same_is_news_once() {
        assert!(is_news("a test", "1"));
        assert!(is_news("a test", "2"));
        assert!(is_news("another test", "1"));
        assert!(!is_news("a test", "1"));
    }
}
