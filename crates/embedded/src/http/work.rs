//! Running an evaluation beside the threads that serve requests.

use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

use super::places::Places;
use crate::limits::{EvalError, Stop};

/// Stack of an evaluation's thread: enough for the deepest query that the parsers take, in a build
/// without optimization. Only what is used of it takes memory.
const STACK_SIZE: usize = 64 << 20;

/// Runs `work` on a thread of its own as soon as there is a place for the tenant. If the caller
/// goes, the work is told to end.
pub(super) async fn run<T: Send + 'static>(
    places: &Arc<Places>,
    tenant: &str,
    stop: Stop,
    work: impl FnOnce(&Stop) -> Result<T, EvalError> + Send + 'static,
) -> Result<T, EvalError> {
    let place = places.take(tenant, stop.remaining()).await?;
    let _guard = stop.cancel_on_drop();
    let (done, result) = oneshot::channel();
    spawn("query", move || {
        let result = work(&stop);
        // The place is free when the work has ended, and not when the caller went.
        drop(place);
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
