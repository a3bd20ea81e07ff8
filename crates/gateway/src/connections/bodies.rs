//! The bodies of a request and of its answer, from which a connection knows what it is doing.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Seat;

/// A request's body, of which is known whether it is waited for, and whether it was read to its end.
pub(crate) struct Watched<B> {
    body: B,
    ended: bool,
    seat: Seat,
}

impl<B: Body> Watched<B> {
    pub(super) fn new(body: B, seat: Seat) -> Self {
        let ended = body.is_end_stream();
        Self { body, ended, seat }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.seat.waits_for_the_body(polled.is_pending());
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        self.seat.waits_for_the_body(false);
        if !self.ended {
            self.seat.leaves_unread();
        }
    }
}

/// The body of an answer, with whose end its connection is free for the next request.
pub(crate) struct Ending<B> {
    body: B,
    seat: Seat,
}

impl<B> Ending<B> {
    pub(super) fn new(body: B, seat: Seat) -> Self {
        Self { body, seat }
    }
}

impl<B> Drop for Ending<B> {
    fn drop(&mut self) {
        self.seat.ends();
    }
}

impl<B: Body + Unpin> Body for Ending<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.seat.breaks();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
