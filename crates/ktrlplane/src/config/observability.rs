//! `observability`: the backends.

use std::fmt;

use url::Url;

use super::layers::{Given, Layers};
use super::mask::mask_url;
use super::problem::Problem;

/// The backends.
#[derive(Debug)]
pub(crate) struct Observability {
    /// Where logs are.
    pub(crate) loki: Backend,
    /// Where metrics are.
    pub(crate) mimir: Backend,
}

/// One backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Not enabled: its endpoints answer 503.
    Off,
    /// The one in this process.
    Embedded,
    /// The one at this URL, whose userinfo are its credentials.
    At(Url),
}

/// For the log: without credentials.
impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Embedded => f.write_str("embedded:"),
            Self::At(url) => f.write_str(&mask_url(url.as_str())),
        }
    }
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Observability> {
    let loki = backend(
        layers,
        "observability.loki.enabled",
        "observability.loki.url",
        problems,
    );
    let mimir = backend(
        layers,
        "observability.mimir.enabled",
        "observability.mimir.url",
        problems,
    );
    Some(Observability {
        loki: loki?,
        mimir: mimir?,
    })
}

fn backend(
    layers: &Layers,
    enabled: &'static str,
    url: &'static str,
    problems: &mut Vec<Problem>,
) -> Option<Backend> {
    let enabled = layers.require(enabled, problems, switch);
    // The URL of a backend that is off is checked too: it is there to be switched on.
    if enabled? || layers.given(url).is_some() {
        let backend = layers.require(url, problems, address)?;
        Some(if enabled? { backend } else { Backend::Off })
    } else {
        Some(Backend::Off)
    }
}

fn switch(given: &Given) -> Result<bool, String> {
    match given.text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("is {}", given.shown())),
    }
}

fn address(given: &Given) -> Result<Backend, String> {
    let text = given.text.trim();
    if text == "embedded:" {
        return Ok(Backend::Embedded);
    }
    let shown = given.shown();
    let url = Url::parse(text).map_err(|error| format!("is {shown}, which is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("is {shown}, which is neither http:// nor https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {shown}, which has a query or a fragment"));
    }
    Ok(Backend::At(url))
}
