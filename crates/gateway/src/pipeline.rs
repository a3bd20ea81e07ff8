//! The whole way of a request.

use std::sync::Arc;

use directory::Directory;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::{NoContext, Uuid};

use crate::authenticate::keys::Keys;
use crate::authenticate::{Verifier, authenticate};
use crate::authorize::authorize;
use crate::clock::Clock;
use crate::error::Error;
use crate::forward::{REQUEST_ID, Upstreams, forward};
use crate::health::Health;
use crate::routes::{self, Probe, Proxy, Serves};
use crate::scope::scope;
use crate::stream::Body;

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) verifier: Verifier,
    pub(crate) keys: Keys,
    pub(crate) directory: Directory,
    pub(crate) health: Health,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What one thread serves requests with.
pub(crate) struct Pipeline {
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstreams: Upstreams,
}

impl Pipeline {
    /// The steps, in their order; each may end the request with an error.
    async fn answer<B>(
        &self,
        request: &Request<B>,
        id: &HeaderValue,
    ) -> Result<Response<Body>, Error> {
        let found = routes::find(request.method(), request.uri().path())?;
        Span::current().record("route", found.route.name);
        refuse_body(request.headers())?;
        match &found.route.serves {
            Serves::Probe(probe) => {
                let mut response = self.shared.health.answer(*probe).await;
                // Probes come every few seconds, and their lines would bury all others.
                response.extensions_mut().insert(*probe);
                Ok(response)
            }
            Serves::Proxy(proxy) => self.proxy(proxy, &found, request, id).await,
        }
    }

    async fn proxy<B>(
        &self,
        proxy: &Proxy,
        found: &routes::Found<'_>,
        request: &Request<B>,
        id: &HeaderValue,
    ) -> Result<Response<Body>, Error> {
        let Shared {
            verifier,
            keys,
            directory,
            clock,
            ..
        } = &*self.shared;
        let (project, resource) = (found.project, found.resource);

        let principal = authenticate(verifier, keys, request.headers(), clock.now()).await?;
        // As a text, so that it is quoted: a subject may hold spaces, and would look like fields.
        Span::current().record("subject", principal.subject().as_str());
        let permit = authorize(
            directory,
            principal,
            proxy.action,
            project,
            resource,
            clock.now(),
        )
        .await?;
        Span::current().record("assignment", permit.assignment());
        let upstream = self.upstreams.get(proxy.backend)?;
        let scoped = scope(proxy, &permit, request.uri().query(), request.headers())?;
        forward(upstream, scoped, id).await
    }

    /// Answers a request, gives it an id, and logs one line about it; never a header or a query.
    pub(crate) async fn serve<B>(&self, request: Request<B>) -> Response<Body> {
        let started = Instant::now();
        let (id, header) = self.request_id();
        let span = tracing::error_span!(
            "request",
            request_id = id,
            route = Empty,
            subject = Empty,
            project = Empty,
            resource = Empty,
            assignment = Empty,
            reason = Empty
        );
        let answered = self
            .answer(&request, &header)
            .instrument(span.clone())
            .await;
        if let Err(Error::InvalidToken(reason)) = &answered {
            // Whoever set the gateway up sees here what is wrong with everybody's tokens.
            span.record("reason", *reason);
        }
        let mut response = answered.unwrap_or_else(|error| error.into_response(&id));
        response.headers_mut().insert(REQUEST_ID, header);
        span.in_scope(|| {
            let (status, took) = (response.status().as_u16(), started.elapsed());
            let duration_us = took.as_micros();
            if response.extensions().get::<Probe>().is_some() {
                tracing::debug!(status, duration_us, "answered a probe");
            } else {
                tracing::info!(status, duration_us, "answered");
            }
        });
        response
    }

    /// A new id, a UUID of version 7. A caller's own is not taken: it would end up in the log.
    fn request_id(&self) -> (String, HeaderValue) {
        let now = self.shared.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).to_string();
        let header = HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("-"));
        (id, header)
    }
}

/// No route takes a body (threat 17).
fn refuse_body(headers: &HeaderMap) -> Result<(), Error> {
    let lengths = headers.get_all(CONTENT_LENGTH);
    if headers.contains_key(TRANSFER_ENCODING) || lengths.iter().any(|length| length != "0") {
        return Err(Error::UnexpectedBody);
    }
    Ok(())
}
