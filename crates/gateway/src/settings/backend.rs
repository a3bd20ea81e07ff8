//! Where a backend is, how it is reached, and what tells it who asks.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::pki_types;
use url::Url;

use super::TenantHeader;

/// Where a backend is, how it is reached, and what tells it who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct BackendSettings {
    /// Never with credentials in it: they are in `credentials`.
    url: Url,
    /// Where else it is, for when it cannot be reached there; likewise.
    others: Vec<Url>,
    /// How long it may take until its answer begins, and how long an answer may then pause.
    pub timeout: Duration,
    /// What the gateway shows in `Authorization`.
    pub credentials: Credentials,
    /// How an `https` backend is told from an impostor, and the gateway from one.
    pub tls: TlsSettings,
    /// The header that names the tenant.
    pub tenant_header: TenantHeader,
    /// Whether `X-Prom-Label-Policy` goes with every request about one resource: a second lock
    /// that recent Loki, Mimir and the Enterprise gateways turn themselves.
    pub policy: bool,
}

/// What a backend is shown in `Authorization`: one of these, never two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing.
    #[default]
    None,
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user's name, without a colon.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A bearer token (RFC 6750).
    Bearer(Secret),
}

/// A secret, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The secret.
    Text(String),
    /// The file that holds it. A changed file holds from within a minute on.
    File(PathBuf),
}

/// How a TLS connection is made. The default: the machine's root certificates, no certificate of
/// the gateway's own, and the URL's host as the server's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file with the certificate authorities that are trusted, in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// The gateway's certificate.
    pub client: Option<ClientCertificate>,
    /// The name that the backend's certificate must be for, where that is not the URL's host.
    pub server_name: Option<ServerName>,
}

/// The PEM files of a client certificate. Both are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, followed by intermediate ones.
    pub cert_file: PathBuf,
    /// Its private key, not encrypted.
    pub key_file: PathBuf,
}

/// A host name or IP address for which a certificate can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerName(pki_types::ServerName<'static>);

/// Not a host name or IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither a host name nor an IP address")]
pub struct NotAServerName;

impl BackendSettings {
    /// A backend at `url`, which may have a path prefix, and credentials for HTTP Basic as its
    /// userinfo; for the rest the defaults hold.
    #[must_use]
    pub fn new(mut url: Url, timeout: Duration) -> Self {
        let credentials = take_userinfo(&mut url);
        Self {
            url,
            others: Vec::new(),
            timeout,
            credentials,
            tls: TlsSettings::default(),
            tenant_header: TenantHeader::default(),
            policy: true,
        }
    }

    /// The URL, without credentials.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL as it is built upon, and fit for a log or a terminal.
    #[must_use]
    pub fn public_url(&self) -> String {
        public(&self.url)
    }

    /// The same backend with these URLs after its first one. They share its credentials, and what
    /// userinfo they have is dropped.
    #[must_use]
    pub fn with_others(mut self, others: impl IntoIterator<Item = Url>) -> Self {
        self.others = others.into_iter().collect();
        for url in &mut self.others {
            take_userinfo(url);
        }
        self
    }

    /// All URLs, in the order in which they are preferred.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.url).chain(&self.others)
    }

    /// All URLs likewise, fit for a log or a terminal.
    pub fn public_urls(&self) -> impl Iterator<Item = String> {
        self.urls().map(public)
    }

    /// The same backend at each of its URLs alone.
    pub fn each(&self) -> impl Iterator<Item = Self> {
        self.urls().map(|url| Self {
            url: url.clone(),
            others: Vec::new(),
            ..self.clone()
        })
    }
}

fn public(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The credentials in a URL, which has none afterwards. Percent-encoding is undone, as UTF-8.
fn take_userinfo(url: &mut Url) -> Credentials {
    if url.username().is_empty() && url.password().is_none() {
        return Credentials::None;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let credentials = Credentials::Basic {
        username: decoded(url.username()),
        password: Secret::Text(decoded(url.password().unwrap_or_default())),
    };
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    credentials
}

impl ServerName {
    /// `name`, if a certificate can be for it.
    pub fn new(name: &str) -> Result<Self, NotAServerName> {
        let name = pki_types::ServerName::try_from(name.to_owned());
        name.map(Self).map_err(|_| NotAServerName)
    }

    pub(crate) fn as_pki(&self) -> &pki_types::ServerName<'static> {
        &self.0
    }
}

impl fmt::Debug for BackendSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendSettings")
            .field("url", &self.public_url())
            .field("others", &self.public_urls().skip(1).collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .field("credentials", &self.credentials)
            .field("tls", &self.tls)
            .field("tenant_header", &self.tenant_header)
            .field("policy", &self.policy)
            .finish()
    }
}

/// Without the secret: settings are logged.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("***"),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> BackendSettings {
        BackendSettings::new(url.parse().unwrap(), Duration::from_secs(1))
    }

    #[test]
    fn credentials_do_not_stay_in_the_url_and_are_not_shown() {
        let settings = at("https://gate%20way:s%40cret@loki/prefix/");
        assert_eq!(settings.public_url(), "https://loki/prefix/");
        let expected = Credentials::Basic {
            username: "gate way".to_owned(),
            password: Secret::Text("s@cret".to_owned()),
        };
        assert_eq!(settings.credentials, expected);
        let mut bearer = settings.clone();
        bearer.credentials = Credentials::Bearer(Secret::Text("t0ken".to_owned()));
        let shown = format!("{settings:?} {bearer:?}");
        assert!(
            !shown.contains("cret") && !shown.contains("t0ken"),
            "{shown}"
        );
    }

    #[test]
    fn a_url_without_userinfo_has_no_credentials() {
        assert_eq!(at("http://loki:3100").credentials, Credentials::None);
    }

    #[test]
    fn a_server_name_is_one_that_a_certificate_can_be_for() {
        for name in ["loki.internal", "10.0.0.1", "::1", "localhost"] {
            assert!(ServerName::new(name).is_ok(), "{name}");
        }
        for name in ["", "loki:3100", "https://loki", "lo ki", "*.internal"] {
            assert_eq!(ServerName::new(name), Err(NotAServerName), "{name}");
        }
    }
}
