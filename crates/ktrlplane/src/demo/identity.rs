//! The demo's identity provider: an issuer whose key lies in the demo's directory.
//!
//! Whoever reads that directory or reaches its port can be anyone, which is right for a demo and for
//! nothing else. So it listens on loopback alone, and `serve` cannot switch it on: nothing but the
//! commands `demo` and `token` knows this module, and no key of the configuration leads here.

mod http;
mod key;
pub(crate) mod sign_in;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use gateway::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::data_dir::{DataDir, DataDirError};
use super::world::User;
pub(crate) use key::KeyError;
use key::SigningKey;
use sign_in::SignIn;

/// The audience of the demo's tokens.
pub(crate) const AUDIENCE: &str = "ktrlplane-demo";

/// Where the issuer and its key are kept.
const FILE: &str = "identity-provider.json";

/// An issuer of tokens.
pub(crate) struct IdentityProvider {
    issuer: String,
    key: SigningKey,
    /// Who signs in in a browser.
    pub(crate) sign_in: SignIn,
}

impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    issuer: String,
    /// PKCS #8, in PEM.
    private_key: String,
}

/// Why there is no issuer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// The directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The file is not what was written; the parser's message would quote it.
    #[error("{0} is damaged; remove it, and the next demo makes a new one")]
    Damaged(String),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No port.
    #[error("the demo's identity provider finds no port on 127.0.0.1: {0}")]
    Listen(std::io::Error),
}

/// What a token says. The names are those of RFC 7519 and OIDC Core 1.0, section 5.1.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    /// As Auth0 marks the tokens of machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    gty: Option<&'a str>,
    /// What the page asked with, and finds again in its identity token.
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

impl IdentityProvider {
    /// The issuer that is kept in `dir`; `None` where no demo ever ran.
    pub(crate) fn kept(dir: &DataDir) -> Result<Option<Self>, IdentityError> {
        let Some(text) = dir.read(FILE)? else {
            return Ok(None);
        };
        let damaged = || IdentityError::Damaged(dir.file(FILE).display().to_string());
        let kept: Kept = serde_json::from_str(&text).map_err(|_| damaged())?;
        let key = SigningKey::from_pem(&kept.private_key).map_err(|_| damaged())?;
        Ok(Some(Self {
            issuer: kept.issuer,
            key,
            sign_in: SignIn::default(),
        }))
    }

