//! Which of a backend's URLs is asked, and what is asked again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use super::line::Received;
use super::pool::{Fate, Pool};
use super::{SendError, Upstream};
use crate::breaker::{State, Ticket};
use crate::transport::Endpoint;

/// How often a read is sent again whose connection had been closed before the backend saw it.
const MOST_STALE: usize = 2;

/// What a request does at the backend, and so whether it may be sent twice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It changes nothing there.
    Read,
    /// The same, and it asks for another protocol.
    Upgrade,
    /// It stores something.
    Write,
}

impl Upstream {
    /// Sends what `build` makes for one of the backend's URLs, and waits until the answer begins.
    ///
    /// A read is sent again where it is known not to have been answered in any way: to the next URL
    /// where no connection to this one came about, and to the same one where an old connection turned
    /// out to be closed. A read that went out on a fresh connection which then broke may be what broke
    /// it, and is not tried on the next. A write is sent once, whatever becomes of it: its sender knows
    /// whether it may be stored twice.
    pub(super) async fn request(
        &self,
        kind: Kind,
        mut build: impl FnMut(&Endpoint) -> Result<Request<Full<Bytes>>, SendError>,
    ) -> Result<Response<Received>, SendError> {
        let mut now = Instant::now();
        let deadline = tokio::time::Instant::from_std(now) + self.timeout;
        let mut tried = 0;
        let mut stale = 0;
        let mut last = None;
        loop {
            let (index, endpoint, pool, ticket) = match self.choose(kind, tried, now) {
                Ok(chosen) => chosen,
                Err(wait) => return Err(last.unwrap_or(SendError::Away(wait))),
            };
            let sent = loop {
                let sent = match kind {
                    Kind::Upgrade => Box::pin(pool.upgrade(build(endpoint)?, deadline)).await,
                    Kind::Read | Kind::Write => match pool.line(now, deadline).await {
                        Ok(line) => line.send(build(endpoint)?, deadline).await,
                        Err(failure) => Err(failure),
                    },
                };
                // There may be more of these, and then there is a new one.
                if !matches!(sent, Err((Fate::Closed, _))) {
                    break sent;
                }
            };
            now = Instant::now();
            let (fate, error) = match sent {
                Ok(answer) => {
                    endpoint.breaker.answered(now);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            match fate {
                Fate::Late => {
                    endpoint.breaker.silent(ticket, now);
                    return Err(SendError::Timeout(self.timeout));
                }
                Fate::NoFile => return Err(SendError::NoFile(error)),
                Fate::NotSent => {
                    endpoint.breaker.failed(ticket, now);
                    tried |= 1 << index;
                }
                Fate::Stale if stale < MOST_STALE => stale += 1,
                Fate::Stale | Fate::Unknown | Fate::Closed => {
                    endpoint.breaker.failed(ticket, now);
                    return Err(SendError::Unreachable(error));
                }
            }
            if kind == Kind::Write {
                return Err(SendError::Unreachable(error));
            }
            tracing::debug!(backend = self.backend.name(), error, "sent once more");
            last = Some(SendError::Unreachable(error));
        }
    }

    /// The first URL that may be asked and has not been; where there is none, how long until there is.
    ///
    /// A write does not go where it would find out whether somebody is there, while somebody is known
    /// to be elsewhere.
    fn choose(
        &self,
        kind: Kind,
        tried: u64,
        now: Instant,
    ) -> Result<(usize, &Endpoint, &Pool, Ticket), Duration> {
        let endpoints = self.transport.endpoints();
        let is_closed = |endpoint: &Endpoint| endpoint.breaker.state(now) == State::Closed;
        let only_closed = kind == Kind::Write && endpoints.iter().any(is_closed);
        let mut shortest = Duration::MAX;
        for (index, (endpoint, pool)) in endpoints.iter().zip(&self.pools).enumerate() {
            if tried & (1 << index) != 0 || (only_closed && !is_closed(endpoint)) {
                continue;
            }
            match endpoint.breaker.enter(now) {
                Ok(ticket) => return Ok((index, endpoint, pool, ticket)),
                Err(wait) => shortest = shortest.min(wait),
            }
        }
        Err(shortest)
    }
}
