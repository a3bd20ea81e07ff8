//! Repeated writes: the same key by the same actor gets the same answer, once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::carry_out::Fault;
use super::record::Done;
use super::row::{hash, json};
use super::{Actor, Operation, Write, trail};
use crate::error::DirectoryError;
use crate::statements::{read_text, write_expiry};
use crate::store::{Store, Transaction};

/// How long an answer is kept.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    json: Option<String>,
    etag: Option<String>,
    assignment: Option<String>,
}

/// The answer to this write, if it has already happened.
pub(super) async fn recall(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
) -> Result<Option<Done>, Fault> {
    let Some(key) = &write.idempotency_key else {
        return Ok(None);
    };
    let statement = transaction.store().changing().recall;
    let rows = transaction
        .fetch::<(String, String, String)>(statement, &[Some(actor(write)), Some(key)])
        .await?;
    let Some((fingerprint, answer, created_at)) = rows.into_iter().next() else {
        return Ok(None);
    };
    let is_kept = read_text(&created_at)
        .is_some_and(|created_at| write.now.duration_since(created_at) < KEPT);
    if !is_kept {
        return Ok(None);
    }
    if fingerprint != fingerprint_of(operation)? {
        return Err(DirectoryError::KeyReused.into());
    }
    let answer: Answer = serde_json::from_str(&answer).map_err(|_| {
        DirectoryError::Unavailable("a kept answer cannot be read: it was changed".to_owned())
    })?;
    Ok(Some(Done {
        json: answer.json,
        etag: answer.etag,
        replayed: true,
        assignment: answer.assignment,
    }))
}

/// Keeps the answer to a write that has a key.
pub(super) async fn remember(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
    done: &Done,
) -> Result<(), Fault> {
    let Some(key) = &write.idempotency_key else {
        return Ok(());
    };
    let answer = Answer {
        json: done.json.clone(),
        etag: done.etag.clone(),
        assignment: done.assignment.clone(),
    };
    let (fingerprint, answer) = (fingerprint_of(operation)?, json(&answer)?);
    let now = write_expiry(write.now);
    let arguments = [
        Some(actor(write)),
        Some(key),
        Some(&*fingerprint),
        Some(&*answer),
        now.as_deref(),
    ];
    let statement = transaction.store().changing().remember;
    transaction.execute(statement, &arguments).await?;
    Ok(())
}

/// Drops the answers that are no longer kept. Not part of any write, which it would only hinder.
pub(super) async fn forget(store: &Store, now: Timestamp) {
    let Some(oldest) = now.checked_sub(KEPT).ok().and_then(write_expiry) else {
        return;
    };
    let arguments = [Some(&*oldest)];
    if let Err(failure) = store.execute(store.changing().forget, &arguments).await {
        tracing::warn!(error = ?failure, "old answers to repeated writes stay for now");
    }
}

fn actor(write: &Write) -> &str {
    match &write.actor {
        // No subject is empty.
        Actor::Operator => "",
        Actor::Subject(subject) => subject.as_str(),
    }
}

fn fingerprint_of(operation: &Operation) -> Result<String, DirectoryError> {
    Ok(hash(&json(&trail::whole(operation))?))
}
