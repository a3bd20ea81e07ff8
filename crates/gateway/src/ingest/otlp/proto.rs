//! The messages of OTLP 1.x (packages `opentelemetry.proto.*.v1`), which have a form in protobuf and
//! one in JSON.
//!
//! Where the protocol says "one of", there are several optional fields here, which look the same
//! in both forms. Enumerations are numbers, whose values are the backend's to know. Floating-point
//! numbers are optional although some of the protocol's are not, so that no negative zero is lost.

pub(crate) mod common;
pub(crate) mod logs;
pub(crate) mod metrics;
