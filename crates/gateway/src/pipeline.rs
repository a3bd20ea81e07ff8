//! The whole way of a request.

use std::sync::Arc;

use bytes::Bytes;
use directory::Directory;
use directory::policy::{Action, Subject};
use http::header::X_CONTENT_TYPE_OPTIONS;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use hyper::upgrade::OnUpgrade;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::audit::body::Counted;
use crate::audit::{Audit, Opening, Record};
use crate::authenticate::keys::Keys;
use crate::authenticate::{Principal, Remembered, Verifier, authenticate};
use crate::authorize::{Permit, Reach, authorize};
use crate::body::{self, Held};
use crate::clock::Clock;
use crate::connections::Seat;
use crate::error::Error;
use crate::explore::Explore;
use crate::filter::{self, Asked, Sieve};
use crate::forward::{REQUEST_ID, Upstreams, forward, write};
use crate::health::Health;
use crate::ingest::{Encoding, Ingest, Protocol, Way};
use crate::limit::{Limits, Usage};
use crate::local;
use crate::management;
use crate::metrics::{Counting, Shard};
use crate::open::Open;
use crate::openapi::Document;
use crate::request_id::RequestId;
use crate::room::Room;
use crate::routes::{self, Answer, Endpoint, Filter, Local, Probe, Serves, Target};
use crate::scope::parameters::Input;
use crate::scope::{self, Context};
use crate::server::reload::Configured;
use crate::settings::{ConnectionSettings, ManagementSettings, TailSettings};
use crate::stream::Body;
use crate::tail;
use crate::tail::seats::Seats;
use crate::traces::{Trace, Traces};

/// What all threads share. What the configuration may change while the gateway runs is in here as it is
/// now: another one of these takes its place, with the same of all that is counted and remembered.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) keys: Keys,
    pub(crate) directory: Directory,
    pub(crate) health: Arc<Health>,
    pub(crate) document: Arc<Document>,
    pub(crate) explore: Arc<Explore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) audit: Audit,
    pub(crate) traces: Arc<Traces>,
    /// Whether the configuration is in force that stands in its file.
    pub(crate) configured: Arc<Configured>,
    /// The most log lines that one request may ask for.
    pub(crate) max_log_lines: u32,
    pub(crate) tail: TailSettings,
    pub(crate) tails: Seats,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) bodies: Arc<Room<Subject>>,
    pub(crate) sieve: Arc<Sieve>,
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

/// What one thread serves requests with. A request keeps the one that it began with.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) open: Arc<Open>,
    /// What this thread counts.
    pub(crate) shard: Arc<Shard>,
    /// Tokens that this thread has verified.
    pub(crate) remembered: Arc<Remembered>,
    /// Queries that this thread has scoped.
    pub(crate) scoped: Arc<scope::Remembered>,
}

/// By what a request is known afterwards.
struct Known<'a> {
    /// Its id.
    id: &'a HeaderValue,
    /// What the audit says about it.
    record: &'a Record,
    /// What it uses of what its subject and project may.
    usage: &'a mut Usage,
    /// Its spans.
    trace: &'a Trace,
}

impl<'a> Known<'a> {
    fn new(
        id: &'a HeaderValue,
        record: &'a Record,
        usage: &'a mut Usage,
        trace: &'a Trace,
    ) -> Self {
        Self {
            id,
            record,
            usage,
            trace,
        }
    }
}

