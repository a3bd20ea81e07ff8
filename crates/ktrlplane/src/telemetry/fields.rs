//! Fields of a line, written as the library writes them without colours, but straight away.
//!
//! A request has about ten fields. The library sends each of them through styles that do nothing where
//! nobody looks at a terminal, which was a tenth of what a request costs.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// The field that is the text of an event.
const MESSAGE: &str = "message";

/// Writes `name=value`, with a space between two of them; texts as Rust's literals, and whatever is
/// not quoted without control characters, so that nothing looks like a line of its own.
pub(super) struct Plain;

impl<'w> FormatFields<'w> for Plain {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            text: String::with_capacity(USUAL),
            written: Ok(()),
        };
        fields.record(&mut line);
        line.written?;
        writer.write_str(&line.text)
    }
}

/// About how long the fields of a request are, in bytes.
const USUAL: usize = 384;

/// The fields of one line, put together before they are written: what they are written to is known
/// only when the program runs, and each call of it costs more than a field.
struct Line {
    text: String,
    written: fmt::Result,
}

impl Line {
    fn name(&mut self, field: &Field) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        // The text of an event has no name.
        if field.name() != MESSAGE {
            let name = field.name();
            self.text.push_str(name.strip_prefix("r#").unwrap_or(name));
            self.text.push('=');
        }
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        // That all bytes are looked at lets the processor look at many at once.
        let is_tricky = |byte: u8| !matches!(byte, b' '..=b'~') | matches!(byte, b'"' | b'\\');
        if field.name() == MESSAGE {
            self.record_debug(field, &format_args!("{value}"));
        } else if value
            .bytes()
            .fold(0, |any, byte| any | u8::from(is_tricky(byte)))
            != 0
        {
            self.record_debug(field, &value);
        } else {
            self.name(field);
            self.text.push('"');
            self.text.push_str(value);
            self.text.push('"');
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        let written = write!(OneLine(&mut self.text), "{value:?}");
        self.written = self.written.and(written);
    }
}

/// Escapes control characters, line ends and the beginnings of a terminal's commands among them.
struct OneLine<'a>(&'a mut String);

impl Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly all are plain, and their bytes are quicker to look at than their characters.
        let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if is_plain || !text.contains(char::is_control) {
            self.0.push_str(text);
            return Ok(());
        }
        for char in text.chars() {
            if char.is_control() {
                self.0.extend(char.escape_default());
            } else {
                self.0.push(char);
            }
        }
        Ok(())
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
