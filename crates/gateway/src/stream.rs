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
    /// Events, as they come.
    Events(EventBody),
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
            Self::Events(events) => events.poll_event(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Upstream(upstream) => upstream.body.is_end_stream(),
            Self::Events(events) => events.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Upstream(upstream) => upstream.body.size_hint(),
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

/// An answer of the gateway's own that is JSON already.
pub(crate) fn json_text(status: StatusCode, text: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::Own(Full::new(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
