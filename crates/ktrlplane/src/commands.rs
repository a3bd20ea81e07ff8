//! The commands, one file for each.

mod serve;

mod check;
mod config;
mod health;

mod admin;

mod demo;
mod token;

mod scope;

mod completions;
mod man;
mod version;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use gateway::ListenerTls;
use jiff::SignedDuration;

use crate::config::{Config, Database, Layers, Origin, Problem};
use crate::output;

/// KtrlPlane Observability: the door through which tenants send and read their own logs and metrics.
#[derive(Debug, Parser)]
#[command(name = "ktrlplane", version, long_version = version::long(), after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = concat!(
    "\
Examples:
  ktrlplane demo                      everything in one process, with sample data
  ktrlplane check                     is my configuration right, and do all parts answer?
  ktrlplane serve                     the gateway, in front of your Loki and Mimir
  ktrlplane health                    is the gateway that runs here healthy?
  ktrlplane admin --help              who may read and write what: organizations, projects, resources, roles
  ktrlplane scope --language promql --resource-id shop-api 'rate(http_requests_total[5m])'

`ktrlplane COMMAND --help` says more about each. All pages, for tenants, operators and contributors:
",
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/README.md"
);

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Check(check::Arguments),
    Health(health::Arguments),
    Admin(admin::Arguments),
    Config(config::Arguments),
    Demo(demo::Arguments),
    Token(token::Arguments),
    Scope(scope::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct Source {
    /// The configuration file. Without it `config.yaml` is read where it exists; the environment
    /// (`KTRLPLANE_` and the key in capitals) wins over the file.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl Source {
    /// The file that is named.
    fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// All values that are given.
    fn layers(&self) -> Result<Layers, Failure> {
        crate::config::layers(self.file(), environment())
            .map_err(|problems| Failure::config(&problems))
    }

    /// All values that are given now, where `before` was read before.
    fn layers_again(&self, before: Option<&Origin>) -> Result<Layers, Failure> {
        crate::config::layers_again(self.file(), before, environment())
            .map_err(|problems| Failure::config(&problems))
    }

    /// The part of the configuration that says where the directory is. The rest may be missing, but
    /// where there is no configuration at all, the default is nobody's database.
    fn database(&self) -> Result<Database, Failure> {
        let layers = self.layers()?;
        let is_given = crate::config::has_database(&layers);
        if !is_given && layers.origin().is_none() {
            return Err(Failure::new(
                "no database is configured: give --config, or KTRLPLANE_DATABASE_URL",
            ));
        }
        crate::config::check_database(&layers).map_err(|problems| Failure::config(&problems))
    }

    /// The part of the configuration that says where the gateway listens, and how. The rest may be missing.
    fn listener(&self) -> Result<(SocketAddr, Option<ListenerTls>), Failure> {
        let layers = self.layers()?;
        crate::config::check_listener(&layers).map_err(|problems| Failure::config(&problems))
    }

    /// The configuration, checked.
    fn read(&self) -> Result<Config, Failure> {
        Self::check(&self.layers()?)
    }

    /// What `layers` come to. Where they lack something and no file was read, that is mostly why.
    fn check(layers: &Layers) -> Result<Config, Failure> {
        crate::config::check(layers).map_err(|problems| {
            let mut failure = Failure::config(&problems);
            if layers.origin().is_none() {
                failure.sentences.push(
                    "no configuration file was read: there is no config.yaml in the working \
                     directory; --config FILE names another"
                        .to_owned(),
                );
            }
            failure
        })
    }
}

/// What is not UTF-8 is kept with replacement characters: the check of its value, or the database, then
/// refuses it by name, which silently leaving it out would not.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        (lossy(name), lossy(value))
    })
}

/// A time of the command line that is longer than none.
fn time(text: &str) -> Result<Duration, String> {
    let duration = text.parse::<SignedDuration>().ok();
    duration
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "expected a time such as 30s, 5m or 1h".to_owned())
}

/// Where the demo keeps its things.
#[derive(Debug, Args)]
pub(crate) struct DemoDir {
    /// The demo's directory, with its key, its directory of users and its tokens.
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    data_dir: PathBuf,
}

/// Why a command does not end with exit code 0.
#[derive(Debug)]
pub(crate) struct Failure {
    sentences: Vec<String>,
    code: u8,
}

/// Something is wrong, and the sentence says what. A command line that is wrong is a 2.
const WRONG: u8 = 1;

impl Failure {
    /// One sentence.
    pub(crate) fn new(sentence: impl Display) -> Self {
        Self {
            sentences: vec![sentence.to_string()],
            code: WRONG,
        }
    }

    /// Everything was said already.
    pub(crate) fn said() -> Self {
        Self {
            sentences: Vec::new(),
            code: WRONG,
        }
    }

    /// The same with another exit code.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    fn config(problems: &[Problem]) -> Self {
        Self {
            sentences: problems.iter().map(ToString::to_string).collect(),
            code: WRONG,
        }
    }

    /// Says it on standard error.
    pub(crate) fn say(&self) {
        for sentence in &self.sentences {
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
            Command::Health(arguments) => health::run(&arguments),
            Command::Admin(arguments) => admin::run(arguments),
            Command::Config(arguments) => config::run(&arguments),
            Command::Demo(arguments) => demo::run(&arguments),
            Command::Token(arguments) => token::run(&arguments),
            Command::Scope(arguments) => scope::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments),
            Command::Man(arguments) => man::run(&arguments),
        }
    }
}
