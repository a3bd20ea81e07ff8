//! What is open on one thread: connections, and the tails that some of them have become. A shutdown
//! tells them, and waits for them.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Everything that is open on one thread.
pub(crate) struct Open {
    stopping: watch::Sender<bool>,
    draining: AtomicBool,
}

/// Held by each that is open, for as long as it is.
#[derive(Clone)]
pub(crate) struct Held(watch::Receiver<bool>);

impl Open {
    pub(crate) fn new() -> Self {
        let (stopping, _) = watch::channel(false);
        Self {
            stopping,
            draining: AtomicBool::new(false),
        }
    }

    /// One more. After a stop it is told at once.
    pub(crate) fn hold(&self) -> Held {
        Held(self.stopping.subscribe())
    }

    /// From here on callers are asked, with each answer, to close their connections.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether they are.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Tells all to end, and waits until they have. A connection that becomes a tail meanwhile is held
    /// by it before it lets go itself.
    pub(crate) async fn shutdown(&self) {
        self.stopping.send_replace(true);
        self.stopping.closed().await;
    }
}

impl Held {
    /// Waits for the stop.
    pub(crate) async fn stop(&mut self) {
        // An error means that the thread is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
