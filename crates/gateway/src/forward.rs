//! Sending a scoped request to its backend, and passing on what may be passed on of the answer.

mod attempts;
mod base;
mod failure;
mod pool;

use std::time::Duration;

use bytes::Bytes;
use directory::policy::ProjectId;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
    RETRY_AFTER, TRANSFER_ENCODING, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use crate::error::Error;
use crate::ingest::{Stamped, Write};
use crate::routes::Backend;
use crate::scope::{Request, Scoped};
use crate::settings::{BackendSettings, Settings};
use crate::stream::{Body, UpstreamBody};
use crate::transport::{Transport, Transports};
use attempts::Kind;
pub(crate) use base::Base;
use pool::Pool;

/// What a backend that enforces label policies is to enforce: `<tenant>:<selector>`, the selector
/// percent-encoded. Loki (`-lbac.enabled`), Mimir and their Enterprise gateways know it.
const POLICY: HeaderName = HeaderName::from_static("x-prom-label-policy");

/// What stands for itself in a label policy; what is percent-encoded needlessly does no harm.
const IN_POLICY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'-')
    .remove(b'.')
    .remove(b'=');

/// The request's id, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest URL that is sent, in bytes. Above, the parameters go in a form: servers and proxies
/// commonly stop at 8 KiB.
const MAX_URL_LENGTH: usize = 8000;

/// The longest answer that is held to be sifted, in bytes.
const MAX_COLLECTED: usize = 16 << 20;

/// The longest answer to a question of the gateway's own, in bytes.
const MAX_OWN: usize = 1 << 20;

/// The headers of a backend's answer that reach the caller.
const ANSWER_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, CONTENT_ENCODING, VARY];

/// How many headers most answers have at the end.
const ROOM_FOR_HEADERS: usize = 8;

/// By which a receiver of remote write 2.0 says how much it has written.
const WRITTEN: [HeaderName; 3] = [
    HeaderName::from_static("x-prometheus-remote-write-samples-written"),
    HeaderName::from_static("x-prometheus-remote-write-histograms-written"),
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written"),
];

/// The backends as one thread knows them, each with connections of its own.
pub struct Upstreams {
    loki: Option<Upstream>,
    mimir: Option<Upstream>,
}

