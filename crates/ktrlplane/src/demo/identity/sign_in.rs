//! Who signs in to the demo in a browser: codes, refresh tokens and sessions.
//!
//! Anybody may be anyone here, as the demo is for; what is as strict as at a real issuer is whom a code
//! goes to and that it is good once. All of it is gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::demo::world::User;

/// The id that the Explore page has at this issuer.
pub(crate) const CLIENT: &str = "explore";

/// How long a code waits for the page.
const CODE_LIFETIME: Duration = Duration::from_mins(1);

/// How long a browser is known.
const SESSION_LIFETIME: Duration = Duration::from_hours(12);

/// How many of each kind are kept: far more than a demo needs, and few enough to hold.
const MOST: usize = 1000;

/// What waits for somebody, by the secret that they show. Where there is no room, the oldest goes: who
/// signs in is not kept out by what nobody came for.
struct Kept<T> {
    by_secret: HashMap<String, Entry<T>>,
    /// How many were ever kept, by which their order is known.
    count: u64,
}

struct Entry<T> {
    until: Timestamp,
    number: u64,
    what: T,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            by_secret: HashMap::new(),
            count: 0,
        }
    }
}

impl<T> Kept<T> {
    /// Keeps `what` until `lifetime` after `now`, and tells by which secret.
    fn put(&mut self, what: T, now: Timestamp, lifetime: Duration) -> String {
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        self.put_by(secret.clone(), what, now, lifetime);
        secret
    }

    fn put_by(&mut self, secret: String, what: T, now: Timestamp, lifetime: Duration) {
        self.by_secret.retain(|_, entry| entry.until > now);
        if self.by_secret.len() >= MOST {
            let oldest = self.by_secret.iter().min_by_key(|(_, entry)| entry.number);
            let oldest = oldest.map(|(secret, _)| secret.clone());
            oldest.and_then(|oldest| self.by_secret.remove(&oldest));
        }
        self.count += 1;
        let entry = Entry {
            until: now + lifetime,
            number: self.count,
            what,
        };
        self.by_secret.insert(secret, entry);
    }

    fn get(&self, secret: &str, now: Timestamp) -> Option<&T> {
        let entry = self.by_secret.get(secret)?;
        (entry.until > now).then_some(&entry.what)
    }

    fn take(&mut self, secret: &str, now: Timestamp) -> Option<T> {
        let entry = self.by_secret.remove(secret)?;
        (entry.until > now).then_some(entry.what)
    }
}

/// What a code was given for.
#[derive(Clone)]
pub(super) struct Grant {
    pub(super) user: &'static User,
    pub(super) redirect_uri: String,
    /// The base64url of the SHA-256 of what the page keeps to itself (RFC 7636, section 4.2).
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
}

/// All that one code brought: its refresh token, and those that came for that one.
type Family = u64;

#[derive(Clone, Copy)]
struct Refresh {
    user: &'static User,
    family: Family,
}

/// Everything that is remembered of sign-ins.
#[derive(Default)]
pub(crate) struct SignIn {
    /// Where answers may go, to the letter; none before the gateway listens.
    redirects: OnceLock<Vec<String>>,
    /// One lock for all: between a token and the next one there is no moment at which neither is known.
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    codes: Kept<Grant>,
    refresh: Kept<Refresh>,
    /// Codes and refresh tokens that were shown once. Who shows one again has it from somebody else.
    spent: Kept<Family>,
    sessions: Kept<&'static User>,
    families: Family,
}

impl Memory {
    /// A refresh token, good once.
    fn refresh_token(&mut self, user: &'static User, family: Family, now: Timestamp) -> String {
        let refresh = Refresh { user, family };
        self.refresh.put(refresh, now, SESSION_LIFETIME)
    }

    fn spend(&mut self, secret: &str, family: Family, now: Timestamp) {
        let secret = secret.to_owned();
        self.spent.put_by(secret, family, now, SESSION_LIFETIME);
    }

