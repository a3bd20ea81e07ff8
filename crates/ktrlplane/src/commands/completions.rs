//! `ktrlplane completions`: what a shell completes.

use std::io::Write as _;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Failure};

/// Print what a shell needs to complete commands and options.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane completions bash > ~/.local/share/bash-completion/completions/ktrlplane
  ktrlplane completions zsh > ~/.zfunc/_ktrlplane      # a directory of $fpath
  ktrlplane completions fish > ~/.config/fish/completions/ktrlplane.fish")]
pub(crate) struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Gathered first: the library panics where standard output is closed.
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut text);
    std::io::stdout().lock().write_all(&text)?;
    Ok(())
}
