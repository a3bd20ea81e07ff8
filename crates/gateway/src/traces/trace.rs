//! The trace of one request.

use std::borrow::Cow;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::Traces;
use crate::authorize::{Permit, Reach};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The trace of one request; nothing where none are wanted. Its span ends when it is dropped.
#[derive(Default)]
pub(crate) struct Trace(Option<Box<Began>>);

struct Began {
    tracer: SdkTracer,
    context: Context,
}

/// A step of a request, until it is dropped.
pub(crate) struct Step(Option<Box<Span>>);

/// The headers of a trace. What is there twice is nothing (Trace Context, section 3.2).
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(key).iter();
        let value = values.next()?;
        let is_one = key != TRACEPARENT.as_str() || values.next().is_none();
        is_one.then(|| value.to_str().ok()).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

impl Traces {
    /// The trace of a request with these headers, which go on with its own span in the place of the
    /// caller's: the backend's spans are below that.
    pub(crate) fn begin(&self, headers: &mut HeaderMap) -> Trace {
        let Some(tracer) = &self.tracer else {
            return Trace(None);
        };
        let parent =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        if !parent.span().span_context().is_valid() {
            headers.remove(TRACESTATE);
        }
        let builder = SpanBuilder::from_name("request").with_kind(SpanKind::Server);
        let span = tracer.build_with_context(builder, &parent);
        let own = span.span_context();
        let traceparent = format!(
            "00-{}-{}-{:02x}",
            own.trace_id(),
            own.span_id(),
            own.trace_flags().to_u8()
        );
        if let Ok(traceparent) = HeaderValue::from_str(&traceparent) {
            headers.insert(TRACEPARENT, traceparent);
        }
        Trace(Some(Box::new(Began {
            tracer: tracer.clone(),
            context: parent.with_span(span),
        })))
    }
}

impl Trace {
    /// Its id, for the log.
    pub(crate) fn id(&self) -> Option<String> {
        let began = self.0.as_ref()?;
        Some(began.context.span().span_context().trace_id().to_string())
    }

    /// Which route it is of.
    pub(crate) fn is_of(&self, route: &'static str) {
        if let Some(began) = &self.0 {
            let span = began.context.span();
            span.update_name(route);
            span.set_attribute(KeyValue::new("ktrlplane.route", route));
        }
    }

    /// What it is permitted on.
    pub(crate) fn permitted(&self, permit: &Permit) {
        if let Some(began) = &self.0 {
            let span = began.context.span();
            let project = permit.project().as_str().to_owned();
            span.set_attribute(KeyValue::new("ktrlplane.project", project));
            if let Reach::Resource(resource) = permit.reach() {
                let resource = resource.as_str().to_owned();
                span.set_attribute(KeyValue::new("ktrlplane.resource", resource));
            }
        }
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&self, status: StatusCode) {
        if let Some(began) = &self.0 {
            let span = began.context.span();
            let code = i64::from(status.as_u16());
            span.set_attribute(KeyValue::new("http.response.status_code", code));
            // What the caller did wrong is no fault of a server's span.
            if status.is_server_error() {
                span.set_status(fault());
            }
        }
    }

    /// The answer broke off.
    pub(crate) fn broke(&self) {
        if let Some(began) = &self.0 {
            began.context.span().set_status(fault());
        }
    }

    /// One of its steps begins.
    pub(crate) fn step(&self, name: &'static str) -> Step {
        self.begin(name, SpanKind::Internal)
    }

    /// A backend is asked.
    pub(crate) fn upstream(&self, backend: &'static str) -> Step {
        let mut step = self.begin("upstream", SpanKind::Client);
        if let Some(span) = &mut step.0 {
            span.set_attribute(KeyValue::new("ktrlplane.backend", backend));
        }
        step
    }

    fn begin(&self, name: &'static str, kind: SpanKind) -> Step {
        Step(self.0.as_ref().map(|began| {
            let builder = SpanBuilder::from_name(name).with_kind(kind);
            let tracer = &began.tracer;
            Box::new(tracer.build_with_context(builder, &began.context))
        }))
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if let Some(began) = &self.0 {
            began.context.span().end();
        }
    }
}

impl Step {
    /// It has ended, and so.
    pub(crate) fn ended<T, E>(mut self, result: Result<T, E>) -> Result<T, E> {
        if let Some(span) = &mut self.0
            && result.is_err()
        {
            span.set_status(fault());
        }
        result
    }
}

/// Without a sentence: those may quote what a caller sent.
fn fault() -> Status {
    Status::Error {
        description: Cow::Borrowed(""),
    }
}