    /// Takes back what came of a secret that is shown again (RFC 6749, section 4.1.2, and RFC 9700,
    /// section 4.14.2): one of the two who had it stole it.
    fn revoke_what_came_of(&mut self, secret: &str, now: Timestamp) {
        if let Some(family) = self.spent.get(secret, now).copied() {
            self.revoke(family);
        }
    }

    fn revoke(&mut self, family: Family) {
        let refresh = &mut self.refresh.by_secret;
        refresh.retain(|_, entry| entry.what.family != family);
    }
}

impl SignIn {
    /// Says at which origins the page is. Only the first call counts.
    pub(crate) fn open(&self, origins: &[String]) {
        let redirect = |origin: &String| format!("{origin}/explore/");
        // A second call would be a mistake of this program that harms nobody.
        let _ = self.redirects.set(origins.iter().map(redirect).collect());
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether answers may go there: character by character, as RFC 9700, section 2.1, has it.
    pub(super) fn knows(&self, redirect_uri: &str) -> bool {
        let mut known = self.redirects.get().into_iter().flatten();
        known.any(|known| known == redirect_uri)
    }

    /// Whether a page of this origin may read answers.
    pub(super) fn is_page(&self, origin: &str) -> bool {
        self.knows(&format!("{origin}/explore/"))
    }

    /// A code for the page.
    pub(super) fn code(&self, grant: Grant, now: Timestamp) -> String {
        self.memory().codes.put(grant, now, CODE_LIFETIME)
    }

    /// Takes a code back, for a refresh token: once, for who asked for it, at the same place.
    pub(super) fn redeem(
        &self,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Option<(Grant, String)> {
        let mut memory = self.memory();
        let Some(grant) = memory.codes.take(code, now) else {
            memory.revoke_what_came_of(code, now);
            return None;
        };
        memory.families += 1;
        let family = memory.families;
        memory.spend(code, family, now);
        let proof = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        if proof != grant.challenge || grant.redirect_uri != redirect_uri {
            return None;
        }
        let token = memory.refresh_token(grant.user, family, now);
        Some((grant, token))
    }

    /// Takes a refresh token back, for the next one.
    pub(super) fn refreshed(&self, token: &str, now: Timestamp) -> Option<(&'static User, String)> {
        let mut memory = self.memory();
        let Some(Refresh { user, family }) = memory.refresh.take(token, now) else {
            memory.revoke_what_came_of(token, now);
            return None;
        };
        memory.spend(token, family, now);
        let next = memory.refresh_token(user, family, now);
        Some((user, next))
    }

    /// Takes back a refresh token and all that came of the same code (RFC 7009, section 2.1).
    pub(super) fn revoke(&self, token: &str, now: Timestamp) {
        let mut memory = self.memory();
        match memory.refresh.take(token, now) {
            Some(Refresh { family, .. }) => memory.revoke(family),
            None => memory.revoke_what_came_of(token, now),
        }
    }

    /// A session of a browser, in the place of the one it had.
    pub(super) fn session(
        &self,
        user: &'static User,
        before: Option<&str>,
        now: Timestamp,
    ) -> String {
        let mut memory = self.memory();
        before.and_then(|before| memory.sessions.take(before, now));
        memory.sessions.put(user, now, SESSION_LIFETIME)
    }

    /// Whose session that is.
    pub(super) fn known(&self, session: &str, now: Timestamp) -> Option<&'static User> {
        self.memory().sessions.get(session, now).copied()
    }

    /// Ends a session.
    pub(super) fn forget(&self, session: &str, now: Timestamp) {
        self.memory().sessions.take(session, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_room_the_oldest_goes_and_the_newest_is_kept() {
        let now = Timestamp::from_second(4_000_000_000).unwrap();
        let mut kept = Kept::default();
        let secrets: Vec<_> = (0..=MOST)
            .map(|each| kept.put(each, now, CODE_LIFETIME))
            .collect();
        assert_eq!(kept.by_secret.len(), MOST);
        assert_eq!(kept.get(&secrets[0], now), None);
        for (each, secret) in secrets.iter().enumerate().skip(1) {
            assert_eq!(kept.get(secret, now), Some(&each));
        }
    }
}
