//! The order in which a write happens, and happens again after a race.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::record::Done;
use super::{Operation, Write, change, idempotency, trail};
use crate::change::Change;
use crate::error::{DirectoryError, Failure};
use crate::store::{Store, Transaction};

/// How often a write that lost a race begins again.
const MAX_ATTEMPTS: u32 = 50;

/// Why a transaction did not come to its end.
pub(super) enum Fault {
    /// The database did not do it.
    Failed(Failure),
    /// It must not be.
    Refused(DirectoryError),
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<DirectoryError> for Fault {
    fn from(error: DirectoryError) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for DirectoryError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Failed(failure) => failure.into(),
            Fault::Refused(error) => error,
        }
    }
}

/// What an operation did, and where.
#[derive(Default)]
pub(super) struct Effect {
    /// The record's JSON and its entity tag.
    pub(super) record: Option<(String, String)>,
    /// The assignment that carried it.
    pub(super) assignment: Option<String>,
    /// Where the audit files it.
    pub(super) organization: Option<String>,
    /// The second organization that it is about, of a project that moves.
    pub(super) joins: Option<String>,
    pub(super) project: Option<String>,
    pub(super) resource: Option<String>,
    /// What the operation named otherwise, or not at all, for the audit.
    pub(super) found: Vec<(&'static str, String)>,
    pub(super) changes: Vec<Change>,
}

/// Carries a write out, once. What it may have changed is in `changes` afterwards, also where it is
/// not known whether the write happened.
pub(super) async fn carry_out(
    store: &Store,
    write: &Write,
    operation: &Operation,
    changes: &mut Vec<Change>,
) -> Result<Done, DirectoryError> {
    let deadline = store.deadline();
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut transaction = store.begin(deadline).await?;
        let fault = match in_order(&mut transaction, write, operation).await {
            Ok((done, changed)) => {
                *changes = changed;
                match transaction.commit().await {
                    Ok(()) => return Ok(done),
                    Err(failure) => Fault::Failed(failure),
                }
            }
            Err(fault) => {
                changes.clear();
                transaction.roll_back().await;
                fault
            }
        };
        match &fault {
            Fault::Failed(failure) if failure.is_a_race() && attempt < MAX_ATTEMPTS => {
                let pause = pause(attempt);
                if Instant::now() + pause >= deadline {
                    return Err(DirectoryError::Unavailable(
                        "too many others write the same: nothing was written".to_owned(),
                    ));
                }
                sleep(pause).await;
            }
            Fault::Failed(_) | Fault::Refused(_) => return Err(fault.into()),
        }
    }
}

async fn in_order(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
) -> Result<(Done, Vec<Change>), Fault> {
    if let Some(done) = idempotency::recall(transaction, write, operation).await? {
        return Ok((done, Vec::new()));
    }
    // Authority, `If-Match`, the rules and the change, in this order.
    let effect = change::change(transaction, write, operation).await?;
    trail::record(transaction, write, operation, &effect).await?;
    let (json, etag) = effect.record.unzip();
    let done = Done {
        json,
        etag,
        replayed: false,
        assignment: effect.assignment,
    };
    idempotency::remember(transaction, write, operation, &done).await?;
    Ok((done, effect.changes))
}

/// Longer from time to time, and not the same for two who met: up to 2, 4, … 64 ms.
fn pause(attempt: u32) -> Duration {
    let most = 1_u64 << attempt.min(6);
    // The last bits of such an id are random.
    let dice = u64::try_from(Uuid::now_v7().as_u128() & 0xffff).unwrap_or_default();
    Duration::from_micros(most * 1000 * dice / 0xffff)
}
