//! What cannot carry a label on its way to the backend, and so is sifted on its way back.
//!
//! Such an answer is held as a whole, so all of them have one room, of which a project has a share:
//! memory is taken as an answer arrives, and given back when what is left of it has gone to the
//! caller. It is sifted away from the threads that serve requests, a few at a time.

mod collected;
mod pieces;
mod sift;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use directory::policy::{Action, ProjectId, ResourceId};
use http::{HeaderValue, Response, StatusCode};
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::error::Error;
use crate::forward::Upstream;
use crate::room::{BASE, Place, Room};
use crate::routes::parameter::{Absent, Kind, Parameter};
use crate::routes::{Answer, Backend, Endpoint, Filter};
use crate::scope::{Request, Scoped};
use crate::stream::{self, Body};
pub(crate) use collected::{Collected, Uncollected};
use sift::Names;

/// What all answers that are sifted may hold together, in bytes.
const ROOM: usize = 64 << 20;

/// What those of one project may: the longest answer that is sifted, with the names of the resource's
/// metrics.
const SHARE: usize = ROOM / 4;

/// So much is sifted at once where it is, in bytes: to hand it over takes longer.
const SHORT: usize = 16 << 10;

/// How long an answer waits to be sifted.
const PATIENCE: Duration = Duration::from_secs(30);

/// The room for answers that are sifted.
#[derive(Debug)]
pub(crate) struct Sieve(Arc<Room<ProjectId>>);

impl Default for Sieve {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Room::new(ROOM, SHARE, cores)))
    }
}

/// Where the names of a resource's metrics are asked for.
pub(crate) const NAMES_PATH: &str = "/prometheus/api/v1/label/__name__/values";

/// How they are asked for: scoped as everything is.
pub(crate) const NAMES: Endpoint = Endpoint {
    action: Action::Read,
    backend: Backend::Mimir,
    parameters: &[
        named("match[]", Kind::VectorSelectors, Absent::Everything),
        named("start", Kind::Time, Absent::Omitted),
        named("end", Kind::Time, Absent::Omitted),
    ],
    answer: Answer::Forwarded(NAMES_PATH),
};

const fn named(name: &'static str, kind: Kind, absent: Absent) -> Parameter {
    Parameter {
        name,
        upstream: name,
        kind,
        absent,
    }
}

/// What a filter has to ask: its own request, and for metadata also that for the names of the
/// resource's metrics.
pub(crate) struct Asked<'a> {
    pub(crate) filter: Filter,
    pub(crate) project: &'a ProjectId,
    pub(crate) resource: &'a ResourceId,
    pub(crate) request: Scoped<Request>,
    pub(crate) names: Option<Scoped<Request>>,
}

/// Asks, and answers with what is the resource's.
pub(crate) async fn filter(
    mut asked: Asked<'_>,
    sieve: &Sieve,
    upstream: &Upstream,
    request_id: &HeaderValue,
) -> Result<Response<Body>, Error> {
    // A limit holds for what is left, and so it stays here.
    let limit = asked.request.take("limit");
    let place = sieve.0.enter(asked.project);
    let mut place = place.map_err(|_| Error::NoRoomToSift)?;
    let answer = match upstream
        .collect(asked.request, request_id, &mut place)
        .await
    {
        Ok(bytes) => Some(bytes),
        // A backend without rules is one with none.
        Err(Error::NotServed(_)) => None,
        Err(error) => return Err(error),
    };
    let names = match asked.filter {
        Filter::Metadata => {
            let names = asked.names.ok_or(Error::Internal)?;
            Some(upstream.collect(names, request_id, &mut place).await?)
        }
        Filter::Rules | Filter::Alerts => None,
    };
    let held = Held {
        filter: asked.filter,
        resource: asked.resource.clone(),
        limit: limit.and_then(|limit| limit.parse().ok()).unwrap_or(0),
        answer,
        names,
        place,
    };
    let sifted = held.sifted().await?;
    let sifted = sifted.ok_or(Error::BadGateway(upstream.backend()))?;
    Ok(stream::long_json_text(StatusCode::OK, sifted))
}

/// What was collected, and holds its place until it is sifted.
struct Held {
    filter: Filter,
    resource: ResourceId,
    limit: usize,
    /// None where the backend has none.
    answer: Option<Vec<u8>>,
    names: Option<Vec<u8>>,
    place: Place<ProjectId>,
}

