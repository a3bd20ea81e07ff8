//! A caller that reads server-sent events (WHATWG HTML, section 9.2).
//!
//! A line `retry` first; then for each frame an event with an `id` to go on from, an event `dropped`
//! for what the backend had to drop, a comment where nothing happens, and an event `end` with the
//! reason before the gateway ends the answer. JSON has no line breaks of its own, so each `data` is
//! one line.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::cursor::Cursor;
use super::end::{End, FAREWELL};
use super::frame::Frame;
use super::guard::Guard;
use super::source::{Source, pings};
use crate::audit::Record;
use crate::request_id::RequestId;
use crate::settings::TailSettings;
use crate::stream::{Body, Event, EventBody};

/// Tells nginx, and what behaves like it, not to collect the answer.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How long a reader is to wait before they come again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

/// What is sent where nothing happens, so that no proxy takes the connection for unused.
const HEARTBEAT: &str = ":\n\n";

/// Answers with events until the caller, the backend or the guard ends it.
pub(super) fn serve(
    cursor: Cursor,
    source: Box<Source>,
    guard: Guard,
    record: Record,
) -> Response<Body> {
    // One frame waits for the connection, and the next is not read before that.
    let (sender, receiver) = mpsc::channel(1);
    let started = Instant::now();
    let tail = async move {
        let end = run(cursor, source, &guard, &sender).await;
        // The bytes are counted where they leave, in the answer's body.
        record.tail_ended(end.word());
        tracing::info!(
            end = end.word(),
            seconds = started.elapsed().as_secs(),
            "a tail ended"
        );
    };
    tokio::spawn(RequestId::current().during(tail));
    let mut response = Response::new(Body::Events(EventBody::new(receiver)));
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (ACCEL_BUFFERING, "no"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

async fn run(
    mut cursor: Cursor,
    mut source: Box<Source>,
    guard: &Guard,
    sender: &mpsc::Sender<Event>,
) -> End {
    let end = tokio::select! {
        biased;
        end = guard.ended() => end,
        () = sender.closed() => End::ReaderGone,
        end = pass_on(&mut source, &mut cursor, sender, guard.settings()) => end,
    };
    let last = Event::Last(farewell(&end));
    let (_, ()) = tokio::join!(timeout(FAREWELL, sender.send(last)), source.close());
    end
}

async fn pass_on(
    source: &mut Source,
    cursor: &mut Cursor,
    sender: &mpsc::Sender<Event>,
    settings: TailSettings,
) -> End {
    let mut heartbeats = pings(settings);
    let mut bytes = Bytes::from_static(RETRY.as_bytes());
    loop {
        if !bytes.is_empty() {
            match timeout(settings.reader_patience, sender.send(Event::Next(bytes))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::ReaderGone,
                Err(_) => return End::ReaderSlow,
            }
        }
        bytes = tokio::select! {
            text = source.next() => match text.map(|text| told(&text, cursor)) {
                Ok(Some(events)) => events.into(),
                Ok(None) => return End::BackendUnusable,
                Err(end) => return end,
            },
            _ = heartbeats.tick() => Bytes::from_static(HEARTBEAT.as_bytes()),
        };
    }
}

/// A frame as events; empty where the reader has all of it, and `None` where it is no frame.
fn told(text: &str, cursor: &mut Cursor) -> Option<String> {
    let mut frame: Frame = serde_json::from_str(text).ok()?;
    cursor.pass(&mut frame)?;
    let lines = match frame.lines() {
        Some(lines) => event(&format!("id: {}", cursor.id()?), &lines)?,
        None => String::new(),
    };
    let dropped = match frame.dropped() {
        Some(dropped) => event("event: dropped", &dropped)?,
        None => String::new(),
    };
    Some(lines + &dropped)
}

/// An event with this first line.
fn event(first: &str, data: &impl Serialize) -> Option<String> {
    let data = serde_json::to_string(data).ok()?;
    Some(format!("{first}\ndata: {data}\n\n"))
}

/// The last event.
fn farewell(end: &End) -> Bytes {
    #[derive(Serialize)]
    struct Farewell<'a> {
        code: u16,
        reason: &'a str,
    }
    let close = end.close();
    let farewell = Farewell {
        code: close.code.into(),
        reason: &close.reason,
    };
    // A number and a text always serialize.
    event("event: end", &farewell).unwrap_or_default().into()
}
