//! Running an evaluation beside the threads that serve requests.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::limits::{EvalError, Stop};

/// Runs `work` on a thread of its own as soon as one of the permits is free. If the caller goes,
/// the work is told to end.
pub(super) async fn run<T: Send + 'static>(
    permits: Arc<Semaphore>,
    stop: Stop,
    work: impl FnOnce(&Stop) -> Result<T, EvalError> + Send + 'static,
) -> Result<T, EvalError> {
    let permit = tokio::time::timeout(stop.remaining(), permits.acquire_owned())
        .await
        .map_err(|_| EvalError::Timeout)?
        .map_err(|_| EvalError::Canceled)?;
    let _guard = stop.cancel_on_drop();
    let running = tokio::task::spawn_blocking(move || {
        // The permit goes back when the work ends, and not when the caller went.
        let _permit = permit;
        work(&stop)
    });
    running.await.map_err(|error| {
        tracing::error!(%error, "an evaluation broke off");
        EvalError::Execution("the evaluation broke off".to_owned())
    })?
}
