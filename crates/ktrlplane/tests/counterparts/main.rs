//! The product against real counterparts: an identity provider, Prometheus, PostgreSQL, and a Loki
//! if one is named in `KTRLPLANE_TEST_LOKI_URL`.
//!
//! Every test starts what it needs on free ports of loopback and in a directory of its own, runs
//! the real binary in front of it, and asks over HTTP as a customer does. Nothing outlives its
//! test. A counterpart that is not installed is said in a sentence; with `CI=true` it is a failure.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "all of this is tests, helpers included"
)]

mod http;
#[path = "../../../directory/tests/support/postgres.rs"]
mod postgres;
mod process;
#[path = "../../../directory/tests/support/theirs.rs"]
mod theirs;

mod demo;
mod forwarder;
mod gateway;
mod issuer;
mod prometheus;
mod python;
mod world;

mod data_frame;
mod database;
mod failing;
mod foreign;
mod identity;
mod logs;
mod metrics;
mod openapi;
mod otlp;
mod promtool;
mod replicas;
mod senders;
mod telemetry;
