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

/// As many URLs beside the first as anybody could need.
const MOST_OTHERS: usize = 15;

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
            Self::At(settings) => {
                let urls: Vec<String> = settings.public_urls().collect();
                f.write_str(&urls.join(", "))
            }
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
    let others = match section.given("urls") {
        Some(_) => section.require("urls", problems, |given| others(section, given)),
        None => Some(Vec::new()),
    };
    let timeout = section.require("timeout", problems, timeout);
    let tenant_header = section.require("tenant_header", problems, tenant_header);
    let policy = section.require("policy", problems, Given::switch);
    let credentials = credentials::read(section, problems);
    let tls = tls::read(section, problems);
    let (timeout, tenant_header, policy) = (timeout?, tenant_header?, policy?);
    let (credentials, tls, others) = (credentials?, tls?, others?);
    match address {
        None => Some(Backend::Off),
        Some(address) => match address? {
            _ if !enabled? => Some(Backend::Off),
            Address::Embedded => Some(Backend::Embedded(timeout)),
            Address::At(url) => {
                let mut settings = BackendSettings::new(url, timeout).with_others(others);
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
    http_url(text)
        .map(Address::At)
        .map_err(|why| format!("is {shown}, which {why}"))
}

fn http_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("is neither http:// nor https://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    Ok(url)
}

/// The URLs beside the first one, which share its credentials and its kind of connection.
fn others(section: Section<'_>, given: &Given) -> Result<Vec<Url>, String> {
    let first = section.given("url");
    let first = first.and_then(|first| Url::parse(first.text.trim()).ok());
    let texts = given.text.split(',').map(str::trim);
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    if texts.len() > MOST_OTHERS {
        return Err(format!("has {} URLs", texts.len()));
    }
    let url = |(index, text): (usize, &str)| {
        let wrong = |why: &str| format!("has a URL, number {}, which {why}", index + 1);
        let url = http_url(text).map_err(|why| wrong(&why))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "has credentials: those of the first URL hold for all",
            ));
        }
        match &first {
            Some(first) if first.scheme() != url.scheme() => Err(wrong(
                "has another scheme than url, and is reached in another way",
            )),
            Some(_) => Ok(url),
            None => Err(wrong("stands beside no url, which is asked first")),
        }
    };
    let others: Vec<Url> = texts
        .into_iter()
        .enumerate()
        .map(url)
        .collect::<Result<_, _>>()?;
    // Asked twice, one that hangs would be waited for twice.
    let place = |url: &Url| {
        (
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
            url.path().to_owned(),
        )
    };
    for (index, other) in others.iter().enumerate() {
        let earlier = first.iter().chain(others.iter().take(index));
        if earlier.map(place).any(|earlier| earlier == place(other)) {
            return Err(format!(
                "has a URL, number {}, which is there twice",
                index + 1
            ));
        }
    }
    Ok(others)
}

fn timeout(given: &Given) -> Result<Duration, String> {
    given.time(Duration::from_millis(100)..=Duration::from_hours(1))
}

fn tenant_header(given: &Given) -> Result<TenantHeader, String> {
    TenantHeader::new(given.text.trim()).map_err(|why| format!("is {}, which {why}", given.shown()))
}
