//! Who the caller is: one bearer token of the configured issuer.

pub mod keys;
pub mod token;

mod fetch;

mod remembered;

pub(crate) use fetch::with_causes;

use std::sync::Arc;

use directory::policy::Subject;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use crate::error::Error;
use keys::Keys;
pub use remembered::Remembered;
use token::NOT_PLAIN;
pub use token::Verifier;

/// The proof that a request carries a token that the issuer signed for this audience, and that
/// holds now.
///
/// Only [`authenticate`] makes one:
///
/// ```compile_fail,E0451
/// # use gateway::authenticate::Principal;
/// # fn forge(real: Principal, subject: gateway::directory::policy::Subject) -> Principal {
/// Principal { subject, ..real }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    subject: Subject,
    expires_at: Timestamp,
    email: Option<Arc<str>>,
    name: Option<Arc<str>>,
}

impl Principal {
    /// The token's `sub`: the identity.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// When the token stops to hold.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The e-mail address, where the issuer says that it has verified it. It identifies nobody.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// What people call the caller, as the issuer says it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// What fetches this issuer's keys.
pub(crate) fn fetcher(issuer: &str) -> Result<fetch::Fetcher, keys::FetchError> {
    fetch::Fetcher::new(issuer)
}

/// Finds out who sent a request with these headers. What `remembered` holds was verified by the same
/// `verifier`.
pub async fn authenticate(
    verifier: &Verifier,
    keys: &Keys,
    remembered: &Remembered,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<Principal, Error> {
    let token = bearer(headers)?;
    let claims = verifier.verify(keys, remembered, token, now).await?;
    Ok(Principal {
        subject: claims.subject,
        expires_at: claims.validity.expires_at,
        email: claims.email,
        name: claims.name,
    })
}

/// The scheme and the space behind it.
const SCHEME: &[u8] = b"bearer ";

/// The longest token, in bytes; those with hundreds of permissions are about half as long.
const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// The one bearer token of a request (RFC 6750, section 2.1). Tokens in the query or in a form
/// (sections 2.2 and 2.3) are not looked at: they end up in logs.
///
/// It is told as bytes, since what every request carries is not worth to be read as a text.
fn bearer(headers: &HeaderMap) -> Result<&[u8], Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Error::NoToken)?;
    if values.next().is_some() {
        // Which of the two another proxy on the way believes is anybody's guess.
        return Err(Error::InvalidToken("more than one Authorization header"));
    }
    let credentials = value.as_bytes().split_at_checked(SCHEME.len());
    let mut token = match credentials {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => token,
        Some(_) | None if value.to_str().is_err() => return Err(Error::InvalidToken(NOT_PLAIN)),
        Some(_) | None => return Err(Error::NoToken),
    };
    while let [b' ', rest @ ..] | [rest @ .., b' '] = token {
        token = rest;
    }
    if token.is_empty() {
        return Err(Error::NoToken);
    }
    if token.len() > MAX_TOKEN_LENGTH {
        return Err(Error::InvalidToken("the token is too long"));
    }
    Ok(token)
}
