//! The door through which tenants reach their own logs and metrics: one binary with a command for
//! each of its uses.

mod commands;

mod config;

mod loopback;
mod process;
mod store;
mod telemetry;

mod demo;

mod output;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match commands::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.say();
            ExitCode::from(failure.code())
        }
    }
}
