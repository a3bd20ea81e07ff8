//! The gateway from outside: over TCP, with a directory, an issuer and backends around it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this is a test, and a test that cannot go on fails"
)]

mod harness;

mod requests;

mod headers;

mod openapi;

mod explore;

mod parameters;

mod surface;

mod identity;

mod keys;

mod permissions;
mod places;

mod matrix;

mod errors;

mod answers;

mod raw;

mod limits;

mod writes;

mod tail;

mod management;

mod backends;

mod bounds;
mod broken;

mod connections;

mod reuse;

mod upstreams;

mod probes;

mod certificates;

mod listener;

mod health;

mod lifecycle;
mod reload;

mod secrets;

mod audit;
mod metrics;
mod traces;