/// One backend.
pub struct Upstream {
    backend: Backend,
    transport: Transport,
    tenant_header: HeaderName,
    policy: bool,
    timeout: Duration,
    pool: Pool,
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the request cannot be built: {0}")]
    Unbuilt(#[from] http::Error),
    /// The second lock was asked for and cannot be made, so nothing is sent without it.
    #[error("the label policy cannot be built")]
    NoPolicy,
    /// What asks for another protocol is a GET, and has no form for what does not fit into its URL.
    #[error("too long for a tail, whose URL has at most {MAX_URL_LENGTH} bytes")]
    TooLong,
    #[error("{0}")]
    Unreachable(String),
    /// Nobody was asked, since nobody answered for a while; this is how long.
    #[error("no URL of it has answered, and none is asked for {0:?}")]
    Away(Duration),
    /// The gateway itself has no more.
    #[error("no file descriptor is left: {0}")]
    NoFile(String),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl Upstreams {
    /// The configured backends. The ways to them are shared, the connections are not.
    pub(crate) fn new(settings: &Settings, transports: &Transports) -> Self {
        let upstream = |backend| {
            let settings = settings.backend(backend)?;
            let transport = transports.get(backend)?.clone();
            Some(Upstream::new(backend, settings, transport))
        };
        Self {
            loki: upstream(Backend::Loki),
            mimir: upstream(Backend::Mimir),
        }
    }

    /// A backend, if it is configured.
    pub fn get(&self, backend: Backend) -> Result<&Upstream, Error> {
        let upstream = match backend {
            Backend::Loki => self.loki.as_ref(),
            Backend::Mimir => self.mimir.as_ref(),
        };
        upstream.ok_or(Error::NotConfigured(backend))
    }
}

impl Upstream {
    pub(crate) fn new(backend: Backend, settings: &BackendSettings, transport: Transport) -> Self {
        let pool = Pool::new(transport.connector());
        Self {
            backend,
            transport,
            tenant_header: settings.tenant_header.name().clone(),
            policy: settings.policy,
            timeout: settings.timeout,
            pool,
        }
    }

    /// Which one it is.
    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    /// Sends a scoped request, and waits until an answer begins that may go on to the caller.
    async fn answer(
        &self,
        request: Scoped<Request>,
        request_id: &HeaderValue,
    ) -> Result<Response<Incoming>, Error> {
        let answer = self.send(request.into_inner(), None, request_id).await?;
        self.usable(answer).await
    }

    /// Sends a scoped request with the headers that ask the backend to switch protocols. The answer
    /// is the switch, or one that may go on to the caller.
    pub(crate) async fn upgrade(
        &self,
        request: Scoped<Request>,
        upgrade: HeaderMap,
        request_id: &HeaderValue,
    ) -> Result<Response<Incoming>, Error> {
        let request = request.into_inner();
        let answer = self.send(request, Some(upgrade), request_id).await?;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(answer);
        }
        let answer = self.usable(answer).await?;
        if answer.status() == StatusCode::OK {
            tracing::warn!(
                backend = self.backend.name(),
                "the protocol was not switched"
            );
            return Err(Error::BadGateway(self.backend));
        }
        Ok(answer)
    }

    /// An answer that may go on to the caller.
    async fn usable(&self, answer: Response<Incoming>) -> Result<Response<Incoming>, Error> {
        let status = answer.status();
        if status.is_server_error() {
            tracing::warn!(backend = self.backend.name(), %status, "unusable answer");
            return Err(failure::of(self.backend, answer).await);
        }
        let passes = [
            StatusCode::OK,
            StatusCode::BAD_REQUEST,
            StatusCode::UNPROCESSABLE_ENTITY,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        self.one_of(&passes, answer)
    }

    /// An answer with one of these statuses.
    fn one_of(
        &self,
        passes: &[StatusCode],
        answer: Response<Incoming>,
    ) -> Result<Response<Incoming>, Error> {
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Err(Error::NotServed(self.backend));
        }
        if !passes.contains(&status) {
            tracing::warn!(backend = self.backend.name(), %status, "unusable answer");
            return Err(Error::BadGateway(self.backend));
        }
        // A 204 has no body, and so no length.
        if status != StatusCode::NO_CONTENT && !says_where_it_ends(answer.headers()) {
            tracing::warn!(backend = self.backend.name(), "an answer without a length");
            return Err(Error::BadGateway(self.backend));
        }
        Ok(answer)
    }

    /// Sends a scoped request and collects the answer, to be sifted. The status is 200.
    pub(crate) async fn collect(
        &self,
        mut request: Scoped<Request>,
        request_id: &HeaderValue,
    ) -> Result<Bytes, Error> {
        request.expect_plain();
        let answer = self.answer(request, request_id).await?;
        let status = answer.status();
        if status != StatusCode::OK {
            tracing::warn!(backend = self.backend.name(), %status, "unusable answer");
            return Err(Error::BadGateway(self.backend));
        }
        let body = Limited::new(answer.into_body(), MAX_COLLECTED);
        match timeout(self.timeout, body.collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) => {
                tracing::warn!(backend = self.backend.name(), %error, "the answer cannot be sifted");
                Err(Error::BadGateway(self.backend))
            }
            Err(_) => Err(Error::GatewayTimeout(self.backend)),
        }
    }

    /// Sends and waits until the answer begins.
    async fn send(
        &self,
        request: Request,
        upgrade: Option<HeaderMap>,
        request_id: &HeaderValue,
    ) -> Result<Response<Incoming>, Error> {
        let sent = self.dispatch(request, upgrade, request_id).await;
        sent.map_err(|error| self.no_answer(error))
    }

    /// What the caller is told where there is no answer.
    #[allow(clippy::needless_pass_by_value, reason = "it goes into map_err")]
    fn no_answer(&self, error: SendError) -> Error {
        tracing::warn!(backend = self.backend.name(), %error, "no answer");
        match error {
            SendError::Unbuilt(_) | SendError::NoPolicy => Error::Internal,
            SendError::TooLong => Error::BadData(format!("query: {error}")),
            SendError::Unreachable(_) => Error::BadGateway(self.backend),
            SendError::Away(wait) => Error::BackendAway {
                backend: self.backend,
                // Rounded up: what comes a moment too early is refused again.
                seconds: wait.as_secs().saturating_add(1),
            },
            SendError::NoFile(_) => Error::OutOfConnections,
            SendError::Timeout(_) => Error::GatewayTimeout(self.backend),
        }
    }

    /// Like [`Upstream::send`], with the reason of a failure.
    pub(crate) async fn try_send(
        &self,
        request: Request,
        request_id: &HeaderValue,
    ) -> Result<Response<Incoming>, SendError> {
        self.dispatch(request, None, request_id).await
    }

