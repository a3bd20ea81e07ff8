//! One connection to a backend, driven by the task of the request that has it.
//!
//! A connection of hyper's is a future that somebody has to poll, commonly a task of its own. Each
//! request then costs several wake-ups from one task to the other and back. Here whoever waits for an
//! answer polls the connection, too, and nobody polls one that is not used.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant as Deadline, Sleep};

use super::bell::Bell;
use super::pool::{Failure, Fate, Shelf, fate, late};
use crate::authenticate::with_causes;
use crate::breaker::{ANSWERS_WITHIN, Breaker};
use crate::connector::{Progress, Said, Stream};

/// How long a connection that is not used any more may take to say so.
const FAREWELL: Duration = Duration::from_secs(1);

/// How soon a connection breaks that the server closed as unused while a request was on its way: within
/// the time that this way takes. What breaks it later was probably read.
const CROSSED: Duration = Duration::from_millis(100);

/// A connection, of one request at a time.
pub(super) struct Line {
    /// Before the connection, which looks at it when it is dropped.
    progress: Abandoned,
    sender: SendRequest<Full<Bytes>>,
    wire: Wire,
    bell: Bell,
    /// Until when an answer has to begin, first so that nobody grows suspicious, and then at all. Kept
    /// from one request to the next: a timer that is moved costs far less than one that is made.
    deadline: Pin<Box<Sleep>>,
    born: Instant,
    /// When the request that it has was sent.
    asked: Instant,
    /// When it was last put back.
    used: Option<Instant>,
    breaker: Arc<Breaker>,
    shelf: Weak<Shelf>,
}

/// The progress of a connection, which is abandoned where this is dropped: in the middle of a request.
struct Abandoned(Option<Progress>);

impl Abandoned {
    fn said(&self) -> Said {
        self.0.as_ref().map_or(Said::Nothing, Progress::said)
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            progress.abandon();
        }
    }
}

type Answered = Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>>;

/// What is to be polled.
struct Wire(Option<Connection<TokioIo<Stream>, Full<Bytes>>>);

impl Wire {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && Pin::new(connection).poll(cx).is_ready()
        {
            // What it still owes, to whoever waits for an answer or a body, gets an error by that. The
            // reason for its end goes there, too.
            self.0 = None;
        }
    }
}

impl Line {
    pub(super) fn new(
        sender: SendRequest<Full<Bytes>>,
        connection: Connection<TokioIo<Stream>, Full<Bytes>>,
        progress: Progress,
        breaker: Arc<Breaker>,
        shelf: Weak<Shelf>,
    ) -> Self {
        let now = Instant::now();
        Self {
            sender,
            wire: Wire(Some(connection)),
            bell: Bell::new(),
            progress: Abandoned(Some(progress)),
            deadline: Box::pin(tokio::time::sleep(Duration::ZERO)),
            born: now,
            asked: now,
            used: None,
            breaker,
            shelf,
        }
    }

