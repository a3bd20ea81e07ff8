//! The keys of traces.

use super::{Key, key};

pub(super) const TRACES: [Key; 3] = [
    key(
        "traces.endpoint",
        None,
        "an http or https URL without credentials, query or fragment that takes OTLP over HTTP, such as \
         \"http://collector:4318\"; without it there are no traces",
    ),
    key(
        "traces.sample_ratio",
        Some("0.1"),
        "a number from 0 to 1: which part of the requests is traced whose caller has not decided it",
    ),
    key(
        "traces.callers_decide",
        Some("true"),
        "true or false: whether an authenticated caller's traceparent decides if its request is traced",
    ),
];