    async fn dispatch(
        &self,
        request: Request,
        upgrade: Option<HeaderMap>,
        request_id: &HeaderValue,
    ) -> Result<Response<Incoming>, SendError> {
        self.request(Kind::Read, |base| {
            let mut built = self.build(base, &request, request_id)?;
            if let Some(upgrade) = &upgrade {
                if built.method() != Method::GET {
                    return Err(SendError::TooLong);
                }
                let upgrade = upgrade.iter();
                let headers = upgrade.map(|(name, value)| (name.clone(), value.clone()));
                built.headers_mut().extend(headers);
            }
            Ok(built)
        })
        .await
    }

    fn build(
        &self,
        base: &Base,
        request: &Request,
        request_id: &HeaderValue,
    ) -> Result<http::Request<Full<Bytes>>, SendError> {
        let mut uri = base.path(&request.path);
        let end_of_path = uri.len();
        uri.push('?');
        let uri = form_urlencoded::Serializer::for_suffix(uri, end_of_path + 1)
            .extend_pairs(&request.parameters)
            .finish();
        let short = base.length(&uri) <= MAX_URL_LENGTH;
        let mut built = if short || !takes_forms(self.backend, &request.path) {
            let mut built = http::Request::new(Full::default());
            *built.uri_mut() = base.uri(uri)?;
            built.headers_mut().clone_from(&request.headers);
            built
        } else {
            let (path, parameters) = uri.split_once('?').unwrap_or((&uri, ""));
            let mut built = http::Request::new(Full::from(parameters.to_owned()));
            *built.method_mut() = Method::POST;
            *built.uri_mut() = base.uri(path.to_owned())?;
            let headers = built.headers_mut();
            headers.clone_from(&request.headers);
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
            built
        };
        let headers = built.headers_mut();
        self.sign(headers, &request.tenant, request_id)?;
        if self.policy
            && let Some(selector) = request.policy()
        {
            let selector = selector.map_err(|_| SendError::NoPolicy)?;
            let policy = policy(request.tenant.as_str(), &selector);
            let policy = HeaderValue::from_str(&policy).map_err(http::Error::from)?;
            headers.insert(POLICY, policy);
        }
        Ok(built)
    }

    /// Sets the gateway's own headers. They come last, so that nothing before can have set them
    /// (threat 13).
    fn sign(
        &self,
        headers: &mut HeaderMap,
        tenant: &ProjectId,
        request_id: &HeaderValue,
    ) -> Result<(), http::Error> {
        headers.insert(
            self.tenant_header.clone(),
            HeaderValue::from_str(tenant.as_str())?,
        );
        headers.insert(REQUEST_ID, request_id.clone());
        if let Some(authorization) = self.transport.authorization() {
            headers.insert(AUTHORIZATION, authorization);
        }
        Ok(())
    }

    /// Asks something of the gateway's own, about a tenant and about none of its data, and answers
    /// with the text. `None` where there is none: the reason is in the log.
    pub(crate) async fn own(
        &self,
        path: &'static str,
        tenant: &ProjectId,
        request_id: &HeaderValue,
    ) -> Option<String> {
        let build = |base: &Base| {
            let mut request = http::Request::new(Full::default());
            *request.uri_mut() = base.uri(base.path(path))?;
            self.sign(request.headers_mut(), tenant, request_id)?;
            Ok(request)
        };
        let answer = self.request(Kind::Read, build);
        let answer = answer.await.map_err(|error| {
            tracing::warn!(backend = self.backend.name(), path, %error, "no answer");
        });
        let answer = answer.ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        let body = Limited::new(answer.into_body(), MAX_OWN).collect();
        let body = timeout(self.timeout, body).await.ok()?.ok()?;
        String::from_utf8(body.to_bytes().into()).ok()
    }

    /// Builds a write.
    fn build_write(
        &self,
        base: &Base,
        write: &Write,
        request_id: &HeaderValue,
    ) -> Result<http::Request<Full<Bytes>>, SendError> {
        let mut built = http::Request::new(Full::from(write.body.clone()));
        *built.method_mut() = Method::POST;
        *built.uri_mut() = base.uri(base.path(write.path))?;
        let headers = built.headers_mut();
        headers.clone_from(&write.headers);
        self.sign(headers, &write.tenant, request_id)?;
        Ok(built)
    }