impl Held {
    /// Sifts it when it is its turn, away from the threads that serve if it is long.
    async fn sifted(self) -> Result<Option<Bytes>, Error> {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        if length(&self.answer).saturating_add(length(&self.names)) <= SHORT {
            return Ok(self.sift());
        }
        let turn = timeout(PATIENCE, self.place.turn()).await;
        let turn = turn.map_err(|_| Error::NoRoomToSift)?;
        let turn = turn.map_err(|_| Error::Internal)?;
        let sifting = tokio::task::spawn_blocking(move || {
            let sifted = self.sift();
            drop(turn);
            sifted
        });
        sifting.await.map_err(|error| {
            tracing::error!(%error, "an answer was not sifted");
            Error::Internal
        })
    }

    /// The answer to the caller, which goes on holding its place. `None` where the backend's is none.
    fn sift(mut self) -> Option<Bytes> {
        let answer = self.answer.as_deref();
        let data = answer.map_or(Some(RawValue::NULL), sift::data)?;
        let mut out = br#"{"status":"success","data":"#.to_vec();
        match self.filter {
            Filter::Metadata => {
                let names = Names::read(self.names.as_deref()?)?;
                sift::metadata(&mut out, data, &names, self.limit);
            }
            Filter::Rules => sift::rules(&mut out, data, self.resource.as_str()),
            Filter::Alerts => sift::alerts(&mut out, data, self.resource.as_str()),
        }
        out.push(b'}');
        out.shrink_to_fit();
        drop((self.answer.take(), self.names.take()));
        // What is kept is no longer than what it was kept of, but for the words around it.
        self.place.hold(out.len().saturating_add(BASE)).ok()?;
        let place = self.place;
        Some(Bytes::from_owner(Sifted { out, _place: place }))
    }
}

/// What is left of an answer, on its way to the caller.
struct Sifted {
    out: Vec<u8>,
    _place: Place<ProjectId>,
}

impl AsRef<[u8]> for Sifted {
    fn as_ref(&self) -> &[u8] {
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Alerts of `r1` and of another, as the backend answers them.
    fn held(sieve: &Sieve, pairs: usize) -> Held {
        let alert = |id: &str| format!(r#"{{"labels":{{"resource_id":"{id}"}}}}"#);
        let pair = [alert("r1"), alert("r2")].join(",");
        let alerts = vec![pair; pairs].join(",");
        let answer = format!(r#"{{"status":"success","data":{{"alerts":[{alerts}]}}}}"#);
        let mut place = place(sieve);
        place.hold(BASE + answer.len()).unwrap();
        Held {
            filter: Filter::Alerts,
            resource: ResourceId::new("r1").unwrap(),
            limit: 0,
            answer: Some(answer.into_bytes()),
            names: None,
            place,
        }
    }

    fn place(sieve: &Sieve) -> Place<ProjectId> {
        sieve.0.enter(&ProjectId::new("p1").unwrap()).unwrap()
    }

    #[test]
    fn what_is_left_of_an_answer_holds_its_part_until_it_has_gone() {
        let sieve = Sieve::default();
        let sifted = held(&sieve, 1000).sift().unwrap();
        assert_eq!(sieve.0.held(), BASE + sifted.len());
        drop(sifted);
        assert_eq!(sieve.0.held(), 0);
    }

    /// On one thread: what is done there is done when it is first looked at.
    #[tokio::test]
    async fn a_long_answer_is_sifted_away_from_the_thread_that_serves() {
        let sieve = Sieve::default();
        let short = held(&sieve, 10).sifted().now_or_never();
        assert!(short.unwrap().unwrap().is_some());
        let mut long = Box::pin(held(&sieve, 20_000).sifted());
        assert!((&mut long).now_or_never().is_none());
        let sifted = long.await.unwrap().unwrap();
        assert!(sifted.len() > SHORT);
    }

    /// As many as there are turns, whoever else waits.
    #[tokio::test]
    async fn so_many_answers_are_sifted_at_a_time_and_no_more() {
        let sieve = Sieve::default();
        let mut turns = Vec::new();
        let mine = place(&sieve);
        while let Some(turn) = mine.turn().now_or_never() {
            turns.push(turn.unwrap());
        }
        let mut waiting = Box::pin(held(&sieve, 1000).sifted());
        assert!((&mut waiting).now_or_never().is_none());
        tokio::task::yield_now().await;
        assert!((&mut waiting).now_or_never().is_none());
        drop(turns);
        assert!(waiting.await.unwrap().is_some());
    }
}
