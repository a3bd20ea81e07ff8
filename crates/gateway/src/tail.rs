//! Live tails: log lines as they are logged, for as long as the caller may read them.
//!
//! A tail is authenticated, authorized and scoped as any request is, and the backend has agreed to it
//! before anything is promised to the caller: whatever is refused is an ordinary answer. From then
//! on three things run side by side, and the first that ends ends the tail: the lines are passed on,
//! the caller is listened to, and the [`Guard`] watches whether the caller still may.
//!
//! No line waits here: a frame is read from the backend when the one before it has been handed to the
//! caller's connection. A slow caller so slows down the backend's connection, and the backend drops
//! what it cannot keep and says so in its next frame.

mod cursor;
mod end;
mod events;
mod frame;
mod guard;
mod handshake;
pub(crate) mod seats;
mod socket;
mod source;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response};
use hyper::upgrade::OnUpgrade;

use crate::audit::Record;
use crate::authorize::Permit;
use crate::error::{Error, Flaw};
use crate::forward::Upstream;
use crate::limit::Usage;
use crate::open::Open;
use crate::pipeline::Shared;
use crate::routes::Reader;
use crate::scope::{Request, Scoped};
use crate::stream::Body;
use cursor::Cursor;
use guard::Guard;
use handshake::Handshake;
use source::Opened;

/// A tail that is asked for.
pub(crate) struct Asked<'a> {
    /// How the lines are to arrive.
    pub(crate) reader: Reader,
    /// What the backend is asked.
    pub(crate) request: Scoped<Request>,
    /// Why it may be.
    pub(crate) permit: &'a Permit,
    /// The caller's headers.
    pub(crate) headers: &'a HeaderMap,
    /// The caller's connection, if it can be switched to another protocol.
    pub(crate) upgrade: Option<OnUpgrade>,
    /// What is told about it afterwards.
    pub(crate) record: &'a Record,
    /// What its reader uses of what they may read.
    pub(crate) usage: &'a mut Usage,
}

/// Tails a scoped request; nothing else can be.
pub(crate) async fn tail(
    asked: Asked<'_>,
    shared: &Arc<Shared>,
    open: &Open,
    upstream: &Upstream,
    request_id: &HeaderValue,
) -> Result<Response<Body>, Error> {
    let mut request = asked.request;
    if !request.asks_for_lines() {
        return Err(Error::BadData(
            Flaw::NotLines,
            "query: only log lines can be tailed, and this is a metric query".to_owned(),
        ));
    }
    let bounds = shared.limits.bounds(asked.permit.project());
    let within = (bounds, shared.clock.now());
    let to = match asked.reader {
        Reader::Socket => {
            let handshake = Handshake::read(asked.headers, asked.upgrade)?;
            request.begin(within)?;
            To::Socket(handshake)
        }
        Reader::Events => {
            let cursor = Cursor::read(asked.headers)?;
            match cursor.start() {
                // A browser comes again with the URL that it began with, however long ago that was.
                Some(start) => request.resume(start, shared.max_log_lines, within),
                None => request.begin(within)?,
            }
            To::Events(cursor)
        }
    };
    if shared.clock.now() >= asked.permit.principal().expires_at() {
        // Within the skew that requests are allowed: the tail would end as it begins.
        return Err(Error::InvalidToken("the token has expired"));
    }
    let most = shared.tail.per_reader;
    let seat = shared.tails.take(asked.permit, most);
    let seat = seat.ok_or(Error::TooManyTails(most))?;
    let guard = Guard::new(Arc::clone(shared), asked.permit.clone(), seat, open.hold());
    let source = match source::open(upstream, request, request_id, shared.tail).await? {
        Opened::Source(source) => source,
        Opened::Refused(response) => return Ok(*response),
    };
    let record = asked.record.clone();
    record.tails();
    Ok(match to {
        To::Socket(handshake) => {
            // Its lines are in no body.
            let usage = std::mem::take(asked.usage);
            socket::serve(handshake, source, guard, (record, usage))
        }
        To::Events(cursor) => events::serve(cursor, source, guard, record),
    })
}

/// The caller, ready to be served.
enum To {
    Socket(Handshake),
    Events(Cursor),
}
