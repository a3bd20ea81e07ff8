//! What `serve` and `demo` share: runtimes, the way from a configuration to the gateway's
//! settings, and the end.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// How long a backend may take to begin its answer: as long as Mimir lets a query run.
pub(crate) const BACKEND_TIMEOUT: Duration = Duration::from_mins(2);

/// How long a shutdown waits for answers that are on their way. Kubernetes kills after 30 seconds.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// How long the end of the embedded backend waits for what it is still storing or answering. What it
/// acknowledged is on the disk by then.
pub(crate) const BACKEND_GRACE: Duration = Duration::from_secs(3);

/// A runtime for everything beside the request path: the directory, the issuer's keys, or the
/// embedded backend.
pub(crate) fn runtime(name: &str) -> Result<Runtime, std::io::Error> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
}

/// Waits until the process is asked to end, by Ctrl-C or by whoever supervises it.
pub(crate) async fn asked_to_end() -> Result<(), std::io::Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
