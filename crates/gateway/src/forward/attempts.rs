//! Which of a backend's URLs is asked, and what is asked again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

use super::line::Received;
use super::pool::{Fate, Pool};
use super::{SendError, Upstream};
use crate::metrics::{Asking, Sent};
use crate::transport::Endpoint;

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
    /// where no connection to this one came about, and once more to this one, on a fresh connection, where
    /// an old one turned out to be closed. A read that went out on a fresh connection which then broke may
    /// be what broke it, and is not tried on the next. A write is sent once, whatever becomes of it: its sender
    /// knows whether it may be stored twice.
    ///
    /// What becomes of it decides nothing about the URL for others: it only is a reason to probe that.
    pub(super) async fn request(
        &self,
        kind: Kind,
        build: impl FnMut(&Endpoint) -> Result<Request<Full<Bytes>>, SendError>,
    ) -> Result<Response<Received>, SendError> {
        let now = Instant::now();
        let asking = Asking::begin(&self.shard, self.backend, now);
        let answer = self.attempt(kind, build, now).await;
        asking.became(match &answer {
            Ok(answer) => Sent::of(answer.status()),
            Err(error) => error.sent(),
        });
        answer
    }

    async fn attempt(
        &self,
        kind: Kind,
        mut build: impl FnMut(&Endpoint) -> Result<Request<Full<Bytes>>, SendError>,
        mut now: Instant,
    ) -> Result<Response<Received>, SendError> {
        let deadline = tokio::time::Instant::from_std(now) + self.timeout;
        let mut tried = 0;
        let mut is_stale = false;
        let mut last = None;
        loop {
            let (index, endpoint, pool) = match self.choose(tried, now) {
                Ok(chosen) => chosen,
                Err(wait) => return Err(last.unwrap_or(SendError::Away(wait))),
            };
            let sent = loop {
                let sent = match kind {
                    Kind::Upgrade => Box::pin(pool.upgrade(build(endpoint)?, deadline)).await,
                    Kind::Read | Kind::Write => match pool.line(is_stale, now, deadline).await {
                        Ok(line) => line.send(build(endpoint)?, now, deadline).await,
                        Err(failure) => Err(failure),
                    },
                };
                // Known to be closed before anything was written. There may be more of these, and then
                // there is a new one.
                if !matches!(sent, Err((Fate::Closed, _))) {
                    break sent;
                }
            };
            now = Instant::now();
            let (fate, error) = match sent {
                Ok(answer) => {
                    endpoint.breaker.answered();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            match fate {
                Fate::Late => {
                    endpoint.breaker.suspect();
                    return Err(SendError::Timeout(self.timeout));
                }
                Fate::NoFile => return Err(SendError::NoFile(error)),
                Fate::NotSent if kind != Kind::Write => {
                    endpoint.breaker.suspect();
                    tried |= 1 << index;
                }
                // Servers do that every now and then: what comes of the next one says more. Here or
                // nowhere: where nobody is there any more, the read may be what killed the server.
                Fate::Stale if kind != Kind::Write && !is_stale => {
                    is_stale = true;
                    tried = !(1 << index);
                }
                Fate::NotSent | Fate::Stale | Fate::Unknown | Fate::Closed => {
                    endpoint.breaker.suspect();
                    return Err(SendError::Unreachable(error));
                }
            }
            tracing::debug!(backend = self.backend.name(), error, "sent once more");
            last = Some(SendError::Unreachable(error));
        }
    }

    /// The first URL that is asked at the moment and was not tried; where there is none, how long until
    /// one is probed.
    fn choose(&self, tried: u64, now: Instant) -> Result<(usize, &Endpoint, &Pool), Duration> {
        let endpoints = self.transport.endpoints();
        let mut shortest = Duration::MAX;
        for (index, (endpoint, pool)) in endpoints.iter().zip(&self.pools).enumerate() {
            if tried & (1 << index) != 0 {
                continue;
            }
            match endpoint.breaker.left_out(now) {
                None => return Ok((index, endpoint, pool)),
                Some(wait) => shortest = shortest.min(wait),
            }
        }
        Err(shortest)
    }
}