impl Pipeline {
    /// The steps, in their order; each may end the request with an error.
    ///
    /// What a request goes into once it is permitted, and what only some go into, is boxed: the server
    /// moves this future about several times for each request, and it is as large as its largest branch.
    async fn answer<B: Form>(
        &self,
        head: &mut Parts,
        body: B,
        id: &HeaderValue,
        (time, started): (Timestamp, Instant),
        (seat, record, usage, counting): (&Seat, &mut Record, &mut Usage, &mut Counting),
    ) -> Result<Response<Body>, Error> {
        body::check_head(head, &self.shared.connections)?;
        let found = routes::find(&head.method, head.uri.path())?;
        counting.is_of(found.number);
        let trace = &counting.trace;
        trace.is_of(found.route.name);
        let opening = || Opening {
            request_id: id.clone(),
            time,
            started: started.into_std(),
            endpoint: found.route.name,
            action: found.route.serves.action().map(Action::as_str),
        };
        if found.route.serves.is_audited() {
            let opened = self.shared.audit.open(opening());
            *record = opened.inspect_err(|_| *record = Record::without_line(opening()))?;
            record.target(found.target);
            if let Serves::Management(managed) = &found.route.serves {
                record.task(managed.task);
            }
        } else {
            *record = Record::without_line(opening());
        }
        body::check(found.route.takes(&head.method), &head.headers)?;
        match &found.route.serves {
            Serves::Probe(probe) => {
                trace.is_of_a_probe();
                let mut response = Box::pin(self.shared.health.answer(*probe)).await;
                response.extensions_mut().insert(*probe);
                Ok(response)
            }
            Serves::OpenApi => Ok(self.shared.document.answer(&head.headers)),
            Serves::Explore(part) => self.shared.explore.answer(*part, found.name, &head.headers),
            Serves::Management(managed) => {
                let principal = self.principal(&head.headers, seat, (record, trace)).await?;
                let limits = &self.shared.limits;
                limits.count_subject(usage, principal.subject(), Instant::now())?;
                let asked = management::Asked {
                    managed,
                    found,
                    head,
                    principal,
                    id,
                    record,
                };
                Box::pin(management::answer(asked, body, &self.shared)).await
            }
            Serves::Tenant(endpoint) => {
                let principal = self.principal(&head.headers, seat, (record, trace)).await?;
                let limits = &self.shared.limits;
                // Writes have limits of their own, which count what is in them.
                let is_counted = !matches!(endpoint.answer, Answer::Ingested(..));
                let now = Instant::now();
                if is_counted {
                    limits.count_subject(usage, principal.subject(), now)?;
                } else {
                    limits.count_write(usage, principal.subject(), now)?;
                }
                let permit = self
                    .permit(principal, endpoint.action, found.target, (record, trace))
                    .await?;
                if is_counted {
                    limits.count_project(usage, permit.project(), now)?;
                }
                if let Answer::Ingested(protocol, path) = endpoint.answer {
                    let way = Way {
                        protocol,
                        backend: endpoint.backend,
                        path,
                    };
                    let known = Known::new(id, record, usage, trace);
                    let ingest = self.ingest(way, &permit, &head.headers, body, known);
                    return Box::pin(ingest).await;
                }
                let (form, _place) = if body.is_end_stream() {
                    (String::new(), None)
                } else {
                    Box::pin(self.form(body, &permit)).await?
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
                    remembered: &self.scoped,
                };
                let upgrade = head.extensions.remove();
                let known = Known::new(id, record, usage, trace);
                Box::pin(self.tenant(endpoint, &permit, input, context, upgrade, known)).await
            }
        }
    }

    /// The form in a body.
    async fn form<B: Form>(&self, body: B, permit: &Permit) -> Result<Held<String>, Error> {
        let patience = self.shared.connections.body_timeout;
        let of = (&self.shared.bodies, permit.principal().subject());
        body::read_form(body, patience, of).await
    }

    /// Who asks.
    async fn principal(
        &self,
        headers: &HeaderMap,
        seat: &Seat,
        (record, trace): (&Record, &Trace),
    ) -> Result<Principal, Error> {
        let Shared {
            verifier,
            keys,
            clock,
            ..
        } = &*self.shared;
        let now = clock.now();
        let step = trace.step("authenticate");
        let principal = authenticate(verifier, keys, &self.remembered, headers, now).await;
        let principal = step.ended(principal)?;
        seat.authenticated();
        trace.authenticated();
        record.subject(principal.subject());
        Ok(principal)
    }

    /// Whether who asks may.
    async fn permit(
        &self,
        principal: Principal,
        action: Action,
        target: Target<'_>,
        (record, trace): (&Record, &Trace),
    ) -> Result<Permit, Error> {
        let Shared {
            directory, clock, ..
        } = &*self.shared;
        let step = trace.step("authorize");
        let permit = authorize(directory, principal, action, target, clock.now()).await;
        let permit = step.ended(permit);
        let permit = permit.map_err(|error| match (error, action) {
            (Error::Forbidden, Action::Write) => Error::NotPermitted {
                action,
                place: "project",
            },
            (error, _) => error,
        })?;
        record.allowed(Some(permit.assignment()));
        trace.permitted(&permit);
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
        Known {
            id, record, trace, ..
        }: Known<'_>,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(way.backend)?;
        let Shared { ingest, clock, .. } = &*self.shared;
        ingest.findable(way, permit, upstream, id).await?;
        let now = clock.now();
        let step = trace.step("stamp");
        let stamped = ingest.stamped(way, permit, headers, body, now).await;
        let stamped = step.ended(stamped)?;
        record.stamped(stamped.counts());
        let step = trace.upstream(way.backend.name());
        let written = step.ended(write(upstream, stamped, id).await);
        if let Ok(answer) = &written
            && answer.status().is_client_error()
        {
            record.noted("refused by the backend");
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
        Known {
            id,
            record,
            usage,
            trace,
        }: Known<'_>,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(endpoint.backend)?;
        let limits = &self.shared.limits;
        // Whatever goes upstream goes through here, and so into the record.
        let scope = |endpoint: &Endpoint, path, input: Input<'_>| {
            let step = trace.step("scope");
            let scoped = step.ended(scope::scope(endpoint, path, permit, input, context))?;
            record.queries(scoped.get().queries(endpoint));
            Ok::<_, Error>(scoped)
        };
        match endpoint.answer {
            Answer::Forwarded(path) => {
                let scoped = scope(endpoint, path, input)?;
                limits.enter(usage).await?;
                let step = trace.upstream(endpoint.backend.name());
                step.ended(forward(upstream, scoped, id).await)
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
                let step = trace.upstream(endpoint.backend.name());
                step.ended(
                    Box::pin(tail::tail(asked, &self.shared, &self.open, upstream, id)).await,
                )
            }
            // Has gone to `ingest`, and has no parameters.
            Answer::Ingested(..) => Err(Error::Internal),
            // It goes nowhere, so the record has no query of it.
            Answer::Local(Local::Scope) => {
                let scoped = scope::scope(endpoint, local::NOWHERE, permit, input, context)?;
                local::scope(&scoped)
            }
            Answer::Local(local) => {
                let parameters = scope::read(endpoint, input, context)?;
                local::answer(local, endpoint.backend, &parameters)
            }
            Answer::Filtered(filter, path) => {
                let request = scope(endpoint, path, input)?;
                limits.enter(usage).await?;
                let names = || {
                    let times = scope::all_that_may_be_asked(context.bounds, context.now);
                    let input = Input {
                        url: &times,
                        form: "",
                    };
                    scope(&filter::NAMES, filter::NAMES_PATH, input)
                };
                let step = trace.upstream(endpoint.backend.name());
                let answered = match permit.reach() {
                    Reach::Project => forward(upstream, request, id).await,
                    Reach::Resource(resource) => {
                        let names = (filter == Filter::Metadata).then(names).transpose()?;
                        let asked = Asked {
                            filter,
                            project: permit.project(),
                            resource,
                            request,
                            names,
                        };
                        Box::pin(filter::filter(asked, &self.shared.sieve, upstream, id)).await
                    }
                };
                step.ended(answered)
            }
        }
    }

