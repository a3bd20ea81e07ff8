//! The log, on standard error.

mod fields;
mod line;
mod queue;

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt};

/// Our crates; whatever they log was looked at for secrets.
const OURS: [&str; 5] = ["ktrlplane", "gateway", "directory", "embedded", "query"];

use queue::Queue;
pub(crate) use queue::Running;

/// Starts the log. `RUST_LOG` says what is logged; without it, `default` does.
pub(crate) fn start(default: &str) {
    start_on(default, std::io::stderr);
}

/// As [`start`], of a process that logs each request: its lines are written together, by a thread
/// of their own. They are written until what this returns is dropped, and then all are.
pub(crate) fn start_busy(default: &str) -> std::io::Result<Running> {
    let queue = Queue::default();
    let running = queue.start(std::io::stderr())?;
    start_on(default, queue);
    Ok(running)
}

fn start_on<W>(default: &str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::registry()
        .with(wanted(default))
        .with(filter_fn(may_be_logged));
    let lines = fmt::layer()
        .event_format(line::Line::default())
        .with_writer(writer);
    // An error means that there is a log already.
    let _started = if std::io::stderr().is_terminal() {
        subscriber.with(lines.with_ansi(true)).try_init()
    } else {
        let lines = lines.with_ansi(false).fmt_fields(fields::Plain);
        subscriber.with(lines).try_init()
    };
}

/// What is wanted of the log: by `RUST_LOG`, or by `default` where it is not set or cannot be understood.
///
/// Targets and levels, as nearly everybody writes, are looked up once for each place that logs; what
/// is said of spans and fields besides is looked at for each request.
fn wanted<S>(default: &str) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let said = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let said = said.as_deref().filter(|said| !said.is_empty());
    if let Ok(targets) = said.unwrap_or(default).parse::<Targets>() {
        return targets.boxed();
    }
    let filter = EnvFilter::try_from_default_env();
    filter.unwrap_or_else(|_| EnvFilter::new(default)).boxed()
}

/// Libraries are heard from `info` on, whatever `RUST_LOG` says: below that they may write what
/// goes over their connections, headers and passwords with it. That of TLS is heard of its own faults
/// alone: it warns of what is wrong with a stranger's first bytes, quotes them whole, and so has whoever
/// connects write as much as they like. What becomes of a handshake is said by who asked for it.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let own = metadata.target().split("::").next().unwrap_or_default();
    let least = match own {
        "rustls" | "tokio_rustls" | "hyper_rustls" => Level::ERROR,
        own if OURS.contains(&own) => Level::TRACE,
        _ => Level::INFO,
    };
    *metadata.level() <= least
}
