//! What a caller says of its own trace, and what a backend is told of ours.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// `traceparent` alone. What is there twice is nothing (Trace Context, section 3.2), and `tracestate` is a
/// caller's own text, which belongs into no span.
struct Parent<'a>(&'a HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        let is_meant = key == TRACEPARENT.as_str() && values.next().is_none();
        is_meant.then(|| value.to_str().ok()).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .contains_key(TRACEPARENT)
            .then_some("traceparent")
            .into_iter()
            .collect()
    }
}

/// The caller's span, if it names one.
pub(super) fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(headers));
    let parent = context.span().span_context().clone();
    parent.is_valid().then_some(parent)
}

/// Puts our own span into the caller's place. What claims to belong to a trace that is none goes no further.
pub(super) fn replace(headers: &mut HeaderMap, own: &SpanContext, has_parent: bool) {
    if !has_parent {
        headers.remove(TRACESTATE);
    }
    let flags = own.trace_flags().to_u8();
    let traceparent = format!("00-{}-{}-{flags:02x}", own.trace_id(), own.span_id());
    if let Ok(traceparent) = HeaderValue::from_str(&traceparent) {
        headers.insert(TRACEPARENT, traceparent);
    }
}
