//! Sending a scoped request to its backend, and passing on what may be passed on of the answer.

mod attempts;
mod bell;
mod build;
mod failure;
mod form;
mod line;
mod pool;

use std::sync::Arc;
use std::time::Duration;

use directory::policy::ProjectId;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER,
    TRANSFER_ENCODING, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use crate::error::{Error, Flaw};
use crate::filter::{Collected, Uncollected};
use crate::ingest::{Stamped, Write};
use crate::metrics::{Sent, Shard};
use crate::room::Place;
use crate::routes::Backend;
use crate::scope::{Request, Scoped};
use crate::settings::{BackendSettings, Settings};
use crate::stream::{self, Body, UpstreamBody};
use crate::transport::{Endpoint, Transport, Transports};
use attempts::Kind;
use build::Policies;
pub(crate) use line::Received;
use pool::Pool;

/// The request's id, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest answer to a question of the gateway's own, in bytes.
const MAX_OWN: usize = 1 << 20;

/// How many headers there are about.
const HEADERS: usize = 12;

/// The headers of a backend's answer that reach the caller.
const ANSWER_HEADERS: [HeaderName; 3] = [CONTENT_TYPE, CONTENT_ENCODING, VARY];

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
    policies: Policies,
    timeout: Duration,
    /// One for each of its URLs, in their order.
    pools: Vec<Pool>,
    /// What is counted of it.
    shard: Arc<Shard>,
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the request cannot be built: {0}")]
    Unbuilt(http::Error),
    /// The second lock was asked for and cannot be made, so nothing is sent without it.
    #[error("the label policy cannot be built")]
    NoPolicy,
    /// What asks for another protocol is a GET, and has no form for what does not fit into its URL.
    #[error(
        "too long for a tail, whose URL has at most {} bytes",
        build::MAX_URL_LENGTH
    )]
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

impl SendError {
    /// What metrics say of it.
    const fn sent(&self) -> Sent {
        match self {
            Self::Unbuilt(_) | Self::NoPolicy | Self::TooLong | Self::NoFile(_) => Sent::Own,
            Self::Unreachable(_) => Sent::Unreachable,
            Self::Away(_) => Sent::Away,
            Self::Timeout(_) => Sent::Timeout,
        }
    }
}

