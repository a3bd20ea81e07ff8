//! The log, on standard error.

mod queue;

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

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
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let lines = fmt::layer()
        .with_writer(writer)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(wanted)
        .with_filter(filter_fn(may_be_logged));
    // An error means that there is a log already.
    let _started = tracing_subscriber::registry().with(lines).try_init();
}

/// Libraries are heard from `info` on, whatever `RUST_LOG` says: below that they may write what
/// goes over their connections, headers and passwords with it.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let own = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&own) || *metadata.level() <= Level::INFO
}
