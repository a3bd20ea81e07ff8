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
use uuid::fmt::Hyphenated;
use uuid::{NoContext, Uuid};

use crate::audit::body::Counted;
use crate::audit::{Audit, Opening, Record};
use crate::authenticate::keys::Keys;
use crate::authenticate::{Principal, Remembered, Verifier, authenticate};
use crate::authorize::{Permit, Reach, authorize};
use crate::body;
use crate::clock::Clock;
use crate::error::Error;
use crate::filter::{self, Asked};
use crate::forward::{REQUEST_ID, Upstreams, forward, write};
use crate::health::Health;
use crate::ingest::{Encoding, Ingest, Protocol, Way};
use crate::limit::{Limits, Usage};
use crate::local;
use crate::management;
use crate::open::Open;
use crate::openapi::Document;
use crate::routes::{self, Answer, Endpoint, Filter, Probe, Serves, Target};
use crate::scope::parameters::Input;
use crate::scope::{self, Context};
use crate::settings::{ConnectionSettings, ManagementSettings, TailSettings};
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
    pub(crate) audit: Audit,
    /// The most log lines that one request may ask for.
    pub(crate) max_log_lines: u32,
    pub(crate) tail: TailSettings,
    pub(crate) tails: Seats,
    pub(crate) ingest: Ingest,
    pub(crate) limits: Limits,
    pub(crate) management: ManagementSettings,
    pub(crate) connections: ConnectionSettings,
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
    /// Tokens that this thread has verified.
    pub(crate) remembered: Remembered,
}

/// A request's id, as a header has it.
struct RequestId(HeaderValue);

/// By what a request is known afterwards.
struct Known<'a> {
    /// Its id.
    id: &'a HeaderValue,
    /// What the audit says about it.
    record: &'a Record,
    /// What it uses of what its subject and project may.
    usage: &'a mut Usage,
}

impl Pipeline {
    /// The steps, in their order; each may end the request with an error.
    ///
    /// What a request goes into once it is permitted, and what only some go into, is boxed: the server
    /// moves this future about several times for each request, and it is as large as its largest branch.
    async fn answer<B: Form>(
        &self,
        request: Request<B>,
        id: &HeaderValue,
        started: Instant,
        record: &mut Record,
        usage: &mut Usage,
    ) -> Result<Response<Body>, Error> {
        let (mut head, body) = request.into_parts();
        body::check_head(&head, &self.shared.connections)?;
        let found = routes::find(&head.method, head.uri.path())?;
        Span::current().record("route", found.route.name);
        if found.route.serves.is_audited() {
            *record = self.shared.audit.open(Opening {
                request_id: id.clone(),
                time: self.shared.clock.now(),
                started: started.into_std(),
                endpoint: found.route.name,
                action: found.route.serves.action().map(Action::as_str),
            })?;
            record.target(found.target);
            if let Serves::Management(managed) = &found.route.serves {
                record.task(managed.task);
            }
        }
        body::check(found.route.takes(&head.method), &head.headers)?;
        match &found.route.serves {
            Serves::Probe(probe) => {
                let mut response = Box::pin(self.shared.health.answer(*probe)).await;
                // Probes come every few seconds, and their lines would bury all others.
                response.extensions_mut().insert(*probe);
                Ok(response)
            }
            Serves::OpenApi => Ok(self.shared.document.answer(&head.headers)),
            Serves::Management(managed) => {
                let principal = self.principal(&head.headers, record).await?;
                let limits = &self.shared.limits;
                *usage = limits.count_subject(principal.subject(), Instant::now())?;
                let asked = management::Asked {
                    managed,
                    found,
                    head: &head,
                    principal,
                    id,
                    record,
                };
                Box::pin(management::answer(asked, body, &self.shared)).await
            }
            Serves::Tenant(endpoint) => {
                let principal = self.principal(&head.headers, record).await?;
                let limits = &self.shared.limits;
                // Writes have limits of their own, which count what is in them.
                let is_counted = !matches!(endpoint.answer, Answer::Ingested(..));
                if is_counted {
                    *usage = limits.count_subject(principal.subject(), Instant::now())?;
                }
                let permit = self
                    .permit(principal, endpoint.action, found.target, record)
                    .await?;
                if is_counted {
                    limits.count_project(usage, permit.project(), Instant::now())?;
                }
                if let Answer::Ingested(protocol, path) = endpoint.answer {
                    let way = Way {
                        protocol,
                        backend: endpoint.backend,
                        path,
                    };
                    let known = Known { id, record, usage };
                    let ingest = self.ingest(way, &permit, &head.headers, body, known);
                    return Box::pin(ingest).await;
                }
                let form = if body.is_end_stream() {
                    String::new()
                } else {
                    let patience = self.shared.connections.body_timeout;
                    Box::pin(body::read_form(body, patience)).await?
                };
                let input = Input {
                    url: head.uri.query().unwrap_or_default(),
                    form: &form,
                };
                let context = Context {
                    name: found.name,
                    headers: &head.headers,
                    most_lines: self.shared.max_log_lines,
                    bounds: limits.bounds(permit.project()),
                    now: self.shared.clock.now(),
                };
                let upgrade = head.extensions.remove();
                let known = Known { id, record, usage };
                Box::pin(self.tenant(endpoint, &permit, input, context, upgrade, known)).await
            }
        }
    }

