//! The door through which tenants reach their own logs and metrics: one binary with a command for
//! each of its uses.

mod commands;

mod config;

mod loopback;
mod page;
mod process;
mod store;
mod telemetry;

mod demo;

mod output;

use std::process::ExitCode;

use clap::Parser as _;

/// It counts what each thread holds, by which the embedded backend ends a query that holds too much.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.say();
            ExitCode::from(failure.code())
        }
    }
}
