//! Running an evaluation beside the threads that serve requests.

use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use crate::limits::{EvalError, Stop};

/// Stack of an evaluation's thread: enough for the deepest query that the parsers take, in a build
/// without optimization. Only what is used of it takes memory.
const STACK_SIZE: usize = 64 << 20;

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
    let (done, result) = oneshot::channel();
    spawn("query", move || {
        let result = work(&stop);
        // The permit goes back when the work ends, and not when the caller went.
        drop(permit);
        // Nobody may wait for the result any more.
        let _ = done.send(result);
    })?;
    result.await.map_err(|_| {
        tracing::error!("an evaluation broke off");
        EvalError::Internal
    })?
}

/// Runs `work` on a thread of its own, with the stack that an evaluation needs.
pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), EvalError> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_SIZE)
        .spawn(work)
        .map(drop)
        .map_err(|error| {
            tracing::error!(%error, "no thread for an evaluation");
            EvalError::Internal
        })
}
