//! The log, on standard error.

mod fields;
mod level;
mod line;
mod queue;

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

/// Our crates; whatever they log was looked at for secrets.
const OURS: [&str; 5] = ["ktrlplane", "gateway", "directory", "embedded", "query"];

use level::Level as Changing;
use queue::{Queue, Running};

/// The log of a process that runs for long.
pub(crate) struct Log {
    level: Option<Changing>,
    /// Writes what waits when it is dropped.
    _running: Running,
}

impl Log {
    /// Logs this from now on. `RUST_LOG`, where it is set, still says what is logged.
    pub(crate) fn set(&self, targets: Targets) {
        if let Some(level) = &self.level {
            level.set(targets);
        }
        self.warn_of_the_environment();
    }

    /// For who gives `log.level`: something else may say what is logged.
    pub(crate) fn warn_of_the_environment(&self) {
        if self.level.is_none() {
            tracing::warn!(
                "RUST_LOG says what is logged: log.level takes effect after a start without it"
            );
        }
    }
}

/// Starts the log. `RUST_LOG` says what is logged; without it, `default` does.
pub(crate) fn start(default: &str) {
    let without = || EnvFilter::new(default).boxed();
    let said = Said::by_the_environment();
    let wanted = said.filter.unwrap_or_else(without);
    start_on(wanted, std::io::stderr);
    warn_of(said.wrong);
}

/// As [`start`], of a process that logs each request: its lines are written together, by a thread
/// of their own. They are written until what this returns is dropped, and then all are. What is logged by
/// `targets` may change meanwhile.
pub(crate) fn start_busy(targets: Targets) -> std::io::Result<Log> {
    let queue = Queue::default();
    let running = queue.start(std::io::stderr())?;
    let said = Said::by_the_environment();
    let level = if let Some(wanted) = said.filter {
        start_on(wanted, queue);
        None
    } else {
        let level = Changing::new(targets);
        start_on(level.layer().boxed(), queue);
        Some(level)
    };
    warn_of(said.wrong);
    Ok(Log {
        level,
        _running: running,
    })
}

fn warn_of(wrong: Option<ParseError>) {
    if let Some(error) = wrong {
        tracing::warn!(%error, "RUST_LOG cannot be understood, and what is logged is as without it");
    }
}

fn start_on<W>(wanted: Box<dyn Layer<Registry> + Send + Sync>, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let subscriber = tracing_subscriber::registry()
        .with(wanted)
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

/// What `RUST_LOG` says.
#[derive(Default)]
struct Said {
    /// Nothing where it is not set, or cannot be understood.
    filter: Option<Box<dyn Layer<Registry> + Send + Sync>>,
    wrong: Option<ParseError>,
}

impl Said {
    /// Targets and levels, as nearly everybody writes, are looked up once for each place that logs; what
    /// is said of spans and fields besides is looked at for each request.
    fn by_the_environment() -> Self {
        let said = std::env::var_os(EnvFilter::DEFAULT_ENV).unwrap_or_default();
        let said = said.to_string_lossy();
        if said.is_empty() {
            return Self::default();
        }
        if let Ok(targets) = said.parse::<Targets>() {
            return targets.boxed().into();
        }
        match EnvFilter::try_new(&*said) {
            Ok(filter) => filter.boxed().into(),
            Err(error) => Self {
                filter: None,
                wrong: Some(error),
            },
        }
    }
}

impl From<Box<dyn Layer<Registry> + Send + Sync>> for Said {
    fn from(filter: Box<dyn Layer<Registry> + Send + Sync>) -> Self {
        Self {
            filter: Some(filter),
            wrong: None,
        }
    }
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
