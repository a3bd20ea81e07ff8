//! What makes a token acceptable.

use std::sync::Arc;

use directory::policy::Subject;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::keys::{Chosen, KeySet, Keys};
use super::remembered::{self, Remembered};
use crate::error::Error;
use crate::settings::IssuerSettings;

/// How far the issuer's clock may be from ours.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// The algorithms that settings may name.
const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Checks tokens of one issuer for one audience.
#[derive(Clone, Debug)]
pub struct Verifier {
    issuer: String,
    audience: String,
    algorithms: Vec<Algorithm>,
}

/// What a verified token says.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) subject: Subject,
    pub(super) validity: Validity,
    pub(super) email: Option<Arc<str>>,
    pub(super) name: Option<Arc<str>>,
}

/// When a token holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    pub(super) expires_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
}

impl Validity {
    /// Whether it holds at `now`, give or take the skew of the clocks.
    fn check(self, now: Timestamp) -> Result<(), Error> {
        if now.duration_since(self.expires_at) >= SKEW {
            return Err(Error::InvalidToken("the token has expired"));
        }
        match self.not_before {
            Some(not_before) if not_before.duration_since(now) > SKEW => {
                Err(Error::InvalidToken("the token is not valid yet"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Settings that name an algorithm that must never be accepted, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlgorithmError {
    /// No algorithm.
    #[error("at least one signature algorithm must be accepted")]
    None,
    /// Whoever can check an HMAC can also make one (threat 18).
    #[error("{0:?} is never accepted as a signature algorithm; RS, PS, ES and EdDSA are")]
    Refused(Algorithm),
}

/// Said of a header with other characters than those of a token.
pub(super) const NOT_PLAIN: &str = "the Authorization header is not plain ASCII";

/// The longest e-mail address or name that is kept of a token, in bytes; that of the directory's
/// columns.
const MAX_TEXT_LENGTH: usize = 255;

/// The claims that decide, and behind them those for people: an e-mail is no identity.
#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    // Of any type: what nothing is decided by refuses no token.
    #[serde(default)]
    email: Value,
    #[serde(default)]
    email_verified: Value,
    #[serde(default)]
    name: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn holds(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

impl Verifier {
    /// A verifier for these settings.
    pub fn new(settings: &IssuerSettings) -> Result<Self, AlgorithmError> {
        if settings.algorithms.is_empty() {
            return Err(AlgorithmError::None);
        }
        let refused = |algorithm: &&Algorithm| !ASYMMETRIC.contains(*algorithm);
        if let Some(algorithm) = settings.algorithms.iter().find(refused) {
            return Err(AlgorithmError::Refused(*algorithm));
        }
        Ok(Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            algorithms: settings.algorithms.clone(),
        })
    }

    /// Checks a token at `now`: header, key, signature, then claims. Of one that is remembered, only
    /// the time is left to check.
    pub(super) async fn verify(
        &self,
        keys: &Keys,
        remembered: &Remembered,
        token: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Error> {
        let digest = remembered::digest_of(token).ok_or(Error::Internal)?;
        let known = keys
            .now()
            .and_then(|keys| remembered.recall(&keys, &digest));
        if let Some(known) = known {
            known.validity.check(now)?;
            return Ok(known);
        }
        // Of a token that is known every byte is known, too.
        let token = plain(token)?;
        // Boxed, since it is seldom gone into and needs much room: every request would carry it.
        let (verified, by) = Box::pin(self.verify_anew(keys, token, now)).await?;
        remembered.remember(&by, digest, verified.clone());
        Ok(verified)
    }

    /// What a good token says, and the keys that it was checked with.
    async fn verify_anew(
        &self,
        keys: &Keys,
        token: &str,
        now: Timestamp,
    ) -> Result<(Verified, Arc<KeySet>), Error> {
        let of_a_token =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !token.bytes().all(of_a_token) {
            return Err(Error::InvalidToken("the token is not a JWT"));
        }
        // `jku`, `x5u` and `jwk` are read by nobody: keys come from the configured issuer alone.
        let header = jsonwebtoken::decode_header(token).map_err(|_| {
            Error::InvalidToken("the token is not a JWT, or its algorithm is not accepted")
        })?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Error::InvalidToken("the token's algorithm is not accepted"));
        }
        if header.crit.is_some() {
            return Err(Error::InvalidToken(
                "the token demands extensions that are not understood",
            ));
        }
        let kid = header.kid.as_deref();
        let held = keys.held().await.ok_or(Error::NoKeys)?;
        let by = match held.choose(kid, header.alg) {
            Chosen::Unknown => keys.refreshed().await.ok_or(Error::NoKeys)?,
            Chosen::Key(_) | Chosen::Unfit => held,
        };
        let verified = self.check(&by, kid, header.alg, token, now)?;
        Ok((verified, by))
    }

    fn check(
        &self,
        keys: &KeySet,
        kid: Option<&str>,
        algorithm: Algorithm,
        token: &str,
        now: Timestamp,
    ) -> Result<Verified, Error> {
        let key = match keys.choose(kid, algorithm) {
            Chosen::Key(key) => key,
            Chosen::Unfit => {
                return Err(Error::InvalidToken(
                    "the token's key does not fit its algorithm",
                ));
            }
            Chosen::Unknown => {
                return Err(Error::InvalidToken(
                    "the token was signed with a key that is not the issuer's",
                ));
            }
        };
        // The library checks the signature. Claims are checked below, where the time is a parameter
        // and each refusal has its own sentence.
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map_err(|error| {
                // The signature is read first: what is no base64 is most likely a cut-off one.
                if matches!(
                    error.kind(),
                    ErrorKind::InvalidSignature | ErrorKind::Base64(_)
                ) {
                    Error::InvalidToken("the token's signature is wrong")
                } else {
                    Error::InvalidToken("the token's claims are malformed")
                }
            })?
            .claims;
        self.check_claims(claims, now)
    }

    fn check_claims(&self, claims: Claims, now: Timestamp) -> Result<Verified, Error> {
        if claims.iss.as_deref() != Some(self.issuer.as_str()) {
            return Err(Error::InvalidToken("the token is of another issuer"));
        }
        if !claims
            .aud
            .is_some_and(|audience| audience.holds(&self.audience))
        {
            return Err(Error::InvalidToken("the token is for another audience"));
        }
        let expires_at = claims
            .exp
            .and_then(numeric_date)
            .ok_or(Error::InvalidToken("the token has no valid expiry"))?;
        // What has expired is told so, whatever its beginning is.
        Validity {
            expires_at,
            not_before: None,
        }
        .check(now)?;
        let not_before = claims.nbf.map(|nbf| {
            numeric_date(nbf).ok_or(Error::InvalidToken("the token's nbf is not a valid time"))
        });
        let validity = Validity {
            expires_at,
            not_before: not_before.transpose()?,
        };
        validity.check(now)?;
        // Anybody may write anything into an address that nobody has verified.
        let email = (claims.email_verified == Value::Bool(true))
            .then(|| for_people(claims.email))
            .flatten();
        let email = email.filter(|email| email.contains('@'));
        let subject = claims.sub.and_then(|subject| Subject::new(subject).ok());
        Ok(Verified {
            subject: subject.ok_or(Error::InvalidToken("the token has no valid subject"))?,
            validity,
            email,
            name: for_people(claims.name),
        })
    }
}

/// The token as a text, if it has none but the visible characters of ASCII.
fn plain(token: &[u8]) -> Result<&str, Error> {
    let is_plain = token.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    let text = str::from_utf8(token).ok().filter(|_| is_plain);
    text.ok_or(Error::InvalidToken(NOT_PLAIN))
}

/// A text to be shown, if it is a short one without control characters; otherwise as if it were not
/// there.
fn for_people(claim: Value) -> Option<Arc<str>> {
    let Value::String(text) = claim else {
        return None;
    };
    let fits = !text.trim().is_empty()
        && text.len() <= MAX_TEXT_LENGTH
        && !text.chars().any(char::is_control);
    fits.then(|| text.into())
}

/// A `NumericDate` (RFC 7519, section 2): seconds since 1970, possibly with a fraction.
fn numeric_date(seconds: f64) -> Option<Timestamp> {
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}