    /// The issuer of `dir`, made at first start, with the listener at which it is found.
    ///
    /// It keeps its port, so that tokens outlive the demo. Where that port is taken it moves to
    /// another one, under which older tokens are no longer good.
    pub(crate) fn open(dir: &DataDir) -> Result<(Self, TcpListener), IdentityError> {
        let kept = Self::kept(dir)?;
        let port = kept.as_ref().and_then(|kept| port(&kept.issuer));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or_default()))
            .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .map_err(IdentityError::Listen)?;
        let address = listener.local_addr().map_err(IdentityError::Listen)?;
        let issuer = format!("http://{address}");
        let key = match kept {
            Some(kept) if kept.issuer == issuer => return Ok((kept, listener)),
            Some(kept) => kept.key,
            None => SigningKey::generate()?,
        };
        let keep = Kept {
            issuer: issuer.clone(),
            private_key: key.pem().to_owned(),
        };
        let text = serde_json::to_string_pretty(&keep).map_err(KeyError::from)?;
        dir.write(FILE, &text)?;
        let sign_in = SignIn::default();
        let provider = Self {
            issuer,
            key,
            sign_in,
        };
        Ok((provider, listener))
    }

    /// The issuer's URL, which is the `iss` of its tokens.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A token for `user` that is good from `now` for `lifetime`.
    pub(crate) fn token(
        &self,
        user: &User,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, KeyError> {
        self.sign(user, AUDIENCE, None, now, lifetime)
    }

    /// What tells the client `client` who `user` is.
    pub(crate) fn id_token(
        &self,
        user: &User,
        client: &str,
        nonce: Option<&str>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, KeyError> {
        self.sign(user, client, nonce, now, lifetime)
    }

    fn sign(
        &self,
        user: &User,
        audience: &str,
        nonce: Option<&str>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, KeyError> {
        let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        self.key.sign(&Claims {
            iss: &self.issuer,
            sub: user.subject,
            aud: audience,
            iat: now.as_second(),
            exp: now.as_second().saturating_add(lifetime),
            name: user.full_name,
            email: user.email,
            email_verified: user.email.map(|_| true),
            gty: user.email.is_none().then_some("client-credentials"),
            nonce,
        })
    }

    /// The issuer's HTTP face: discovery, keys, signing in and out.
    pub(crate) fn router(self: &Arc<Self>, clock: Arc<dyn Clock>) -> axum::Router {
        http::router(Arc::clone(self), clock)
    }
}

fn port(issuer: &str) -> Option<u16> {
    let address: SocketAddr = issuer.strip_prefix("http://")?.parse().ok()?;
    Some(address.port())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};

    use super::*;
    use crate::demo::world;

    fn open(dir: &DataDir) -> (IdentityProvider, TcpListener) {
        let _lock = dir.occupy().unwrap();
        IdentityProvider::open(dir).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::from_second(4_000_000_000).unwrap()
    }

    fn check(provider: &IdentityProvider, token: &str) -> serde_json::Value {
        let keys: JwkSet = serde_json::from_value(provider.key.jwks().clone()).unwrap();
        let header = decode_header(token).unwrap();
        let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[provider.issuer()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let key = DecodingKey::from_jwk(key).unwrap();
        decode::<serde_json::Value>(token, &key, &validation)
            .unwrap()
            .claims
    }

    #[test]
    fn a_token_is_good_by_the_published_keys() {
        let parent = tempfile::tempdir().unwrap();
        let (provider, _listener) = open(&DataDir::new(parent.path()));
        let victor = world::user("victor").unwrap();
        let token = provider
            .token(victor, now(), Duration::from_mins(1))
            .unwrap();
        let claims = check(&provider, &token);
        assert_eq!(claims["sub"], "demo|victor");
        assert_eq!(claims["exp"], 4_000_000_060_i64);
        assert_eq!(claims["gty"], serde_json::Value::Null);
        let robot = world::user("robot").unwrap();
        let token = provider
            .token(robot, now(), Duration::from_mins(1))
            .unwrap();
        let claims = check(&provider, &token);
        assert_eq!(claims["sub"], "robot@clients");
        assert_eq!(claims["gty"], "client-credentials");
    }

    #[test]
    fn issuer_and_key_survive_a_restart_and_a_taken_port_moves_the_issuer() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::new(parent.path());
        let (first, listener) = open(&dir);
        drop(listener);
        let (second, listener) = open(&dir);
        assert_eq!(first.issuer(), second.issuer());
        assert_eq!(first.key.jwks(), second.key.jwks());
        let (third, _other) = open(&dir);
        assert_ne!(third.issuer(), second.issuer());
        assert_eq!(third.key.jwks(), second.key.jwks());
        drop(listener);
        let kept = IdentityProvider::kept(&dir).unwrap().unwrap();
        assert_eq!(kept.issuer(), third.issuer());
    }

    #[test]
    fn the_published_keys_hold_nothing_private() {
        let parent = tempfile::tempdir().unwrap();
        let (provider, _listener) = open(&DataDir::new(parent.path()));
        let keys = provider.key.jwks()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 1);
        let mut members: Vec<&String> = keys[0].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    }

    #[test]
    fn a_damaged_file_is_said_to_be_damaged_and_not_quoted() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::new(parent.path());
        dir.write(FILE, "{\"issuer\": \"hunter2\"").unwrap();
        let error = IdentityProvider::kept(&dir).unwrap_err().to_string();
        assert!(
            error.contains("is damaged") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
