//! Whether the writer may, by what the transaction itself reads.

use policy::{Action, Place};

use super::{Actor, Write};
use crate::access::{Access, access_within};
use crate::error::DirectoryError;
use crate::manage::carry_out::Fault;
use crate::store::Transaction;

/// What carries a write.
pub(super) enum Authority {
    /// The operator's credentials.
    Operator,
    /// An assignment of the subject, and what else the subject holds there.
    Assignment(String, Access),
}

impl Authority {
    /// The assignment, for the audit.
    pub(super) fn assignment(&self) -> Option<String> {
        match self {
            Self::Operator => None,
            Self::Assignment(id, _) => Some(id.clone()),
        }
    }
}

/// Lets the operator, and a subject who may do `action` at `place`. Who may not learns nothing about
/// whether the place exists.
pub(super) async fn authorize(
    transaction: &mut Transaction<'_>,
    write: &Write,
    place: &Place,
    action: Action,
) -> Result<Authority, Fault> {
    let Actor::Subject(subject) = &write.actor else {
        return Ok(Authority::Operator);
    };
    let access = access_within(transaction, subject, place).await?;
    let carrier = access
        .decide(action, write.now)
        .map(|assignment| assignment.id.to_string())
        .map_err(|_| DirectoryError::Forbidden(format!("this needs `{action}` on {place}")))?;
    Ok(Authority::Assignment(carrier, access))
}
