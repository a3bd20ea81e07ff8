//! The trace of one request.

use std::borrow::Cow;
use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, SdkTracer};

use tokio::time::Instant;

use super::{Traces, headers};
use crate::authorize::{Permit, Reach};

/// The trace of one request; nothing where none are wanted. Its span ends when it is dropped.
#[derive(Default)]
pub(crate) struct Trace(Option<Box<Began>>);

struct Began {
    tracer: SdkTracer,
    /// The caller's span.
    parent: Option<SpanContext>,
    own: SpanContext,
    at: SystemTime,
    /// The same moment, by the clock that nobody sets: what a span takes is measured by it.
    started: Instant,
    told: Mutex<Told>,
}

/// What is known of a request by now.
struct Told {
    wanted: Wanted,
    name: &'static str,
    attributes: Vec<KeyValue>,
    is_fault: bool,
}

/// Whether its spans are sent.
enum Wanted {
    Yes,
    No,
    /// If it turns out that we know who asks for it. These have ended before that.
    Asked(Vec<Ended>),
}

/// A step that has ended.
struct Ended {
    name: &'static str,
    kind: SpanKind,
    at: SystemTime,
    until: SystemTime,
    backend: Option<&'static str>,
    is_fault: bool,
}

/// A step of a request, until it is dropped.
pub(crate) struct Step<'a>(Option<Running<'a>>);

struct Running<'a> {
    of: &'a Began,
    name: &'static str,
    kind: SpanKind,
    at: SystemTime,
    backend: Option<&'static str>,
    is_fault: bool,
}

impl Traces {
    /// The trace of a request with these headers, which go on with its own span in the place of the
    /// caller's: the backend's spans are below that.
    pub(crate) fn begin(
        &self,
        headers: &mut HeaderMap,
        (at, started): (Timestamp, Instant),
    ) -> Trace {
        let Some(tracer) = &self.tracer else {
            return Trace(None);
        };
        let ids = RandomIdGenerator::default();
        let parent = headers::parent(headers);
        let id = ids.new_span_id();
        // By our own number, and not by the trace's, which may be a caller's.
        let by_ratio = self.sampled.takes(id);
        let by_caller = parent.as_ref().map(SpanContext::is_sampled);
        let wanted = match by_caller.filter(|_| self.callers_decide) {
            Some(false) => Wanted::No,
            _ if by_ratio => Wanted::Yes,
            Some(true) => Wanted::Asked(Vec::new()),
            None => Wanted::No,
        };
        let flags = TraceFlags::default().with_sampled(!matches!(wanted, Wanted::No));
        let trace = parent.as_ref().map(SpanContext::trace_id);
        let trace = trace.unwrap_or_else(|| ids.new_trace_id());
        let own = SpanContext::new(trace, id, flags, false, TraceState::NONE);
        headers::replace(headers, &own, parent.is_some());
        Trace(Some(Box::new(Began {
            tracer: tracer.clone(),
            parent,
            own,
            at: at.into(),
            started,
            told: Mutex::new(Told {
                wanted,
                name: "request",
                attributes: Vec::new(),
                is_fault: false,
            }),
        })))
    }
}

impl Trace {
    /// Its id, for the log.
    pub(crate) fn id(&self) -> Option<String> {
        let began = self.0.as_ref()?;
        Some(began.own.trace_id().to_string())
    }

    /// Which route it is of.
    pub(crate) fn is_of(&self, route: &'static str) {
        self.tell(|told| {
            told.name = route;
            told.attributes
                .push(KeyValue::new("ktrlplane.route", route));
        });
    }

    /// It is of nobody's request: probes come every few seconds and say nothing.
    pub(crate) fn is_of_a_probe(&self) {
        self.tell(|told| told.wanted = Wanted::No);
    }

    /// Somebody whom we know asks: if they want it, it is sent.
    pub(crate) fn authenticated(&self) {
        if let Some(began) = &self.0 {
            let mut told = began.told();
            let Wanted::Asked(steps) = &mut told.wanted else {
                return;
            };
            let steps = take(steps);
            told.wanted = Wanted::Yes;
            drop(told);
            for step in steps {
                began.send(step);
            }
        }
    }

