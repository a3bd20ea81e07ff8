//! A record as a line of JSON.

use std::io::{self, Write};
use std::mem;

use aws_lc_rs::digest::{SHA256, digest};
use directory::policy::{OrganizationId, ProjectId, ResourceId, Subject};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::queue::Refused;
use super::record::Fields;
use crate::clock::stamp::Stamp;
use crate::settings::AuditQueries;

/// What tells these lines from others that come the same way.
const TARGET: &str = "audit";

/// Appends the line of a request, with its line's end.
pub(super) fn request(to: &mut Vec<u8>, fields: &Fields, keeps: AuditQueries) {
    let end = match fields.end {
        // Neither has become known where the caller went before there was an answer, and where a
        // shutdown has cut off a tail.
        None if fields.status.is_none() => Some("no answer"),
        None if fields.is_tail => Some("cut off"),
        end => end,
    };
    let mut line = Object::begin(to);
    line.time("time", fields.time);
    line.text("target", TARGET);
    line.text("event", "request");
    // An id of the gateway's own, which is plain ASCII.
    line.text("request_id", fields.request_id.to_str().unwrap_or_default());
    line.known("subject", fields.subject.as_ref().map(Subject::as_str));
    line.known("action", fields.action);
    line.known(
        "organization",
        fields.organization.as_ref().map(OrganizationId::as_str),
    );
    line.known("project", fields.project.as_ref().map(ProjectId::as_str));
    line.known("resource", fields.resource.as_ref().map(ResourceId::as_str));
    line.text("decision", if fields.allowed { "allow" } else { "deny" });
    line.known("assignment", fields.assignment.as_deref());
    line.text("endpoint", fields.endpoint);
    line.known("operation", fields.operation);
    match keeps {
        AuditQueries::Full => line.texts("queries", fields.queries.iter().map(AsRef::as_ref)),
        AuditQueries::Hash => line.texts("query_hashes", hashes(&fields.queries)),
        AuditQueries::None => {}
    }
    line.number("entries", fields.entries);
    line.number("replaced", fields.replaced);
    line.number("status", fields.status.as_ref().map(StatusCode::as_u16));
    line.known("error", fields.error);
    line.known("reason", fields.reason);
    line.number("bytes", Some(fields.bytes));
    line.truth("complete", (!fields.is_tail).then_some(fields.complete));
    line.known("end", end);
    line.number("duration_us", Some(fields.duration.as_micros()));
    line.end();
}

/// Appends the line about requests that were refused because theirs could not be written.
pub(super) fn gap(to: &mut Vec<u8>, refused: Refused, now: Timestamp) {
    let mut line = Object::begin(to);
    line.time("time", now);
    line.text("target", TARGET);
    line.text("event", "gap");
    line.time("since", refused.since);
    line.number("refused", Some(refused.count));
    line.end();
}

fn hashes(queries: &[Box<str>]) -> impl Iterator<Item = Hash> {
    queries.iter().map(|query| Hash::of(query))
}

/// A query's SHA-256 in hexadecimal digits.
struct Hash([u8; 64]);

impl Hash {
    fn of(query: &str) -> Self {
        let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
        let digest = digest(&SHA256, query.as_bytes());
        let mut digits = [b'0'; 64];
        let (pairs, _) = digits.as_chunks_mut();
        for (pair, byte) in pairs.iter_mut().zip(digest.as_ref()) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        Self(digits)
    }
}

impl AsRef<str> for Hash {
    fn as_ref(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A line that is one JSON object, written as it is known: each request has one, and what builds it by
/// way of a serializer took a third of the time. Names are the program's own and need no escapes.
struct Object<'a> {
    to: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    fn begin(to: &'a mut Vec<u8>) -> Self {
        to.push(b'{');
        Self { to, is_empty: true }
    }

    fn end(self) {
        self.to.extend_from_slice(b"}\n");
    }

    fn name(&mut self, name: &'static str) {
        if !mem::take(&mut self.is_empty) {
            self.to.push(b',');
        }
        self.to.push(b'"');
        self.to.extend_from_slice(name.as_bytes());
        self.to.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &'static str, text: &str) {
        self.name(name);
        string(self.to, text);
    }

    fn known(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Nothing where there are none.
    fn texts(&mut self, name: &'static str, texts: impl Iterator<Item: AsRef<str>>) {
        let mut any = false;
        for text in texts {
            if mem::replace(&mut any, true) {
                self.to.push(b',');
            } else {
                self.name(name);
                self.to.push(b'[');
            }
            string(self.to, text.as_ref());
        }
        if any {
            self.to.push(b']');
        }
    }

    fn time(&mut self, name: &'static str, time: Timestamp) {
        self.text(name, Stamp::of(time).as_str());
    }

    fn number(&mut self, name: &'static str, number: Option<impl itoa::Integer>) {
        if let Some(number) = number {
            self.name(name);
            let mut digits = itoa::Buffer::new();
            self.to.extend_from_slice(digits.format(number).as_bytes());
        }
    }

    fn truth(&mut self, name: &'static str, truth: Option<bool>) {
        if let Some(truth) = truth {
            self.name(name);
            let truth = if truth { "true" } else { "false" };
            self.to.extend_from_slice(truth.as_bytes());
        }
    }
}

/// Appends a string with its quotes.
fn string(to: &mut Vec<u8>, text: &str) {
    // Nearly all are plain. That all bytes are looked at, and not those up to the first that is not,
    // lets the processor look at many at once.
    let is_tricky = |byte: u8| !matches!(byte, b' '..=b'~') | matches!(byte, b'"' | b'\\');
    if text
        .bytes()
        .fold(0, |any, byte| any | u8::from(is_tricky(byte)))
        == 0
    {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
        return;
    }
    // Texts always serialize, and a vector takes them all.
    let written = text.serialize(&mut Serializer::with_formatter(to, OneLine));
    if let Err(error) = written {
        tracing::error!(%error, "a line of the audit cannot be written as JSON");
    }
}

/// JSON in which a line looks like one wherever it is read: beside what JSON escapes, also what
/// terminals and some readers of lines take for an end of one, and what turns the direction of text.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, tricky)) = rest.char_indices().find(|(_, char)| is_tricky(*char)) {
            let (before, from) = rest.split_at(at);
            write!(writer, "{before}\\u{:04x}", u32::from(tricky))?;
            rest = from.get(tricky.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

fn is_tricky(char: char) -> bool {
    // All of these have four hexadecimal digits.
    matches!(
        char,
        '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'
            | '\u{61c}' | '\u{feff}'
    )
}