    /// What of a usable answer may be passed on.
    pub(crate) fn pass_on(
        &self,
        answer: Response<Incoming>,
        request_id: &HeaderValue,
    ) -> Response<Body> {
        let (parts, body) = answer.into_parts();
        let body = UpstreamBody::new(body, self.timeout, request_id.clone());
        let mut response = Response::new(Body::Upstream(body));
        *response.status_mut() = parts.status;
        let headers = response.headers_mut();
        headers.reserve(ROOM_FOR_HEADERS);
        for name in &ANSWER_HEADERS {
            for value in parts.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        if parts.status == StatusCode::TOO_MANY_REQUESTS {
            // Loki does not say when; without a number, clients come back at once.
            let after = parts.headers.get(RETRY_AFTER).cloned();
            headers.insert(RETRY_AFTER, after.unwrap_or(HeaderValue::from_static("1")));
        }
        // A tenant's data is for nobody's cache, and for no browser to guess a type of.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// Forwards a scoped request; nothing else can be forwarded:
///
/// ```compile_fail,E0308
/// # use gateway::forward::{Upstream, forward};
/// # async fn unscoped(upstream: &Upstream, request: gateway::scope::Request, id: &http::HeaderValue) {
/// let _ = forward(upstream, request, id).await;
/// # }
/// ```
///
/// The backend's 200, 400, 422 and 429 come through with their bodies, its 404 as a 501: the
/// path is the gateway's, and a 404 of the gateway is about the caller's. Its other refusals are about the gateway's own request, which the caller cannot mend:
/// 502, as for its failures.
pub async fn forward(
    upstream: &Upstream,
    request: Scoped<Request>,
    request_id: &HeaderValue,
) -> Result<Response<Body>, Error> {
    let answer = upstream.answer(request, request_id).await?;
    Ok(upstream.pass_on(answer, request_id))
}

/// Forwards a write; nothing but a [`Stamped`] one can be forwarded.
///
/// The backend's 200 and 204, and what it says against the batch (400, 413, 415, 422, 429), come
/// through with their bodies; everything else as [`forward()`] does it. So a sender is told that its
/// batch is stored only by the backend that has stored it, and sends it again where nobody can
/// tell.
pub async fn write(
    upstream: &Upstream,
    write: Stamped,
    request_id: &HeaderValue,
) -> Result<Response<Body>, Error> {
    let passes = [
        StatusCode::OK,
        StatusCode::NO_CONTENT,
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    let (write, place) = write.into_parts();
    let build = |base: &Base| upstream.build_write(base, &write, request_id);
    let sent = upstream.request(Kind::Write, build).await;
    drop((write, place));
    let answer = sent.map_err(|error| upstream.no_answer(error))?;
    if answer.status() == StatusCode::INSUFFICIENT_STORAGE {
        tracing::warn!(
            backend = upstream.backend.name(),
            "no room to store a batch"
        );
        return Err(Error::StorageFull(upstream.backend));
    }
    let answer = upstream.one_of(&passes, answer)?;
    let written: Vec<_> = WRITTEN
        .iter()
        .filter_map(|name| Some((name.clone(), answer.headers().get(name)?.clone())))
        .collect();
    let mut response = upstream.pass_on(answer, request_id);
    response.headers_mut().extend(written);
    Ok(response)
}

/// Whether a backend takes the parameters of a path in a form, too. Prometheus does where queries and
/// selectors are long, but not for the values of a label.
fn takes_forms(backend: Backend, path: &str) -> bool {
    match backend {
        Backend::Loki => true,
        Backend::Mimir => !path.ends_with("/values"),
    }
}

/// Whether an answer has a length or chunks. One that ends where its connection does looks the same
/// when the backend breaks off in the middle (threat 24); neither Loki nor Mimir sends one.
fn says_where_it_ends(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}

/// A label policy: commas stand between several and a colon behind the tenant, so that none may stand
/// unencoded in the selector.
fn policy(tenant: &str, selector: &str) -> String {
    format!("{tenant}:{}", utf8_percent_encode(selector, IN_POLICY))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;

    use super::policy;

    #[test]
    fn a_label_policy_holds_any_id_as_one_selector_of_one_tenant() {
        for (id, encoded) in [
            ("r1", "r1"),
            ("a b", "a%20b"),
            ("a,b:c", "a%2Cb%3Ac"),
            ("a%2C\u{e9}+", "a%252C%C3%A9%2B"),
            ("a\\\"b", "a%5C%22b"),
        ] {
            let selector = format!("{{resource_id=\"{id}\"}}");
            let sent = policy("p1", &selector);
            assert_eq!(sent, format!("p1:%7Bresource_id=%22{encoded}%22%7D"));
            let (_, back) = sent.split_once(':').unwrap();
            assert_eq!(percent_decode_str(back).decode_utf8().unwrap(), selector);
        }
    }
}
