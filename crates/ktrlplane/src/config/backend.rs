//! One backend of `observability`: where it is and how it is reached.

mod credentials;
mod tls;

use std::fmt;
use std::time::Duration;

use gateway::BackendSettings;
use gateway::settings::{Credentials, TenantHeader};
use url::Url;

use super::layers::{Given, Layers};
use super::problem::Problem;

/// One backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Not enabled: its endpoints answer 503.
    Off,
    /// The one in this process, which may take this long to answer. The rest of the section is
    /// about backends elsewhere.
    Embedded(Duration),
    /// One elsewhere.
    At(Box<BackendSettings>),
}

/// For the log: without credentials.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Embedded(_) => f.write_str("embedded:"),
            Self::At(settings) => f.write_str(&settings.public_url()),
        }
    }
}

/// The keys of one backend, with what they are given.
#[derive(Clone, Copy)]
struct Section<'a> {
    layers: &'a Layers,
    /// Such as `observability.loki`.
    path: &'static str,
}

impl Section<'_> {
    fn given(&self, name: &str) -> Option<&Given> {
        self.layers.given(&self.key(name))
    }

    fn require<T>(
        &self,
        name: &str,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        self.layers.require(&self.key(name), problems, read)
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

/// Reads the section at `path`. What is given is checked where the backend is off, too: it is
/// there to be switched on.
pub(super) fn read(
    layers: &Layers,
    path: &'static str,
    problems: &mut Vec<Problem>,
) -> Option<Backend> {
    let section = Section { layers, path };
    let enabled = section.require("enabled", problems, Given::switch);
    let needs_url = enabled? || section.given("url").is_some();
    let address = needs_url.then(|| section.require("url", problems, address));
    let timeout = section.require("timeout", problems, timeout);
    let tenant_header = section.require("tenant_header", problems, tenant_header);
    let policy = section.require("policy", problems, Given::switch);
    let credentials = credentials::read(section, problems);
    let tls = tls::read(section, problems);
    let (timeout, tenant_header, policy) = (timeout?, tenant_header?, policy?);
    let (credentials, tls) = (credentials?, tls?);
    match address {
        None => Some(Backend::Off),
        Some(address) => match address? {
            _ if !enabled? => Some(Backend::Off),
            Address::Embedded => Some(Backend::Embedded(timeout)),
            Address::At(url) => {
                let mut settings = BackendSettings::new(url, timeout);
                settings.tenant_header = tenant_header;
                settings.policy = policy;
                settings.tls = tls;
                if credentials != Credentials::None {
                    settings.credentials = credentials;
                }
                Some(Backend::At(Box::new(settings)))
            }
        },
    }
}

/// What a URL stands for.
enum Address {
    Embedded,
    At(Url),
}

fn address(given: &Given) -> Result<Address, String> {
    let text = given.text.trim();
    if text == "embedded:" {
        return Ok(Address::Embedded);
    }
    let shown = given.shown();
    if text.starts_with("embedded:") {
        return Err(format!(
            "is {shown}, and the embedded backend is \"embedded:\" and nothing else; its directory is \
             embedded.directory"
        ));
    }
    let url = Url::parse(text).map_err(|error| format!("is {shown}, which is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("is {shown}, which is neither http:// nor https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {shown}, which has a query or a fragment"));
    }
    Ok(Address::At(url))
}

fn timeout(given: &Given) -> Result<Duration, String> {
    given.time(Duration::from_millis(100)..=Duration::from_hours(1))
}

fn tenant_header(given: &Given) -> Result<TenantHeader, String> {
    TenantHeader::new(given.text.trim()).map_err(|why| format!("is {}, which {why}", given.shown()))
}
