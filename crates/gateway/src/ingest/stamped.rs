//! From a permit and a body to a request that may go to the backend.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use directory::policy::ProjectId;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use tokio::time::timeout;

use super::counter::Totals;
use super::indexed::Indexed;
use super::rate::Rates;
use super::{Counts, Head, Limits, Protocol, Refusal, Stamping, body};
use crate::authorize::{Permit, Reach};
use crate::error::Error;
use crate::forward::Upstream;
use crate::pipeline::Form;
use crate::room::{BASE, Full, Place, Room};
use crate::routes::Backend;
use crate::scope::trace_headers;

/// Bodies of up to this length after decompression are stamped where they are; longer ones away from
/// the thread's other requests, which would have to wait.
const SHORT: usize = 16 << 10;

/// How long a batch waits for its turn to be decoded.
const PATIENCE: Duration = Duration::from_secs(30);

/// The proof that what is in it was built by the gateway: decoded and encoded anew, bound to
/// one tenant, and every entry in it to one resource of that tenant.
///
/// Nothing else makes one:
///
/// ```compile_fail,E0451
/// # use gateway::ingest::{Stamped, Write};
/// # fn forge(real: Stamped, inner: Write) -> Stamped {
/// Stamped { inner, ..real }
/// # }
/// ```
#[derive(Debug)]
pub struct Stamped {
    inner: Write,
    /// What is in it.
    counts: Counts,
    /// Its part of the room for all writes.
    place: Place<ProjectId>,
}

/// A write for a backend.
#[derive(Clone, Debug)]
pub struct Write {
    /// Where it goes.
    pub backend: Backend,
    /// The path below the backend's base URL.
    pub path: &'static str,
    /// The tenant.
    pub tenant: ProjectId,
    /// What the body is, and what of the caller's headers goes upstream.
    pub headers: HeaderMap,
    /// The batch.
    pub body: Bytes,
}

impl Stamped {
    /// What is stamped.
    #[must_use]
    pub fn get(&self) -> &Write {
        &self.inner
    }

    /// What is in it.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// What is stamped, to be sent; and its part of the room, to be held until it has been.
    pub(crate) fn into_parts(self) -> (Write, Place<ProjectId>) {
        (self.inner, self.place)
    }
}

/// What writes share.
pub(crate) struct Ingest {
    limits: Arc<Limits>,
    room: Arc<Room<ProjectId>>,
    rates: Option<Arc<Rates>>,
    /// How long a batch may take to arrive.
    body_timeout: Duration,
    indexed: Indexed,
    pub(crate) totals: Totals,
}

/// Where a write goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) protocol: Protocol,
    pub(crate) backend: Backend,
    pub(crate) path: &'static str,
}

impl Ingest {
    pub(crate) fn new(limits: Limits, body_timeout: Duration) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            rates: limits.rate.map(|rate| Arc::new(Rates::new(rate))),
            body_timeout,
            indexed: Indexed::default(),
            totals: Totals::default(),
            room: Arc::new(Room::new(limits.room, limits.project_room, cores)),
            limits: Arc::new(limits),
        }
    }

    fn refuse(&self, error: &Error) {
        if let Error::Refused(refusal) = error {
            self.totals.refuse(refusal);
        }
    }

    /// Whether the backend keeps what is stamped in this way where readers of the resource find it.
    pub(crate) async fn findable(
        &self,
        way: Way,
        permit: &Permit,
        upstream: &Upstream,
        request_id: &HeaderValue,
    ) -> Result<(), Error> {
        let tenant = permit.project();
        match way.protocol {
            Protocol::OtlpLogs => self.indexed.check(tenant, upstream, request_id).await,
            Protocol::LokiPush | Protocol::RemoteWrite | Protocol::OtlpMetrics => Ok(()),
        }
    }

    /// Reads a body and stamps it with the resource of the permit.
    pub(crate) async fn stamped<B: Form>(
        &self,
        way: Way,
        permit: &Permit,
        headers: &HeaderMap,
        body: B,
        now: Timestamp,
    ) -> Result<Stamped, Error> {
        let Reach::Resource(resource) = permit.reach() else {
            // No route for writes is mounted on a project.
            return Err(Error::Internal);
        };
        let most = (self.limits.compressed, self.body_timeout);
        let whose = (&self.room, permit.project());
        let (body, mut place) = body::read(body, headers, most, whose)
            .await
            .inspect_err(|error| self.refuse(error))?;

        let head = Head::read(way.protocol, headers);
        let head = head.inspect_err(|refusal| self.totals.refuse(refusal))?;
        let (limits, rates) = (Arc::clone(&self.limits), self.rates.clone());
        let (project, resource) = (permit.project().clone(), resource.clone());
        let short = head.length(&body).is_some_and(|length| length <= SHORT);
        let work = move || -> Result<_, Refusal> {
            let stamping = Stamping {
                resource: resource.as_str(),
                limits: &limits,
                now,
            };
            let opened = head.open(body, &limits)?;
            // Before it is decoded: what is too much is not to cost more than that.
            if let Some(rates) = rates {
                rates.take(&project, opened.body.len())?;
            }
            opened.stamp(&stamping)
        };
        let batch = if short {
            work()
        } else {
            let turn = timeout(PATIENCE, place.turn()).await;
            let turn = turn.map_err(|_| body::no_room(Full::Share, &self.room))?;
            let turn = turn.map_err(|_| Error::Internal)?;
            let done = tokio::task::spawn_blocking(move || {
                let batch = work();
                drop(turn);
                batch
            });
            done.await.map_err(|error| {
                tracing::error!(%error, "a batch was not stamped");
                Error::Internal
            })?
        };
        let batch = batch.inspect_err(|refusal| self.totals.refuse(refusal))?;
        // Many times what was sent, where that was compressed well. It is held until the backend has
        // it.
        let held = place.hold(batch.body.len().saturating_add(BASE));
        held.map_err(|full| body::no_room(full, &self.room))
            .inspect_err(|error| self.refuse(error))?;
        self.totals.take(batch.counts);

        let counts = batch.counts;
        let mut headers = trace_headers(headers);
        for (name, value) in batch.headers {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(Stamped {
            inner: Write {
                backend: way.backend,
                path: way.path,
                tenant: permit.project().clone(),
                headers,
                body: batch.body,
            },
            counts,
            place,
        })
    }
}
