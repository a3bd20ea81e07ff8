//! Who signs in to the demo in a browser: codes, refresh tokens and sessions.
//!
//! Anybody may be anyone here, as the demo is for; what is as strict as at a real issuer is whom a code
//! goes to and that it is good once. All of it is gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};
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

/// What waits for somebody, by the secret that they show.
struct Kept<T>(Mutex<HashMap<String, (Timestamp, T)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Kept<T> {
    /// Keeps `what` until `lifetime` after `now`, and tells by which secret.
    fn put(&self, what: T, now: Timestamp, lifetime: Duration) -> String {
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (until, _)| *until > now);
        if kept.len() < MOST {
            kept.insert(secret.clone(), (now + lifetime, what));
        }
        secret
    }

    fn get(&self, secret: &str, now: Timestamp) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, what) = kept.get(secret)?;
        (*until > now).then(|| what.clone())
    }

    fn take(&self, secret: &str, now: Timestamp) -> Option<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, what) = kept.remove(secret)?;
        (until > now).then_some(what)
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

/// Everything that is remembered of sign-ins.
#[derive(Default)]
pub(crate) struct SignIn {
    /// Where answers may go, to the letter; none before the gateway listens.
    redirects: OnceLock<Vec<String>>,
    codes: Kept<Grant>,
    refresh: Kept<&'static User>,
    sessions: Kept<&'static User>,
}

impl SignIn {
    /// Says at which origins the page is. Only the first call counts.
    pub(crate) fn open(&self, origins: &[String]) {
        let redirect = |origin: &String| format!("{origin}/explore/");
        // A second call would be a mistake of this program that harms nobody.
        let _ = self.redirects.set(origins.iter().map(redirect).collect());
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
        self.codes.put(grant, now, CODE_LIFETIME)
    }

    /// Takes a code back: once, for who asked for it, at the same place.
    pub(super) fn redeem(
        &self,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Option<Grant> {
        let grant = self.codes.take(code, now)?;
        let proof = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        (proof == grant.challenge && grant.redirect_uri == redirect_uri).then_some(grant)
    }

    /// A refresh token, good once.
    pub(super) fn refresh_token(&self, user: &'static User, now: Timestamp) -> String {
        self.refresh.put(user, now, SESSION_LIFETIME)
    }

    /// Takes a refresh token back.
    pub(super) fn refreshed(&self, token: &str, now: Timestamp) -> Option<&'static User> {
        self.refresh.take(token, now)
    }

    /// A session of a browser.
    pub(super) fn session(&self, user: &'static User, now: Timestamp) -> String {
        self.sessions.put(user, now, SESSION_LIFETIME)
    }

    /// Whose session that is.
    pub(super) fn known(&self, session: &str, now: Timestamp) -> Option<&'static User> {
        self.sessions.get(session, now)
    }

    /// Ends a session.
    pub(super) fn forget(&self, session: &str, now: Timestamp) {
        self.sessions.take(session, now);
    }
}
