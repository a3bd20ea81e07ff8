//! A sender's token, renewed in time.

use std::sync::Arc;
use std::time::Duration;

use gateway::Clock;
use jiff::{SignedDuration, Timestamp};

use crate::demo::identity::{IdentityProvider, KeyError};
use crate::demo::world::User;

/// How long a token is good: short, as it is for machines.
const LIFETIME: Duration = Duration::from_mins(15);

/// So long before its end a token is not used any more.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// What a sender shows.
pub(super) struct Badge {
    provider: Arc<IdentityProvider>,
    clock: Arc<dyn Clock>,
    sender: &'static User,
    held: Option<Held>,
}

struct Held {
    token: String,
    until: Timestamp,
}

impl Badge {
    pub(super) fn new(
        provider: Arc<IdentityProvider>,
        clock: Arc<dyn Clock>,
        sender: &'static User,
    ) -> Self {
        Self {
            provider,
            clock,
            sender,
            held: None,
        }
    }

    /// A token that is good for a while yet.
    pub(super) fn token(&mut self) -> Result<String, KeyError> {
        let now = self.clock.now();
        if let Some(held) = &self.held
            && now < held.until
        {
            return Ok(held.token.clone());
        }
        let token = self.provider.token(self.sender, now, LIFETIME)?;
        let lifetime = SignedDuration::try_from(LIFETIME).unwrap_or_default();
        let until = now.saturating_add(lifetime - MARGIN).unwrap_or(now);
        self.held = Some(Held {
            token: token.clone(),
            until,
        });
        Ok(token)
    }

    /// Takes no token that there is for good: one was refused.
    pub(super) fn forget(&mut self) {
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::demo::data_dir::DataDir;
    use crate::demo::world;

    struct Hands(Mutex<Timestamp>);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_token_is_used_again_until_shortly_before_its_end() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::new(parent.path());
        let _lock = dir.occupy().unwrap();
        let (provider, _listener) = IdentityProvider::open(&dir).unwrap();
        let begin = Timestamp::from_second(4_000_000_000).unwrap();
        let hands = Arc::new(Hands(Mutex::new(begin)));
        let sender = world::sender_of("acme-shop").unwrap();
        let clock: Arc<dyn Clock> = Arc::clone(&hands) as _;
        let mut badge = Badge::new(Arc::new(provider), clock, sender);
        let mut after = |minutes| {
            *hands.0.lock().unwrap() = begin + SignedDuration::from_mins(minutes);
            badge.token().unwrap()
        };
        let first = after(0);
        assert_eq!(after(9), first);
        let second = after(10);
        assert_ne!(second, first);
        assert_eq!(after(19), second);
        badge.forget();
        *hands.0.lock().unwrap() = begin + SignedDuration::from_secs(19 * 60 + 1);
        assert_ne!(badge.token().unwrap(), second);
    }
}
