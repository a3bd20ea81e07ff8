//! Fields of a line, written as the library writes them without colours, but straight away.
//!
//! A request has about ten fields. The library sends each of them through styles that do nothing where
//! nobody looks at a terminal, which was a tenth of what a request costs.

use std::fmt::{self, Debug, Write};
use std::ops::BitOr;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Writes `name=value`, with a space between two of them; texts as Rust's literals, and whatever is
/// not quoted without control characters, so that nothing looks like a line of its own.
pub(super) struct Plain;

impl<'w> FormatFields<'w> for Plain {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            is_first: true,
            written: Ok(()),
        };
        fields.record(&mut line);
        line.written
    }
}

/// The fields of one line on their way.
struct Line<'w> {
    writer: Writer<'w>,
    is_first: bool,
    written: fmt::Result,
}

impl Line<'_> {
    /// Writes a field, unless one before it could not be written.
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.written.is_ok() {
            self.written = self.try_write(field.name(), value);
        }
    }

    fn try_write(
        &mut self,
        name: &str,
        value: impl FnOnce(&mut Writer<'_>) -> fmt::Result,
    ) -> fmt::Result {
        if !self.is_first {
            self.writer.write_char(' ')?;
        }
        self.is_first = false;
        // The text of an event has no name.
        if name != "message" {
            self.writer
                .write_str(name.strip_prefix("r#").unwrap_or(name))?;
            self.writer.write_char('=')?;
        }
        value(&mut self.writer)
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_tricky = |byte: u8| !matches!(byte, b' '..=b'~') | matches!(byte, b'"' | b'\\');
        if field.name() == "message" {
            self.record_debug(field, &format_args!("{value}"));
        } else if !value.bytes().map(is_tricky).fold(false, BitOr::bitor) {
            self.write(field, |writer| {
                writer.write_char('"')?;
                writer.write_str(value)?;
                writer.write_char('"')
            });
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let mut digits = itoa::Buffer::new();
        self.write(field, |writer| writer.write_str(digits.format(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |writer| write!(OneLine(writer), "{value:?}"));
    }
}

/// Escapes control characters, line ends and the beginnings of a terminal's commands among them.
struct OneLine<'a, 'w>(&'a mut Writer<'w>);

impl Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all are plain, and their bytes are quicker to look at than their characters.
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_plain || !text.contains(char::is_control) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|char| {
            if char.is_control() {
                write!(self.0, "{}", char.escape_default())
            } else {
                self.0.write_char(char)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::format::DefaultFields;
    use tracing_subscriber::fmt::{self, FormatFields};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::Plain;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged with these fields.
    fn logged<F>(fields: F, shown: &str) -> String
    where
        F: for<'w> FormatFields<'w> + Send + Sync + 'static,
    {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer()
            .with_ansi(false)
            .without_time()
            .fmt_fields(fields)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for text in [
                "auth0|victor",
                "",
                "a \"b\" = c",
                "line\nforged=1",
                "\\",
                "é\u{202e}\u{7f}\u{1b}[2J",
            ] {
                let span = tracing::error_span!(
                    "request",
                    subject = tracing::field::Empty,
                    reason = tracing::field::Empty,
                    id = text
                );
                span.record("subject", text);
                span.record("reason", Some(text));
                span.in_scope(|| {
                    tracing::error!(
                        status = 200_u16,
                        took = 12_u128,
                        is = true,
                        r#type = 0.5,
                        "said"
                    );
                    tracing::error!(%shown, debug = ?text, "said {text:?} and {shown}");
                });
            }
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_is_what_the_library_writes_and_no_text_looks_like_more_than_it_is() {
        let lines = logged(Plain, "caf\u{e9} = \"1\"");
        assert_eq!(lines, logged(DefaultFields::new(), "caf\u{e9} = \"1\""));
        // What is not quoted is not trusted either.
        let lines = logged(Plain, "a\nforged\u{1b}[2J\u{9b}2J\r");
        assert_eq!(lines.lines().count(), 12, "{lines}");
        assert!(!lines.contains(|char: char| char != '\n' && char.is_control()));
    }
}