    /// Who asks.
    async fn principal(&self, headers: &HeaderMap, record: &Record) -> Result<Principal, Error> {
        let Shared {
            verifier,
            keys,
            clock,
            ..
        } = &*self.shared;
        let now = clock.now();
        let principal = authenticate(verifier, keys, &self.remembered, headers, now).await?;
        // As a text, so that it is quoted: a subject may hold spaces, and would look like fields.
        Span::current().record("subject", principal.subject().as_str());
        record.subject(principal.subject());
        Ok(principal)
    }

    /// Whether who asks may.
    async fn permit(
        &self,
        principal: Principal,
        action: Action,
        target: Target<'_>,
        record: &Record,
    ) -> Result<Permit, Error> {
        let Shared {
            directory, clock, ..
        } = &*self.shared;
        let permit = authorize(directory, principal, action, target, clock.now()).await;
        let permit = permit.map_err(|error| match (error, action) {
            (Error::Forbidden, Action::Write) => Error::NotPermitted {
                action,
                place: "project",
            },
            (error, _) => error,
        })?;
        Span::current().record("assignment", permit.assignment());
        record.allowed(Some(permit.assignment()));
        permit
            .organization()
            .into_iter()
            .for_each(|organization| record.organization(organization));
        Ok(permit)
    }

    /// What a permitted write is answered with.
    async fn ingest<B: Form>(
        &self,
        way: Way,
        permit: &Permit,
        headers: &HeaderMap,
        body: B,
        Known { id, record, .. }: Known<'_>,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(way.backend)?;
        let Shared { ingest, clock, .. } = &*self.shared;
        ingest.findable(way, permit, upstream, id).await?;
        let now = clock.now();
        let stamped = ingest.stamped(way, permit, headers, body, now).await?;
        record.stamped(stamped.counts());
        let written = write(upstream, stamped, id).await;
        if let Ok(answer) = &written
            && answer.status().is_client_error()
        {
            Span::current().record("reason", "refused by the backend");
        }
        let written = written.inspect_err(|_| ingest.totals.fail())?;
        match (way.protocol, Encoding::by(headers)) {
            (Protocol::OtlpLogs | Protocol::OtlpMetrics, Some(encoding)) => {
                encoding.answer(way.protocol, way.backend, written).await
            }
            _ => Ok(written),
        }
    }

