//! A record as a line of JSON.

use std::io::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};
use directory::policy::{OrganizationId, ProjectId, ResourceId, Subject};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::queue::Refused;
use super::record::Fields;
use crate::settings::AuditQueries;

/// What tells these lines from others that come the same way.
const TARGET: &str = "audit";

/// The line of a request. The order is that in which people read.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "to_the_microsecond")]
    time: Timestamp,
    target: &'static str,
    event: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment: Option<&'a str>,
    endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queries: Option<&'a [Box<str>]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_hashes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'a str>,
    duration_us: u64,
}

/// The line about requests that have none of their own.
#[derive(Serialize)]
struct Gap {
    #[serde(serialize_with = "to_the_microsecond")]
    time: Timestamp,
    target: &'static str,
    event: &'static str,
    #[serde(serialize_with = "to_the_microsecond")]
    since: Timestamp,
    refused: u64,
}

/// All of the same length, so that texts sort as times do.
fn to_the_microsecond<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("{time:.6}"))
}

/// Appends the line of a request, with its line's end.
pub(super) fn request(to: &mut Vec<u8>, fields: &Fields, keeps: AuditQueries) {
    let some = |present: bool| present.then_some(());
    let any = some(!fields.queries.is_empty());
    let (queries, query_hashes) = match keeps {
        AuditQueries::Full => (any.map(|()| fields.queries.as_slice()), None),
        AuditQueries::Hash => (None, any.map(|()| hashes(&fields.queries))),
        AuditQueries::None => (None, None),
    };
    let end = match fields.end {
        // Neither has become known where the caller went before there was an answer, and where a
        // shutdown has cut off a tail.
        None if fields.status.is_none() => Some("no answer"),
        None if fields.is_tail => Some("cut off"),
        end => end,
    };
    let line = Line {
        time: fields.time,
        target: TARGET,
        event: "request",
        // An id of the gateway's own, which is plain ASCII.
        request_id: fields.request_id.to_str().unwrap_or_default(),
        subject: fields.subject.as_ref().map(Subject::as_str),
        action: fields.action,
        organization: fields.organization.as_ref().map(OrganizationId::as_str),
        project: fields.project.as_ref().map(ProjectId::as_str),
        resource: fields.resource.as_ref().map(ResourceId::as_str),
        decision: if fields.allowed { "allow" } else { "deny" },
        assignment: fields.assignment.as_deref(),
        endpoint: fields.endpoint,
        operation: fields.operation,
        queries,
        query_hashes,
        entries: fields.entries,
        replaced: fields.replaced,
        status: fields.status.as_ref().map(StatusCode::as_u16),
        error: fields.error,
        reason: fields.reason,
        bytes: fields.bytes,
        complete: (!fields.is_tail).then_some(fields.complete),
        end,
        duration_us: u64::try_from(fields.duration.as_micros()).unwrap_or(u64::MAX),
    };
    append(to, &line);
}

/// Appends the line about requests that were refused because theirs could not be written.
pub(super) fn gap(to: &mut Vec<u8>, refused: Refused, now: Timestamp) {
    let line = Gap {
        time: now,
        target: TARGET,
        event: "gap",
        since: refused.since,
        refused: refused.count,
    };
    append(to, &line);
}

fn append(to: &mut Vec<u8>, line: &impl Serialize) {
    // Texts and numbers always serialize, and a vector takes them all.
    let written = line.serialize(&mut Serializer::with_formatter(&mut *to, OneLine));
    if let Err(error) = written {
        tracing::error!(%error, "a line of the audit cannot be written as JSON");
    }
    to.push(b'\n');
}

fn hashes(queries: &[Box<str>]) -> Vec<String> {
    let hash = |query: &str| {
        let digest = digest(&SHA256, query.as_bytes());
        let digits = digest
            .as_ref()
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
        digits.collect::<String>()
    };
    queries.iter().map(|query| hash(query)).collect()
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
        // Nearly all are like this: a look at the bytes is much quicker than one at the characters.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
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
