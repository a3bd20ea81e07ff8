//! What `serve` and `demo` share: runtimes, the way from a configuration to the gateway's
//! settings, and the end.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

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

/// The wish that the process should end, by Ctrl-C or by whoever supervises it.
pub(crate) struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    /// From here on such a wish is heard by [`End::wished`], and does not kill the process. So this
    /// comes before anybody is told that the process is ready, and after what may take long.
    pub(crate) fn listen(runtime: &Runtime) -> Result<Self, std::io::Error> {
        let _in_runtime = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for it.
    pub(crate) async fn wished(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
