//! The binary as its users meet it: started as a process, with arguments, files and an environment
//! of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "all of this is a test, also what is not marked as one: helpers fail the test that called them"
)]

mod harness;

mod admin;
mod audit;
mod config;
mod demo;
mod embedded;

mod faults;
mod grafana;
mod health;
mod reload;
mod scope;
mod serve;
mod tail;
mod tls;
