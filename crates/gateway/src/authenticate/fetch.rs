//! Fetching the issuer's keys: discovery, then the key set.

use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use url::Url;

use super::keys::KeySet;
use crate::connector::Connector;

/// How long each of the two requests may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest document that is read, in bytes. Key sets have a few thousand.
const MAX_LENGTH: usize = 256 * 1024;

/// Why the keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The issuer or a URL of its is no http or https URL.
    #[error("{0} is not an http or https URL")]
    Url(String),
    /// An https issuer offers its keys in the clear, or an http one, which is one for development,
    /// has them elsewhere than beside it.
    #[error("the keys are at {0}, which is not the issuer's scheme")]
    OtherScheme(Url),
    /// No connection, no answer, or a broken one.
    #[error("{url} cannot be fetched: {reason}")]
    Unreachable {
        /// What was fetched.
        url: Url,
        /// What went wrong.
        reason: String,
    },
    /// Another answer than 200. Redirects are not followed: they could lead anywhere.
    #[error("{url} answered {status}")]
    Status {
        /// What was fetched.
        url: Url,
        /// The answer's status.
        status: StatusCode,
    },
    /// Not the JSON that was expected.
    #[error("{url} is not what it should be: {reason}")]
    Document {
        /// What was fetched.
        url: Url,
        /// What is wrong with it.
        reason: String,
    },
    /// The discovery document is that of another issuer (OIDC Discovery 1.0, section
    /// 4.3: they must be identical).
    #[error("the discovery document is that of {stated}, and not of {expected}")]
    OtherIssuer {
        /// What the document states.
        stated: String,
        /// What is configured.
        expected: String,
    },
    /// No key can be used.
    #[error("{0} holds no public key that can check signatures")]
    NoUsableKey(Url),
    /// The root certificates cannot be read.
    #[error("the root certificates cannot be read: {0}")]
    Certificates(#[from] std::io::Error),
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// Fetches the keys of one issuer.
pub(crate) struct Fetcher {
    issuer: String,
    client: Client<Connector, Empty<Bytes>>,
}

impl Fetcher {
    /// A fetcher for this issuer.
    pub(crate) fn new(issuer: &str) -> Result<Self, FetchError> {
        let connector = Connector::for_scheme(http_url(issuer)?.scheme())?;
        Ok(Self {
            issuer: issuer.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Fetches the keys as they are now.
    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let base = self.issuer.strip_suffix('/').unwrap_or(&self.issuer);
        let discovery_url = http_url(&format!("{base}/.well-known/openid-configuration"))?;
        let discovery: Discovery = self.get(&discovery_url).await?;
        if discovery.issuer != self.issuer {
            return Err(FetchError::OtherIssuer {
                stated: discovery.issuer,
                expected: self.issuer.clone(),
            });
        }
        let keys_url = keys_url(&discovery_url, &discovery.jwks_uri)?;
        let document: Document = self.get(&keys_url).await?;
        let keys = KeySet::new(document.keys);
        if keys.is_empty() {
            return Err(FetchError::NoUsableKey(keys_url));
        }
        Ok(keys)
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, FetchError> {
        let unreachable = |reason: String| FetchError::Unreachable {
            url: url.clone(),
            reason,
        };
        let bytes = timeout(TIMEOUT, self.get_bytes(url))
            .await
            .map_err(|_| unreachable(format!("no answer within {TIMEOUT:?}")))??;
        serde_json::from_slice(&bytes).map_err(|error| FetchError::Document {
            url: url.clone(),
            reason: error.to_string(),
        })
    }

    async fn get_bytes(&self, url: &Url) -> Result<Bytes, FetchError> {
        let unreachable = |reason: String| FetchError::Unreachable {
            url: url.clone(),
            reason,
        };
        let request = Request::get(url.as_str())
            .header(ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|_| FetchError::Url(url.to_string()))?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| unreachable(with_causes(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status {
                url: url.clone(),
                status: response.status(),
            });
        }
        let body = Limited::new(response.into_body(), MAX_LENGTH)
            .collect()
            .await;
        Ok(body
            .map_err(|error| unreachable(error.to_string()))?
            .to_bytes())
    }
}

/// Where the keys are, as the document at `discovery` states it.
fn keys_url(discovery: &Url, stated: &str) -> Result<Url, FetchError> {
    let url = http_url(stated)?;
    if url.scheme() == discovery.scheme() {
        Ok(url)
    } else {
        Err(FetchError::OtherScheme(url))
    }
}

fn http_url(text: &str) -> Result<Url, FetchError> {
    let url = Url::parse(text).map_err(|_| FetchError::Url(text.to_owned()))?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(FetchError::Url(text.to_owned()))
    }
}

/// An error with its causes: the client's own `Display` stops at "client error (Connect)".
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_fetched_in_the_clear_for_an_https_issuer() {
        let refused = |discovery: &str, stated: &str| {
            keys_url(&http_url(discovery).unwrap(), stated).unwrap_err()
        };
        for (discovery, stated) in [
            ("https://issuer.test/d", "http://issuer.test/keys"),
            ("http://issuer.test/d", "https://issuer.test/keys"),
        ] {
            let error = refused(discovery, stated);
            assert!(matches!(error, FetchError::OtherScheme(_)), "{error}");
        }
        let error = refused("https://issuer.test/d", "file:///etc/passwd");
        assert!(matches!(error, FetchError::Url(_)), "{error}");
        let discovery = http_url("https://issuer.test/d").unwrap();
        assert!(keys_url(&discovery, "https://keys.test/").is_ok());
    }
}
