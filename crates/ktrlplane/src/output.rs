//! What the commands say on standard output and standard error: the only place that prints.

use std::fmt::Display;
use std::io::{self, Write as _};

/// One line on standard output. An error means that nobody reads any more (`| head`).
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// One line on standard error; one that nobody reads is no failure of the command.
pub(crate) fn note(text: impl Display) {
    let _unread = writeln!(io::stderr().lock(), "{text}");
}

/// Why a command failed, on standard error.
pub(crate) fn error(text: impl Display) {
    note(format_args!("ktrlplane: {text}"));
}
