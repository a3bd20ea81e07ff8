//! `ktrlplane man`: the manual, made of the definitions of the commands.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use super::{Cli, Failure};

/// Print the manual page, or write those of all commands into a directory.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane man | man -l -
  ktrlplane man --dir /usr/local/share/man/man1      # then: man ktrlplane-serve")]
pub(crate) struct Arguments {
    /// Write a page for each command into this directory, which is made where it is not there.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let command = Cli::command();
    let Some(dir) = &arguments.dir else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        std::io::stdout().lock().write_all(&page)?;
        return Ok(());
    };
    let failed = |error| Failure::new(format_args!("cannot write to {}: {error}", dir.display()));
    fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(command, dir).map_err(failed)
}
