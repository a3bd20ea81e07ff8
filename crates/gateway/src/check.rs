//! Trying out the issuer and the backends, for a person who has just configured them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use directory::policy::ProjectId;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;

use crate::audit;
use crate::authenticate::{self, token::Verifier};
use crate::forward::Upstream;
use crate::routes::Backend;
use crate::scope::Request;
use crate::server::tls;
use crate::settings::{AuditOutput, AuditSettings, BackendSettings, IssuerSettings, ListenerTls};
use crate::transport::Transport;

/// The tenant and the resource that are asked for. Nobody has to have them: an empty answer is one.
const NOBODY: &str = "ktrlplane-check";

/// How much of a backend's complaint is shown, in bytes.
const SHOWN: usize = 300;

/// What was found out about one counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it can be used.
    pub ok: bool,
    /// What was found, in one sentence without a final full stop.
    pub sentence: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

fn found(ok: bool, sentence: String) -> Finding {
    Finding { ok, sentence }
}

/// Opens the audit's output, as a start would: a file that is not there is made.
#[must_use]
pub fn audit(settings: &AuditSettings) -> Finding {
    match (&settings.output, audit::try_out(&settings.output)) {
        (AuditOutput::Off, _) => found(true, "is off: nothing is audited".to_owned()),
        (AuditOutput::Stdout, Ok(())) => found(true, "goes to standard output".to_owned()),
        (AuditOutput::Stdout, Err(error)) => found(false, format!("standard output: {error}")),
        (AuditOutput::File(path), Ok(())) => {
            found(true, format!("{} can be written", path.display()))
        }
        (AuditOutput::File(path), Err(error)) => found(
            false,
            format!("{} cannot be opened: {error}", path.display()),
        ),
    }
}

/// Reads the certificate and what is used with it, as a start would.
#[must_use]
pub fn tls(settings: &ListenerTls, now: Timestamp) -> Finding {
    match tls::try_out(settings, now) {
        Ok(validity) => {
            let days = validity.until.duration_since(now).as_hours() / 24;
            found(
                true,
                format!(
                    "{} is for {validity} until {}, for {days} days more",
                    settings.certificate.display(),
                    validity.until
                ),
            )
        }
        Err(error) => found(false, error.to_string()),
    }
}

/// Fetches the issuer's keys as the gateway would.
pub async fn issuer(settings: &IssuerSettings) -> Finding {
    if let Err(error) = Verifier::new(settings) {
        return found(false, error.to_string());
    }
    let fetched = match authenticate::fetcher(&settings.issuer) {
        Ok(fetcher) => fetcher.fetch().await,
        Err(error) => Err(error),
    };
    match fetched {
        Ok(keys)
            if settings
                .algorithms
                .iter()
                .any(|algorithm| keys.has_for(*algorithm)) =>
        {
            found(
                true,
                format!("{} has {} usable keys", settings.issuer, keys.len()),
            )
        }
        Ok(_) => found(
            false,
            format!(
                "{} has no key for {:?}",
                settings.issuer, settings.algorithms
            ),
        ),
        Err(error) => found(false, error.to_string()),
    }
}

/// Asks a backend, at each of its URLs, a question to which no data is a good answer.
pub async fn backend(backend: Backend, settings: &BackendSettings) -> Finding {
    // Of all of them, also where one does not answer: what is wanted to know then is whether others do.
    let (mut ok, mut sentences) = (true, Vec::new());
    for at in settings.each() {
        let finding = one(backend, &at).await;
        ok &= finding.ok;
        sentences.push(finding.sentence);
    }
    found(ok, sentences.join(", "))
}

async fn one(backend: Backend, settings: &BackendSettings) -> Finding {
    let url = settings.public_url();
    let url = url.trim_end_matches('/');
    let transport = match Transport::open(settings) {
        Ok(transport) => transport,
        Err(error) => return found(false, format!("{url} cannot be asked: {error}")),
    };
    let Ok(tenant) = ProjectId::new(NOBODY) else {
        return found(false, "the check itself is broken".to_owned());
    };
    let selector = format!("{{resource_id=\"{NOBODY}\"}}");
    let (path, parameters) = match backend {
        Backend::Loki => (
            "/loki/api/v1/query_range",
            vec![("query", selector), ("limit", "1".to_owned())],
        ),
        Backend::Mimir => ("/prometheus/api/v1/query", vec![("query", selector)]),
    };
    let request = Request {
        backend,
        path: path.into(),
        parameters,
        tenant,
        bound: None,
        headers: HeaderMap::new(),
    };
    let upstream = Upstream::new(backend, settings, transport, Arc::default());
    match upstream
        .try_send(request, &HeaderValue::from_static(NOBODY))
        .await
    {
        Err(reason) => found(false, format!("{url} cannot be asked: {reason}")),
        Ok(answer) if answer.status() == StatusCode::OK => {
            found(true, format!("{url} answers queries"))
        }
        Ok(answer) => {
            let status = answer.status();
            let body = Limited::new(answer.into_body(), 64 * 1024).collect();
            let said = match tokio::time::timeout(Duration::from_secs(5), body).await {
                Ok(Ok(body)) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
                Ok(Err(_)) | Err(_) => String::new(),
            };
            let said: String = said.trim().chars().take(SHOWN).collect();
            found(false, format!("{url}{path} answered {status}: {said}"))
        }
    }
}
