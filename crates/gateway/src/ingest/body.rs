//! The body of a write: read within a limit, and within what writes on their way may hold.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use directory::policy::ProjectId;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use crate::error::Error;
use crate::room::{BASE, Full, Place, Room};

/// How long what comes of a refused body is read and thrown away.
const DRAIN: Duration = Duration::from_secs(5);

/// How much the buffer of a body of unknown length is made for, in bytes.
const UNKNOWN: usize = 16 << 10;

/// Reads the body of a project's write, of at most `limit` bytes, which may take `patience` to arrive,
/// into a place that holds them as they come.
///
/// What is announced to be too long is refused before any of it is read. What is refused later is
/// read on for a moment, and thrown away: a sender that is cut off while it writes sees a broken
/// connection, and not why.
pub(super) async fn read<B>(
    body: B,
    headers: &HeaderMap,
    (limit, patience): (usize, Duration),
    (room, project): (&Arc<Room<ProjectId>>, &ProjectId),
) -> Result<(Bytes, Place<ProjectId>), Error>
where
    B: Body<Data = Bytes>,
{
    // Answered at once, and the rest is the connection's matter, which reads on after its end: a sender
    // that asks whether it may send (`Expect: 100-continue`) is not to be kept waiting.
    let length = length(headers, limit)?;
    let mut body = pin!(body);
    let taken = async {
        let mut place = room.enter(project).map_err(|full| no_room(full, room))?;
        let deadline = Instant::now() + patience;
        let bytes = take(body.as_mut(), length, (limit, deadline), &mut place).await?;
        Ok((bytes, place))
    };
    let taken = taken.await;
    if taken.as_ref().is_err_and(is_read_on) {
        drain(body, limit.saturating_mul(2)).await;
    }
    taken
}

/// What the head says about the length, if it does. Refuses what it already says to be too long.
fn length(headers: &HeaderMap, limit: usize) -> Result<Option<usize>, Error> {
    let Some(length) = headers.get(CONTENT_LENGTH) else {
        return Ok(None);
    };
    let length = length.to_str().ok().and_then(|length| length.parse().ok());
    match length {
        Some(length) if length <= limit => Ok(Some(length)),
        Some(_) | None => Err(too_large(limit)),
    }
}

async fn take<B>(
    mut body: Pin<&mut B>,
    length: Option<usize>,
    (limit, deadline): (usize, Instant),
    place: &mut Place<ProjectId>,
) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes>,
{
    let mut whole = Vec::new();
    let mut frames = 0_usize;
    loop {
        let frame = timeout_at(deadline, body.frame()).await;
        let data = match frame.map_err(|_| Error::SlowWrite)? {
            None => return Ok(whole.into()),
            // The sender has gone, or chunks are no chunks.
            Some(Err(_)) => return Err(Error::BrokenBody),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                // Trailers say nothing that is asked for.
                Err(_) => continue,
            },
        };
        let all = whole.len().saturating_add(data.len());
        if all > limit {
            return Err(too_large(limit));
        }
        frames += 1;
        if frames == 1 && length == Some(all) {
            // It has come in one piece, which is copied nowhere.
            hold(place, all)?;
            return Ok(data);
        }
        if all > whole.capacity() {
            // By no more than has come already: an announced length costs nothing.
            let grown = all
                .saturating_mul(2)
                .max(UNKNOWN)
                .min(length.unwrap_or(limit).max(all));
            hold(place, grown)?;
            whole.reserve_exact(grown - whole.len());
        }
        whole.extend_from_slice(&data);
    }
}

fn hold(place: &mut Place<ProjectId>, bytes: usize) -> Result<(), Error> {
    let held = place.hold(bytes.saturating_add(BASE));
    held.map_err(|full| no_room(full, place.room()))
}

/// What a write is refused with that has no room.
pub(super) fn no_room(full: Full, room: &Room<ProjectId>) -> Error {
    match full {
        Full::Share => Error::Refused(Refusal::NoRoom {
            limit: room.share(),
        }),
        Full::Room => Error::Busy,
    }
}

/// Whether the rest of the body is still waited for: not where it does not come.
fn is_read_on(error: &Error) -> bool {
    !matches!(error, Error::SlowWrite | Error::BrokenBody)
}

/// Reads at most `limit` bytes more, for a moment.
async fn drain<B: Body<Data = Bytes>>(mut body: Pin<&mut B>, limit: usize) {
    let deadline = Instant::now() + DRAIN;
    let mut read = 0_usize;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await {
        read = read.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if read > limit {
            return;
        }
    }
}

fn too_large(limit: usize) -> Error {
    Error::Refused(Refusal::TooLarge {
        what: "the body",
        limit,
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{FutureExt as _, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    #[test]
    fn a_body_that_is_announced_to_be_too_long_is_refused_before_any_of_it_comes() {
        let room = Arc::new(Room::new(1 << 20, 1 << 20, 1));
        let project = ProjectId::new("p1").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "101".parse().unwrap());
        let never = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let answered =
            read(never, &headers, (100, Duration::MAX / 4), (&room, &project)).now_or_never();
        let refused = answered.expect("it is waited for").unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::TooLarge { .. })));
    }
}