    /// Sends, now, and waits until the answer begins.
    pub(super) fn send(
        mut self: Box<Self>,
        request: Request<Full<Bytes>>,
        now: Instant,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Response<Received>, Failure>> {
        self.asked = now;
        let soon = deadline.min(Deadline::from_std(now + ANSWERS_WITHIN));
        self.deadline.as_mut().reset(soon);
        // It has room for a request, and all futures around it would have that, too.
        let answer = Box::pin(self.sender.try_send_request(request));
        self.answered(answer, deadline)
    }

    async fn answered(
        mut self: Box<Self>,
        mut answer: Pin<Box<impl Future<Output = Answered>>>,
        last: Deadline,
    ) -> Result<Response<Received>, Failure> {
        let sent = poll_fn(|cx| {
            let Self {
                wire,
                bell,
                deadline,
                breaker,
                ..
            } = &mut *self;
            bell.poll(
                cx,
                wire,
                |_, cx| match answer.as_mut().poll(cx) {
                    Poll::Ready(answer) => Poll::Ready(Some(answer)),
                    Poll::Pending => {
                        ready!(deadline.as_mut().poll(cx));
                        if deadline.deadline() >= last {
                            return Poll::Ready(None);
                        }
                        breaker.suspect();
                        deadline.as_mut().reset(last);
                        deadline.as_mut().poll(cx).map(|()| None)
                    }
                },
                Wire::poll,
            )
        });
        match sent.await {
            Some(Ok(answer)) => Ok(answer.map(|body| Received::over(self, body))),
            Some(Err(error)) => Err(self.failed(error)),
            None => Err(late()),
        }
    }

    fn failed(&self, mut error: TrySendError<Request<Full<Bytes>>>) -> Failure {
        let unsent = error.take_message().is_some();
        let fate = if unsent && self.used.is_some() {
            Fate::Closed
        } else {
            match fate(self.progress.said()) {
                Fate::Stale if self.asked.elapsed() > CROSSED => Fate::Unknown,
                fate @ (Fate::NotSent
                | Fate::Closed
                | Fate::Stale
                | Fate::Unknown
                | Fate::NoFile
                | Fate::Late) => fate,
            }
        };
        (fate, with_causes(&error.into_error()))
    }

    /// When it was made.
    pub(super) fn born(&self) -> Instant {
        self.born
    }

    /// When it was last put back, or made.
    pub(super) fn used(&self) -> Instant {
        self.used.unwrap_or(self.born)
    }

    /// Whether nothing came from the other side, as nothing may while no request is under way.
    pub(super) fn is_quiet(&mut self) -> bool {
        let Self { wire, bell, .. } = self;
        bell.look(|cx| wire.poll(cx));
        self.is_ready()
    }

    fn is_ready(&self) -> bool {
        self.wire.0.is_some() && self.sender.is_ready()
    }

    /// Gives it to the next request. Dropped, and so closed, where it is not fit for that.
    fn put_back(mut self: Box<Self>) {
        if self.is_ready()
            && let Some(shelf) = self.shelf.upgrade()
        {
            self.bell.forget();
            self.used = Some(Instant::now());
            shelf.put(self);
        }
    }

    /// Ends it as the protocols want it, TLS's own goodbye included.
    pub(super) fn end(self) {
        let Self {
            sender,
            wire,
            mut progress,
            ..
        } = self;
        progress.0 = None;
        drop(sender);
        if let Some(connection) = wire.0 {
            tokio::spawn(async move {
                // However it ends.
                let _ = tokio::time::timeout(FAREWELL, connection).await;
            });
        }
    }
}

/// A backend's body.
///
/// At its end the connection goes to the next request. Dropped before, it closes the connection, unless
/// the rest has come already.
pub(crate) struct Received {
    body: Incoming,
    /// None where the connection is driven elsewhere, or after the end.
    line: Option<Box<Line>>,
}

impl Received {
    /// A body that comes over this connection.
    pub(super) fn over(line: Box<Line>, body: Incoming) -> Self {
        let line = if body.is_end_stream() {
            line.put_back();
            None
        } else {
            Some(line)
        };
        Self { body, line }
    }

    /// A body whose connection is driven by a task of its own.
    pub(super) fn elsewhere(body: Incoming) -> Self {
        Self { body, line: None }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { body, line } = self.get_mut();
        let Some(driven) = line else {
            return Pin::new(body).poll_frame(cx);
        };
        let Line { wire, bell, .. } = &mut **driven;
        let wanted = |_: &mut Wire, cx: &mut Context<'_>| Pin::new(&mut *body).poll_frame(cx);
        let frame = ready!(bell.poll(cx, wire, wanted, Wire::poll));
        match &frame {
            Some(Err(_)) => *line = None,
            Some(Ok(_)) if !body.is_end_stream() => {}
            Some(Ok(_)) | None => {
                if let Some(line) = line.take() {
                    line.put_back();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // A short answer that nobody reads, such as most refusals, and its end.
        for _ in 0..2 {
            if self.line.is_some() {
                let mut nobody = Context::from_waker(Waker::noop());
                let _ = Pin::new(&mut *self).poll_frame(&mut nobody);
            }
        }
    }
}
