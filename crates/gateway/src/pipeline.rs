//! The whole way of a request.

use std::sync::Arc;

use bytes::Bytes;
use directory::Directory;
use directory::policy::Action;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::{NoContext, Uuid};

use crate::authenticate::keys::Keys;
use crate::authenticate::{Verifier, authenticate};
use crate::authorize::{Permit, Reach, authorize};
use crate::clock::Clock;
use crate::error::Error;
use crate::filter::{self, Asked};
use crate::form;
use crate::forward::{REQUEST_ID, Upstreams, forward, write};
use crate::health::Health;
use crate::ingest::{Ingest, Way};
use crate::local;
use crate::open::Open;
use crate::openapi::Document;
use crate::routes::{self, Answer, Endpoint, Filter, Probe, Serves, Target};
use crate::scope::parameters::Input;
use crate::scope::{self, Context, scope};
use crate::settings::TailSettings;
use crate::stream::Body;
use crate::tail;
use crate::tail::seats::Seats;

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) verifier: Verifier,
    pub(crate) keys: Keys,
    pub(crate) directory: Directory,
    pub(crate) health: Health,
    pub(crate) document: Document,
    pub(crate) clock: Arc<dyn Clock>,
    /// The most log lines that one request may ask for.
    pub(crate) max_log_lines: u32,
    pub(crate) tail: TailSettings,
    pub(crate) tails: Seats,
    pub(crate) ingest: Ingest,
}

/// The body of a caller's request, in which there may be a form.
pub(crate) trait Form:
    http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
{
}

impl<B> Form for B where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
{
}

/// What one thread serves requests with.
pub(crate) struct Pipeline {
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstreams: Upstreams,
    pub(crate) open: Open,
}

impl Pipeline {
    /// The steps, in their order; each may end the request with an error.
    async fn answer<B: Form>(
        &self,
        request: Request<B>,
        id: &HeaderValue,
    ) -> Result<Response<Body>, Error> {
        let (mut head, body) = request.into_parts();
        let found = routes::find(&head.method, head.uri.path())?;
        Span::current().record("route", found.route.name);
        if let Serves::Tenant(endpoint) = &found.route.serves
            && let Answer::Ingested(protocol, path) = endpoint.answer
        {
            let way = Way {
                protocol,
                backend: endpoint.backend,
                path,
            };
            let permit = self
                .permit(endpoint.action, found.target, &head.headers)
                .await?;
            let upstream = self.upstreams.get(endpoint.backend)?;
            let Shared { ingest, clock, .. } = &*self.shared;
            ingest
                .findable(protocol, permit.project(), upstream, id)
                .await?;
            let stamped = ingest
                .stamped(way, &permit, &head.headers, body, clock.now())
                .await?;
            return write(upstream, stamped, id)
                .await
                .inspect_err(|_| ingest.totals.fail());
        }
        form::check(&head.method, &head.headers)?;
        match &found.route.serves {
            Serves::Probe(probe) => {
                let mut response = self.shared.health.answer(*probe).await;
                // Probes come every few seconds, and their lines would bury all others.
                response.extensions_mut().insert(*probe);
                Ok(response)
            }
            Serves::OpenApi => Ok(self.shared.document.answer(&head.headers)),
            Serves::Tenant(endpoint) => {
                let permit = self
                    .permit(endpoint.action, found.target, &head.headers)
                    .await?;
                let form = form::read(body).await?;
                let input = Input {
                    url: head.uri.query().unwrap_or_default(),
                    form: &form,
                };
                let context = Context {
                    name: found.name,
                    headers: &head.headers,
                    most_lines: self.shared.max_log_lines,
                };
                let upgrade = head.extensions.remove();
                self.tenant(endpoint, &permit, input, context, upgrade, id)
                    .await
            }
        }
    }

    /// Who asks, and whether they may.
    async fn permit(
        &self,
        action: Action,
        target: Target<'_>,
        headers: &HeaderMap,
    ) -> Result<Permit, Error> {
        let Shared {
            verifier,
            keys,
            directory,
            clock,
            ..
        } = &*self.shared;
        let principal = authenticate(verifier, keys, headers, clock.now()).await?;
        // As a text, so that it is quoted: a subject may hold spaces, and would look like fields.
        Span::current().record("subject", principal.subject().as_str());
        let permit = authorize(directory, principal, action, target, clock.now()).await?;
        Span::current().record("assignment", permit.assignment());
        Ok(permit)
    }

    /// What a permitted request is answered with.
    async fn tenant(
        &self,
        endpoint: &Endpoint,
        permit: &Permit,
        input: Input<'_>,
        context: Context<'_>,
        upgrade: Option<OnUpgrade>,
        id: &HeaderValue,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(endpoint.backend)?;
        match endpoint.answer {
            Answer::Forwarded(path) => {
                let scoped = scope(endpoint, path, permit, input, context)?;
                forward(upstream, scoped, id).await
            }
            Answer::Tail(reader, path) => {
                let asked = tail::Asked {
                    reader,
                    request: scope(endpoint, path, permit, input, context)?,
                    permit,
                    headers: context.headers,
                    upgrade,
                };
                tail::tail(asked, &self.shared, &self.open, upstream, id).await
            }
            // Has gone another way, and has no parameters.
            Answer::Ingested(..) => Err(Error::Internal),
            Answer::Local(local) => {
                let parameters = scope::read(endpoint, input, context)?;
                local::answer(local, endpoint.backend, &parameters)
            }
            Answer::Filtered(filter, path) => {
                let request = scope(endpoint, path, permit, input, context)?;
                let names = || {
                    let nothing = Input::default();
                    scope(&filter::NAMES, filter::NAMES_PATH, permit, nothing, context)
                };
                match permit.reach() {
                    Reach::Project => forward(upstream, request, id).await,
                    Reach::Resource(resource) => {
                        let names = (filter == Filter::Metadata).then(names).transpose()?;
                        let asked = Asked { request, names };
                        filter::filter(filter, resource, asked, upstream, id).await
                    }
                }
            }
        }
    }

    /// Answers a request, gives it an id, and logs one line about it; never a header or a query.
    pub(crate) async fn serve<B: Form>(&self, request: Request<B>) -> Response<Body> {
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
            entries = Empty,
            replaced = Empty,
            unknown_fields = Empty,
            reason = Empty
        );
        let answered = self.answer(request, &header).instrument(span.clone()).await;
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