    /// What a permitted request is answered with.
    async fn tenant(
        &self,
        endpoint: &Endpoint,
        permit: &Permit,
        input: Input<'_>,
        context: Context<'_>,
        upgrade: Option<OnUpgrade>,
        Known { id, record, usage }: Known<'_>,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(endpoint.backend)?;
        let limits = &self.shared.limits;
        // Whatever goes upstream goes through here, and so into the record.
        let scope = |endpoint: &Endpoint, path, input| {
            let scoped = scope::scope(endpoint, path, permit, input, context)?;
            record.queries(scoped.get().queries(endpoint));
            Ok::<_, Error>(scoped)
        };
        match endpoint.answer {
            Answer::Forwarded(path) => {
                let scoped = scope(endpoint, path, input)?;
                if !limits.enter_at_once(usage) {
                    Box::pin(limits.enter(usage)).await?;
                }
                forward(upstream, scoped, id).await
            }
            Answer::Tail(reader, path) => {
                let asked = tail::Asked {
                    reader,
                    request: scope(endpoint, path, input)?,
                    permit,
                    headers: context.headers,
                    upgrade,
                    record,
                    usage,
                };
                Box::pin(tail::tail(asked, &self.shared, &self.open, upstream, id)).await
            }
            // Has gone to `ingest`, and has no parameters.
            Answer::Ingested(..) => Err(Error::Internal),
            Answer::Local(local) => {
                let parameters = scope::read(endpoint, input, context)?;
                local::answer(local, endpoint.backend, &parameters)
            }
            Answer::Filtered(filter, path) => {
                let request = scope(endpoint, path, input)?;
                if !limits.enter_at_once(usage) {
                    Box::pin(limits.enter(usage)).await?;
                }
                let names = || scope(&filter::NAMES, filter::NAMES_PATH, Input::default());
                match permit.reach() {
                    Reach::Project => forward(upstream, request, id).await,
                    Reach::Resource(resource) => {
                        let names = (filter == Filter::Metadata).then(names).transpose()?;
                        let asked = Asked { request, names };
                        Box::pin(filter::filter(filter, resource, asked, upstream, id)).await
                    }
                }
            }
        }
    }

    /// Answers a request, gives it an id, and logs one line about it; never a header or a query.
    pub(crate) async fn serve<B: Form>(&self, request: Request<B>) -> Response<Counted> {
        let started = Instant::now();
        let RequestId(header) = self.request_id();
        // Its digits are plain ASCII.
        let id = header.to_str().unwrap_or_default();
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
        let (mut record, mut usage) = (Record::none(), Usage::default());
        let encoding = Encoding::of(&request);
        let answered = self
            .answer(request, &header, started, &mut record, &mut usage)
            .instrument(span.clone())
            .await;
        if let Err(Error::InvalidToken(reason)) = &answered {
            // Whoever set the gateway up sees here what is wrong with everybody's tokens.
            span.record("reason", *reason);
        }
        if answered.is_err() {
            // Nothing runs that needs its place.
            usage = Usage::default();
        }
        // Of a refused write, and nothing of what is in it.
        match &answered {
            Err(Error::Refused(refusal)) => {
                span.record("reason", refusal.reason());
            }
            Err(Error::SlowWrite) => {
                span.record("reason", "the batch did not arrive in time");
            }
            Err(Error::Limited(exceeded)) => {
                span.record("reason", exceeded.reason());
                tokio::time::sleep(self.shared.limits.pause()).await;
            }
            Err(_) | Ok(_) => {}
        }
        let error = answered.as_ref().err().cloned();
        let mut response = answered.unwrap_or_else(|error| match encoding {
            Some(encoding) => encoding.refusal(&error, id),
            None => error.into_response(id),
        });
        record.answered(response.status(), error.as_ref());
        response.headers_mut().insert(REQUEST_ID, header.clone());
        span.in_scope(|| {
            let (status, took) = (response.status().as_u16(), started.elapsed());
            let duration_us = took.as_micros();
            if response.extensions().get::<Probe>().is_some() {
                tracing::debug!(status, duration_us, "answered a probe");
            } else {
                tracing::info!(status, duration_us, "answered");
            }
        });
        response.map(|body| Counted::new(body, record, usage))
    }

    /// A new id, a UUID of version 7. A caller's own is not taken: it would end up in the log.
    fn request_id(&self) -> RequestId {
        let now = self.shared.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos));
        let mut digits = [0; Hyphenated::LENGTH];
        let header = HeaderValue::from_str(id.hyphenated().encode_lower(&mut digits));
        RequestId(header.unwrap_or_else(|_| HeaderValue::from_static("-")))
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Incoming;

    use super::*;
    use crate::linger::Watched;

    /// The server moves the future of a request about. When branches that few requests take were part
    /// of it, copying it took a sixth of what a request costs.
    #[test]
    fn what_is_held_for_a_request_is_small() {
        fn size<F>(_: fn(&'static Pipeline, Request<Watched<Incoming>>) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(Pipeline::serve);
        assert!(size < 3072, "{size} bytes");
    }
}
