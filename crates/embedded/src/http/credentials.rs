//! The credentials without which the backend does not answer.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

/// A name and a password for HTTP Basic authentication (RFC 7617).
#[derive(Clone)]
pub struct Credentials {
    pair: Vec<u8>,
}

impl Credentials {
    /// Credentials of this name, which has no colon in it, and this password.
    #[must_use]
    pub fn basic(username: &str, password: &str) -> Self {
        Self {
            pair: format!("{username}:{password}").into_bytes(),
        }
    }

    /// Whether a request with these headers carries them, exactly once.
    pub(crate) fn are_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let Some((scheme, encoded)) = value.to_str().ok().and_then(|text| text.split_once(' '))
        else {
            return false;
        };
        let Ok(given) = STANDARD.decode(encoded.trim()) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("basic") && same(&given, &self.pair)
    }
}

/// Compares without an early end, so that the time taken does not tell how much was right.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let difference = given
        .iter()
        .zip(wanted)
        .fold(0, |difference, (a, b)| difference | (a ^ b));
    given.len() == wanted.len() && difference == 0
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}
