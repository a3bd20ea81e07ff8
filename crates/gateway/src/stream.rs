//! Bodies: the backend's streamed to the caller, never collected.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::forward::Received;

/// The body of an answer.
pub enum Body {
    /// Made by the gateway itself.
    Own(Full<Bytes>),
    /// A backend's, on its way through.
    Upstream(UpstreamBody),
    /// Made by the gateway itself, and long.
    Long(LongBody),
    /// Events, as they come.
    Events(EventBody),
}

/// A body that holds a part of what all share for as long as it is not taken, and so breaks off where the
/// caller takes it too slowly.
pub struct LongBody {
    rest: Bytes,
    until: Instant,
}

/// In such pieces it is given to the connection, which asks for the next when one is written.
const PIECE: usize = 64 << 10;

/// How long a caller may take for a long body, and for each [`A_SECOND`] of it beyond that.
const AT_LEAST: Duration = Duration::from_secs(30);

/// What a caller has to take in a second after that.
const A_SECOND: u64 = 256 << 10;

impl LongBody {
    fn new(bytes: Bytes) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self {
            until: Instant::now() + AT_LEAST + Duration::from_secs(length / A_SECOND),
            rest: bytes,
        }
    }

    fn next(&mut self, now: Instant) -> Option<Result<Frame<Bytes>, Broken>> {
        if self.rest.is_empty() {
            return None;
        }
        if now > self.until {
            return Some(Err(Broken::Slow));
        }
        let piece = self.rest.split_to(PIECE.min(self.rest.len()));
        Some(Ok(Frame::data(piece)))
    }
}

/// A backend's body on its way through.
///
/// Ends in an error, and so in a broken connection, where the backend breaks off or pauses for too
/// long: an incomplete answer never looks complete (threat 24). Dropped with the caller's
/// connection, it drops the backend's.
pub struct UpstreamBody {
    body: Received,
    pause: Duration,
    /// None before the backend is waited for: most short answers are there at once.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Whether the deadline runs: only while the backend is waited for, never while the caller
    /// reads slowly.
    waiting: bool,
    request_id: HeaderValue,
}

/// Events on their way to a caller. Dropped with the caller's connection, it tells the sender of the
/// events, who waits for that.
pub struct EventBody {
    events: mpsc::Receiver<Event>,
    ended: bool,
}

/// What goes into an [`EventBody`].
pub(crate) enum Event {
    /// There is more to come.
    Next(Bytes),
    /// The last one.
    Last(Bytes),
}

impl EventBody {
    pub(crate) fn new(events: mpsc::Receiver<Event>) -> Self {
        Self {
            events,
            ended: false,
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let (bytes, is_last) = match ready!(self.events.poll_recv(cx)) {
            Some(Event::Next(bytes)) => (bytes, false),
            Some(Event::Last(bytes)) => (bytes, true),
            // Nobody said goodbye, so it must not look so.
            None => return Poll::Ready(Some(Err(Broken::Events))),
        };
        self.ended = is_last;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The backend broke off.
    #[error("the backend broke off: {0}")]
    Upstream(#[from] hyper::Error),
    /// The backend paused for too long.
    #[error("the backend paused for more than {0:?}")]
    Paused(Duration),
    /// The caller took too long for what others wait for.
    #[error("the caller took the answer too slowly")]
    Slow,
    /// Events ended without the last one.
    #[error("the events broke off")]
    Events,
}

impl Broken {
    /// What the audit calls it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Upstream(_) => "backend gone",
            Self::Paused(_) => "backend silent",
            Self::Slow => "caller slow",
            Self::Events => "cut off",
        }
    }
}

impl UpstreamBody {
    /// Streams `body`, which may pause for `pause` between two pieces.
    pub(crate) fn new(body: Received, pause: Duration, request_id: HeaderValue) -> Self {
        Self {
            body,
            pause,
            deadline: None,
            waiting: false,
            request_id,
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                // Trailers are headers too, and none is on the allow-list.
                Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {}
                Poll::Ready(frame) => {
                    self.waiting = false;
                    return Poll::Ready(frame.map(|frame| frame.map_err(Broken::from)));
                }
                Poll::Pending => break,
            }
        }
        if !self.waiting {
            self.waiting = true;
            let until = Instant::now() + self.pause;
            match &mut self.deadline {
                Some(deadline) => deadline.as_mut().reset(until),
                None => self.deadline = Some(Box::pin(sleep_until(until))),
            }
        }
        if let Some(deadline) = &mut self.deadline {
            ready!(deadline.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(Broken::Paused(self.pause))))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never: Infallible| match never {}),
            Self::Upstream(upstream) => {
                let frame = ready!(upstream.poll_data(cx));
                if let Some(Err(broken)) = &frame {
                    let request_id = upstream.request_id.to_str().unwrap_or_default();
                    tracing::warn!(request_id, %broken, "answer broken off");
                }
                Poll::Ready(frame)
            }
            Self::Long(long) => Poll::Ready(long.next(Instant::now())),
            Self::Events(events) => events.poll_event(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Upstream(upstream) => upstream.body.is_end_stream(),
            Self::Long(long) => long.rest.is_empty(),
            Self::Events(events) => events.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Upstream(upstream) => upstream.body.size_hint(),
            Self::Long(long) => {
                SizeHint::with_exact(u64::try_from(long.rest.len()).unwrap_or(u64::MAX))
            }
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// An answer of the gateway's own.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Strings and maps of strings always serialize.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    json_text(status, bytes.into())
}

/// An answer that is JSON already and holds a part of what all share.
pub(crate) fn long_json_text(status: StatusCode, text: Bytes) -> Response<Body> {
    json_text(status, Bytes::new()).map(|_| Body::Long(LongBody::new(text)))
}

/// An answer of the gateway's own that is JSON already.
pub(crate) fn json_text(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Own(Full::new(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_long_body_comes_in_pieces_and_whole() {
        let text = Bytes::from(vec![b'a'; 2 * PIECE + 1]);
        let mut response = long_json_text(StatusCode::OK, text.clone());
        let first = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap().len(), PIECE);
        let rest = response.body().size_hint().exact();
        assert_eq!(rest, Some(u64::try_from(PIECE + 1).unwrap()));
        let rest = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(rest, text.slice(PIECE..));
    }

    #[test]
    fn a_long_body_breaks_off_where_it_is_taken_too_slowly() {
        let mut body = LongBody::new(Bytes::from(vec![b'a'; 2 * PIECE]));
        let until = body.until;
        assert!(matches!(body.next(until), Some(Ok(_))));
        let late = until + Duration::from_millis(1);
        assert!(matches!(body.next(late), Some(Err(Broken::Slow))));
        // What was taken to its end in time is whole.
        assert!(matches!(body.next(until), Some(Ok(_))));
        assert!(body.next(late).is_none());
    }
}
