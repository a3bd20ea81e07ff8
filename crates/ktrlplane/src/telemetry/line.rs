//! A line of the log: time, level, the request, where it comes from, text and fields.

use std::fmt;

use gateway::clock::stamp::Stamp;
use gateway::request_id;
use jiff::Timestamp;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// The target of what comes by way of the crate `log`, whose own target is among its fields.
const FROM_LOG: &str = "log";

/// Writes lines as the library does, but straight away, and with the id of the request that they are
/// about, which is in no span.
#[derive(Default)]
pub(super) struct Line {
    standard: Format,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        if metadata.target() == FROM_LOG {
            return self.standard.format_event(context, writer, event);
        }
        dim(&mut writer, Stamp::of(Timestamp::now()).as_str())?;
        writer.write_char(' ')?;
        level(&mut writer, *metadata.level())?;
        writer.write_char(' ')?;
        let request = request_id::with_current(|id| {
            writer.write_str("request{request_id=\"")?;
            writer.write_str(id)?;
            writer.write_str("\"}: ")
        });
        request.unwrap_or(Ok(()))?;
        // Those of libraries; ours have none.
        if let Some(spans) = context.event_scope() {
            for span in spans.from_root() {
                writer.write_str(span.metadata().name())?;
                let extensions = span.extensions();
                let fields = extensions.get::<FormattedFields<N>>();
                if let Some(fields) = fields.filter(|fields| !fields.is_empty()) {
                    writer.write_char('{')?;
                    writer.write_str(fields)?;
                    writer.write_char('}')?;
                }
                writer.write_char(':')?;
            }
            writer.write_char(' ')?;
        }
        dim(&mut writer, metadata.target())?;
        writer.write_str(": ")?;
        context.format_fields(writer.by_ref(), event)?;
        writer.write_char('\n')
    }
}

/// Writes what is looked at less, where there are colours.
fn dim(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    if !writer.has_ansi_escapes() {
        return writer.write_str(text);
    }
    writer.write_str("\u{1b}[2m")?;
    writer.write_str(text)?;
    writer.write_str("\u{1b}[0m")
}

/// Writes the level, all of the same width.
fn level(writer: &mut Writer<'_>, level: Level) -> fmt::Result {
    let (colour, text) = match level {
        Level::ERROR => ("\u{1b}[31m", "ERROR"),
        Level::WARN => ("\u{1b}[33m", " WARN"),
        Level::INFO => ("\u{1b}[32m", " INFO"),
        Level::DEBUG => ("\u{1b}[34m", "DEBUG"),
        Level::TRACE => ("\u{1b}[35m", "TRACE"),
    };
    if !writer.has_ansi_escapes() {
        return writer.write_str(text);
    }
    writer.write_str(colour)?;
    writer.write_str(text)?;
    writer.write_str("\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::{self, MakeWriter};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::telemetry::fields::Plain;

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

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// What is logged, each line without its time, of which the length is checked.
    fn logged(subscriber: impl Subscriber + Send + Sync, lines: &Lines) -> Vec<String> {
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(status = 200_u16, who = "a\nb=\"c\"", "answered");
            let outer = tracing::error_span!("outer", a = 1).entered();
            let _inner = tracing::error_span!("inner").entered();
            tracing::warn!(target: "elsewhere", "said {}", 1);
            tracing::info!(none = Option::<&str>::None, some = Some(7_usize));
            tracing::debug!("d");
            tracing::trace!("t");
            drop(outer);
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| {
            let (time, line) = line.split_once(' ').unwrap();
            assert!(
                time.parse::<Timestamp>().is_ok() && time.len() == 27,
                "{time}"
            );
            line.to_owned()
        });
        lines.collect()
    }

    #[test]
    fn a_line_is_what_the_library_writes() {
        let (ours, theirs) = (Lines::default(), Lines::default());
        let layer = || fmt::layer().with_ansi(false);
        let own = layer()
            .event_format(Line::default())
            .fmt_fields(Plain)
            .with_writer(ours.clone());
        let library = layer().with_writer(theirs.clone());
        assert_eq!(
            logged(tracing_subscriber::registry().with(own), &ours),
            logged(tracing_subscriber::registry().with(library), &theirs)
        );
    }
}