    /// What it is permitted on.
    pub(crate) fn permitted(&self, permit: &Permit) {
        self.tell(|told| {
            let project = permit.project().as_str().to_owned();
            told.attributes
                .push(KeyValue::new("ktrlplane.project", project));
            if let Reach::Resource(resource) = permit.reach() {
                let resource = resource.as_str().to_owned();
                told.attributes
                    .push(KeyValue::new("ktrlplane.resource", resource));
            }
        });
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.tell(|told| {
            let code = i64::from(status.as_u16());
            told.attributes
                .push(KeyValue::new("http.response.status_code", code));
            // What the caller did wrong is no fault of a server's span.
            told.is_fault |= status.is_server_error();
        });
    }

    /// The answer broke off.
    pub(crate) fn broke(&self) {
        self.tell(|told| told.is_fault = true);
    }

    /// One of its steps begins.
    pub(crate) fn step(&self, name: &'static str) -> Step<'_> {
        self.begin(name, SpanKind::Internal, None)
    }

    /// A backend is asked.
    pub(crate) fn upstream(&self, backend: &'static str) -> Step<'_> {
        self.begin("upstream", SpanKind::Client, Some(backend))
    }

    fn begin(&self, name: &'static str, kind: SpanKind, backend: Option<&'static str>) -> Step<'_> {
        Step(self.0.as_ref().map(|of| Running {
            of,
            name,
            kind,
            at: of.now(),
            backend,
            is_fault: false,
        }))
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        if let Some(began) = &self.0 {
            change(&mut began.told());
        }
    }
}

impl Began {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        self.at + self.started.elapsed()
    }

    fn send(&self, step: Ended) {
        let backend = step.backend;
        let backend = backend.map(|backend| KeyValue::new("ktrlplane.backend", backend));
        let builder = SpanBuilder::from_name(step.name)
            .with_kind(step.kind)
            .with_start_time(step.at)
            .with_attributes(backend)
            .with_status(status(step.is_fault));
        let above = Context::new().with_remote_span_context(self.own.clone());
        let mut span = self.tracer.build_with_context(builder, &above);
        span.end_with_timestamp(step.until);
    }
}

impl Drop for Began {
    fn drop(&mut self) {
        let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
        match told.wanted {
            Wanted::Yes => {}
            Wanted::No | Wanted::Asked(_) => return,
        }
        let (attributes, now) = (take(&mut told.attributes), self.at + self.started.elapsed());
        let builder = SpanBuilder::from_name(told.name)
            .with_kind(SpanKind::Server)
            .with_trace_id(self.own.trace_id())
            .with_span_id(self.own.span_id())
            .with_start_time(self.at)
            .with_attributes(attributes)
            .with_status(status(told.is_fault));
        let above = match self.parent.take() {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        self.tracer
            .build_with_context(builder, &above)
            .end_with_timestamp(now);
    }
}

impl Step<'_> {
    /// It has ended, and so.
    pub(crate) fn ended<T, E>(mut self, result: Result<T, E>) -> Result<T, E> {
        if let Some(running) = &mut self.0 {
            running.is_fault = result.is_err();
        }
        result
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let ended = Ended {
            name: self.name,
            kind: self.kind.clone(),
            at: self.at,
            until: self.of.now(),
            backend: self.backend,
            is_fault: self.is_fault,
        };
        let mut told = self.of.told();
        match &mut told.wanted {
            Wanted::No => {}
            Wanted::Asked(steps) => steps.push(ended),
            Wanted::Yes => {
                drop(told);
                self.of.send(ended);
            }
        }
    }
}

/// Without a sentence: those may quote what a caller sent.
fn status(is_fault: bool) -> Status {
    if is_fault {
        Status::Error {
            description: Cow::Borrowed(""),
        }
    } else {
        Status::Unset
    }
}
