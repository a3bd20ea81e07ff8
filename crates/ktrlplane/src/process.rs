//! What `serve` and `demo` share: runtimes, the way from a configuration to the gateway's
//! settings, and the end.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long a backend may take to begin its answer: as long as Mimir lets a query run.
pub(crate) const BACKEND_TIMEOUT: Duration = Duration::from_mins(2);

/// How long a shutdown waits for answers that are on their way. Kubernetes kills after 30 seconds.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// How long the end of the embedded backend waits for what it is still storing or answering. What it
/// acknowledged is on the disk by then.
pub(crate) const BACKEND_GRACE: Duration = Duration::from_secs(3);

/// How long the end waits for who reads a file: longer than any disk that works.
pub(crate) const READING_GRACE: Duration = Duration::from_secs(3);

/// File descriptors for everything that is no connection of a caller or for one: files of the embedded
/// backend, of which it holds 256, the database, the issuer, listeners, logs.
const OTHER_FILES: u64 = 320;

/// As many connections as are accepted where nobody says otherwise, and files permit more: at this
/// number, memory is what to think of.
const MOST_CONNECTIONS: u64 = 16_384;

/// Raises the limit on open files to what the process may raise it to, as many servers do: the lower one
/// is there for programs of old that cannot take more.
pub(crate) fn raise_file_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // If it cannot be raised, it is still what it was.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: maximum,
                maximum,
            },
        );
    }
}

/// How many file descriptors the process may have, where that is limited.
fn files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// How many connections of callers are accepted where nobody says otherwise: each may need another to a
/// backend, and what is left is for the rest of the process.
pub(crate) fn connections() -> usize {
    let most = files().map_or(MOST_CONNECTIONS, |files| {
        (files.saturating_sub(OTHER_FILES) / 2).clamp(16, MOST_CONNECTIONS)
    });
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Why so many connections may be more than the process has file descriptors for.
pub(crate) fn too_many_connections(most: usize) -> Option<String> {
    let needed = u64::try_from(most)
        .ok()?
        .saturating_mul(2)
        .saturating_add(OTHER_FILES);
    let files = files().filter(|files| *files < needed)?;
    Some(format!(
        "server.max_connections is {most}, for which {needed} open files are needed, and the process may \
         have {files}: raise the limit (ulimit -n), or lower the key"
    ))
}

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
