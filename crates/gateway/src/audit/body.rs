//! The answer's body, counted.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::Record;
use crate::limit::Usage;
use crate::metrics::Counting;
use crate::stream::{Body, Broken};

/// A body on its way to the caller's connection. It holds the request's record, and what the request
/// uses, until it has ended or is dropped, and says in both what went out.
pub(crate) struct Counted {
    body: Body,
    record: Option<Record>,
    usage: Option<Usage>,
    counting: Option<Counting>,
    bytes: u64,
}

impl Counted {
    pub(crate) fn new(body: Body, record: Record, (usage, counting): (Usage, Counting)) -> Self {
        Self {
            body,
            record: Some(record),
            usage: Some(usage),
            counting: Some(counting),
            bytes: 0,
        }
    }

    fn ended(&mut self, end: Result<(), &'static str>) {
        self.usage = None;
        self.counting = None;
        if let Some(record) = self.record.take() {
            record.sent(self.bytes, end);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // The server does not ask a body that says itself that nothing more comes.
        let end = self.body.is_end_stream();
        if let Some(counting) = &mut self.counting
            && !end
        {
            counting.left();
        }
        self.ended(end.then_some(()).ok_or("reader gone"));
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                this.bytes += u64::try_from(bytes).unwrap_or_default();
                if let Some(usage) = &mut this.usage {
                    usage.sent(bytes);
                }
            }
            Some(Err(broken)) => {
                if let Some(counting) = &mut this.counting {
                    counting.broke(broken);
                }
                this.ended(Err(broken.word()));
            }
            None => this.ended(Ok(())),
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
