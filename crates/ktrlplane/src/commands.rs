//! The commands, one file for each.

mod serve;

mod check;
mod config;

mod demo;
mod token;

mod scope;

use std::fmt::Display;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Layers, Problem};
use crate::output;

/// KtrlPlane Observability: the door through which tenants reach their own logs and metrics.
#[derive(Debug, Parser)]
#[command(name = "ktrlplane", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ktrlplane demo                      everything in one process, with sample data
  ktrlplane check                     is my configuration right, and do all parts answer?
  ktrlplane serve                     the gateway, in front of your Loki and Mimir
  ktrlplane scope --language promql --resource-id shop-api 'rate(http_requests_total[5m])'

`ktrlplane COMMAND --help` says more about each.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Check(check::Arguments),
    Config(config::Arguments),
    Demo(demo::Arguments),
    Token(token::Arguments),
    Scope(scope::Arguments),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// The configuration file. Without it `config.yaml` is read where it exists; the environment
    /// (`KTRLPLANE_` and the key in capitals) wins over the file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Source {
    /// All values that are given.
    fn layers(&self) -> Result<Layers, Failure> {
        // What is not UTF-8 is kept with replacement characters: the check of its value, or the
        // database, then refuses it by name, which silently leaving it out would not.
        let environment = std::env::vars_os().map(|(name, value)| {
            let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
            (lossy(name), lossy(value))
        });
        crate::config::layers(self.config.as_deref(), environment)
            .map_err(|problems| Failure::config(&problems))
    }

    /// The configuration, checked.
    fn read(&self) -> Result<Config, Failure> {
        crate::config::check(&self.layers()?).map_err(|problems| Failure::config(&problems))
    }
}

/// Where the demo keeps its things.
#[derive(Debug, Args)]
pub(crate) struct DemoDir {
    /// The demo's directory, with its key, its directory of users and its tokens.
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data_dir: PathBuf,
}

/// Why a command ends with exit code 1.
#[derive(Debug)]
pub(crate) struct Failure(Vec<String>);

impl Failure {
    /// One sentence.
    pub(crate) fn new(sentence: impl Display) -> Self {
        Self(vec![sentence.to_string()])
    }

    /// Everything was said already.
    pub(crate) fn said() -> Self {
        Self(Vec::new())
    }

    fn config(problems: &[Problem]) -> Self {
        Self(problems.iter().map(ToString::to_string).collect())
    }

    /// Says it on standard error.
    pub(crate) fn say(&self) {
        for sentence in &self.0 {
            output::error(sentence);
        }
    }
}

impl From<std::io::Error> for Failure {
    /// Standard output that is closed: who reads has what they wanted.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::said()
        } else {
            Self::new(format_args!("cannot write: {error}"))
        }
    }
}

impl Cli {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Check(arguments) => check::run(&arguments),
            Command::Config(arguments) => config::run(&arguments),
            Command::Demo(arguments) => demo::run(&arguments),
            Command::Token(arguments) => token::run(&arguments),
            Command::Scope(arguments) => scope::run(&arguments),
        }
    }
}