    /// Answers a request that has come on a connection with this seat, gives it an id, and logs one line
    /// about it; never a header or a query.
    pub(crate) async fn serve<B: Form>(
        &self,
        request: Request<B>,
        seat: &Seat,
    ) -> Response<Counted> {
        let (time, started) = (self.shared.clock.now(), Instant::now());
        let id = RequestId::new(time);
        let (mut record, mut usage) = (Record::none(), Usage::default());
        let (encoding, mut head, body) = taken_apart(request);
        let came = (time, started);
        let trace = self.shared.traces.begin(&mut head.headers, came);
        let mut counting = Counting::begin(&self.shard, trace);
        let has_body = head.method != Method::HEAD;
        let known = (seat, &mut record, &mut usage, &mut counting);
        let answer = self.answer(&mut head, body, id.header(), came, known);
        let answered = id.clone().during(answer).await;
        if let Err(Error::InvalidToken(reason)) = &answered {
            // Whoever set the gateway up sees here what is wrong with everybody's tokens.
            record.noted(reason);
        }
        if let Err(error) = &answered {
            self.shard.refused(error);
            // Nothing runs that needs its place. It is on its way until it is answered.
            usage.fail();
        }
        // Of a refused write, and nothing of what is in it.
        match &answered {
            Err(Error::Refused(refusal)) => record.noted(refusal.reason()),
            Err(Error::SlowWrite) => record.noted("the batch did not arrive in time"),
            Err(Error::Limited(exceeded)) => {
                record.noted(exceeded.reason());
                Box::pin(seat.hold_back(self.shared.limits.pause())).await;
            }
            Err(_) | Ok(_) => {}
        }
        let is_held_back = matches!(answered, Err(Error::Limited(_)));
        let error = answered.as_ref().err().cloned();
        let mut response = answered.unwrap_or_else(|error| match encoding {
            Some(encoding) => encoding.refusal(&error, id.as_str()),
            None => error.into_response(id.as_str()),
        });
        record.answered(response.status(), error.as_ref());
        let header = id.header().clone();
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, header);
        // Whatever is answered, and by whom, no browser guesses another type of it.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let is_probe = response.extensions().get::<Probe>().is_some();
        let took = started.elapsed();
        let known = (id.as_str(), counting.trace.id());
        record.log(known, response.status().as_u16(), took, is_probe);
        counting.answered(response.status(), has_body, (!is_held_back).then_some(took));
        response.map(|body| Counted::new(body, record, (usage, counting)))
    }
}

/// What a request consists of, and how its answer is to be written. Taken by value, for the future that
/// serves it would hold a request that is only looked at to its end.
fn taken_apart<B>(request: Request<B>) -> (Option<Encoding>, Parts, B) {
    let encoding = Encoding::of(&request);
    let (head, body) = request.into_parts();
    (encoding, head, body)
}

#[cfg(test)]
mod tests {
    use hyper::body::Incoming;

    use super::*;
    use crate::connections::Watched;

    /// The server moves the future of a request about. When branches that few requests take were part
    /// of it, copying it took a sixth of what a request costs.
    #[test]
    fn what_is_held_for_a_request_is_small() {
        type Serve<F> = fn(&'static Pipeline, Request<Watched<Incoming>>, &'static Seat) -> F;
        fn size<F>(_: Serve<F>) -> usize {
            size_of::<F>()
        }
        let size = size(Pipeline::serve);
        assert!(size < 3072, "{size} bytes");
    }
}