impl Upstreams {
    /// The configured backends. The ways to them are shared, the connections are not.
    pub(crate) fn new(settings: &Settings, transports: &Transports, shard: &Arc<Shard>) -> Self {
        let upstream = |backend| {
            let settings = settings.backend(backend)?;
            let transport = transports.get(backend)?.clone();
            Some(Upstream::new(
                backend,
                settings,
                transport,
                Arc::clone(shard),
            ))
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
    pub(crate) fn new(
        backend: Backend,
        settings: &BackendSettings,
        transport: Transport,
        shard: Arc<Shard>,
    ) -> Self {
        let endpoints = transport.endpoints().iter();
        let pools = endpoints.map(|at| {
            Pool::new(
                transport.connector(),
                at.url.clone(),
                Arc::clone(&at.breaker),
            )
        });
        let pools = pools.collect();
        Self {
            backend,
            transport,
            tenant_header: settings.tenant_header.name().clone(),
            policy: settings.policy,
            policies: Policies::default(),
            timeout: settings.timeout,
            pools,
            shard,
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
    ) -> Result<Response<Received>, Error> {
        let mut request = request.into_inner();
        let answer = self.send(Kind::Read, &mut request, request_id).await?;
        self.usable(answer).await
    }

    /// Sends a scoped request with the headers that ask the backend to switch protocols. The answer
    /// is the switch, or one that may go on to the caller.
    pub(crate) async fn upgrade(
        &self,
        request: Scoped<Request>,
        upgrade: HeaderMap,
        request_id: &HeaderValue,
    ) -> Result<Response<Received>, Error> {
        let mut request = request.into_inner();
        request.headers.extend(upgrade);
        let answer = self.send(Kind::Upgrade, &mut request, request_id).await?;
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
    async fn usable(&self, answer: Response<Received>) -> Result<Response<Received>, Error> {
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
        answer: Response<Received>,
    ) -> Result<Response<Received>, Error> {
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

    /// Sends a scoped request and collects the answer into its place, to be sifted. The status is 200.
    pub(crate) async fn collect(
        &self,
        mut request: Scoped<Request>,
        request_id: &HeaderValue,
        place: &mut Place<ProjectId>,
    ) -> Result<Vec<u8>, Error> {
        request.expect_plain();
        let answer = self.answer(request, request_id).await?;
        let status = answer.status();
        if status != StatusCode::OK {
            tracing::warn!(backend = self.backend.name(), %status, "unusable answer");
            return Err(Error::BadGateway(self.backend));
        }
        let mut body = answer.into_body();
        let mut collected = Collected::new(place);
        let unusable = |why: String| {
            let backend = self.backend.name();
            tracing::warn!(backend, why, "the answer cannot be sifted");
            Error::BadGateway(self.backend)
        };
        let all = async {
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| unusable(error.to_string()))?;
                // Trailers say nothing that is asked for.
                let Some(data) = frame.data_ref() else {
                    continue;
                };
                collected.add(data).map_err(|error| match error {
                    Uncollected::TooLong => unusable("it is too long".to_owned()),
                    Uncollected::NoRoom => Error::NoRoomToSift,
                })?;
            }
            Ok(collected.whole())
        };
        timeout(self.timeout, all)
            .await
            .unwrap_or(Err(Error::GatewayTimeout(self.backend)))
    }

    /// Sends and waits until the answer begins.
    async fn send(
        &self,
        kind: Kind,
        request: &mut Request,
        request_id: &HeaderValue,
    ) -> Result<Response<Received>, Error> {
        let sent = self.dispatch(kind, request, request_id).await;
        sent.map_err(|error| self.no_answer(&error))
    }

    /// What the caller is told where there is no answer.
    fn no_answer(&self, error: &SendError) -> Error {
        tracing::warn!(backend = self.backend.name(), %error, "no answer");
        match error {
            SendError::Unbuilt(_) | SendError::NoPolicy => Error::Internal,
            SendError::TooLong => Error::BadData(Flaw::TooLong, format!("query: {error}")),
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

    /// Sends what is no caller's request, with the reason of a failure.
    pub(crate) async fn try_send(
        &self,
        mut request: Request,
        request_id: &HeaderValue,
    ) -> Result<Response<Received>, SendError> {
        self.dispatch(Kind::Read, &mut request, request_id).await
    }

    async fn dispatch(
        &self,
        kind: Kind,
        request: &mut Request,
        request_id: &HeaderValue,
    ) -> Result<Response<Received>, SendError> {
        self.sign_read(request, request_id)?;
        self.request(kind, |at| {
            let built = self.build(at, request)?;
            if kind == Kind::Upgrade && built.method() != Method::GET {
                return Err(SendError::TooLong);
            }
            Ok(built)
        })
        .await
    }

    async fn send_write(
        &self,
        write: &Write,
        request_id: &HeaderValue,
    ) -> Result<Response<Received>, SendError> {
        let mut headers = write.headers.clone();
        self.sign(&mut headers, &write.tenant, request_id)?;
        let build = |at: &Endpoint| Self::build_write(at, write, &mut headers);
        self.request(Kind::Write, build).await
    }

    /// Asks something of the gateway's own, about a tenant and about none of its data, and answers
    /// with the text. `None` where there is none: the reason is in the log.
    pub(crate) async fn own(
        &self,
        path: &'static str,
        tenant: &ProjectId,
        request_id: &HeaderValue,
    ) -> Option<String> {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        self.sign(&mut headers, tenant, request_id).ok()?;
        let answer = self.request(Kind::Read, |at| build::own(at, path, &mut headers));
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

    /// What of a usable answer may be passed on.
    pub(crate) fn pass_on(
        &self,
        answer: Response<Received>,
        request_id: &HeaderValue,
    ) -> Response<Body> {
        let (parts, body) = answer.into_parts();
        let body = UpstreamBody::new(body, self.timeout, request_id.clone());
        let mut response = Response::new(Body::Upstream(body));
        *response.status_mut() = parts.status;
        let mut headers = HeaderMap::with_capacity(HEADERS);
        let mut retry_after = None;
        let mut last = None;
        // A name stands only before its first value.
        for (name, value) in parts.headers {
            last = name.or(last);
            match &last {
                Some(name) if ANSWER_HEADERS.contains(name) => {
                    headers.append(name, value);
                }
                Some(name) if *name == RETRY_AFTER => {
                    retry_after.get_or_insert(value);
                }
                Some(_) | None => {}
            }
        }
        if parts.status == StatusCode::TOO_MANY_REQUESTS {
            // Loki does not say when; without a number, clients come back at once.
            let after = retry_after.unwrap_or(HeaderValue::from_static("1"));
            headers.insert(RETRY_AFTER, after);
        }
        // A tenant's data is for nobody's cache.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.headers_mut() = headers;
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
/// 502, as for its failures. Its 204 to a question for exemplars is an empty list.
pub async fn forward(
    upstream: &Upstream,
    request: Scoped<Request>,
    request_id: &HeaderValue,
) -> Result<Response<Body>, Error> {
    let mut request = request.into_inner();
    let answer = upstream.send(Kind::Read, &mut request, request_id).await?;
    if answer.status() == StatusCode::NO_CONTENT && asks_for_exemplars(&request) {
        return Ok(no_exemplars());
    }
    let answer = upstream.usable(answer).await?;
    Ok(upstream.pass_on(answer, request_id))
}

/// Whether this is the one question that Prometheus and Mimir answer with a 204 and no body: for the
/// exemplars of a query in which nothing is selected, such as `1`.
fn asks_for_exemplars(request: &Request) -> bool {
    request.backend == Backend::Mimir && request.path.ends_with("/query_exemplars")
}

/// What they say where something is selected that has none. Clients, Grafana's among them, read JSON.
fn no_exemplars() -> Response<Body> {
    let nothing = serde_json::json!({ "status": "success", "data": [] });
    stream::json(StatusCode::OK, &nothing)
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
    let sent = upstream.send_write(&write, request_id).await;
    drop((write, place));
    let answer = sent.map_err(|error| upstream.no_answer(&error))?;
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

/// Whether an answer has a length or chunks. One that ends where its connection does looks the same
/// when the backend breaks off in the middle (threat 24); neither Loki nor Mimir sends one.
fn says_where_it_ends(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING)
}
