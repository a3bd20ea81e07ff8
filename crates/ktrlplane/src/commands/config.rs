//! `ktrlplane config`: what holds, and who gave it.

use clap::Args;

use super::{Failure, Source};
use crate::output;

/// Print the effective configuration, with the source of each value.
///
/// It is a `config.yaml` of the same meaning, but for the secrets, which are masked.
///
/// What is wrong is said on standard error, and the exit code is then 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane config
  KTRLPLANE_SERVER_PORT=9090 ktrlplane config --config /etc/ktrlplane/config.yaml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let layers = arguments.source.layers()?;
    output::line(crate::config::show(&layers))?;
    Source::check(&layers)?;
    Ok(())
}
