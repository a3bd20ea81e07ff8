//! What each operation needs, checks and changes.

mod assignment;

mod organization;

mod project;

mod resource;

use super::carry_out::{Effect, Fault};
use super::{Actor, IfMatch, Operation, Write};
use crate::error::DirectoryError;
use crate::statements::write_expiry;
use crate::store::Transaction;
use policy::{Place, Scope};

pub(super) use assignment::{place_of_assignment, place_of_scope};

/// How many resources go at once with what holds them.
const MAX_CASCADE: i64 = 10_000;

/// Does the operation, if the writer may and the rules permit it.
pub(super) async fn change(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
) -> Result<Effect, Fault> {
    match operation {
        Operation::CreateOrganization { id, name } => {
            organization::create(transaction, write, id, name).await
        }
        Operation::UpdateOrganization { id, name } => {
            organization::update(transaction, write, id, name).await
        }
        Operation::DeleteOrganization { id, cascade } => {
            organization::delete(transaction, write, id, *cascade).await
        }
        Operation::CreateProject {
            id,
            organization,
            name,
        } => project::create(transaction, write, id, organization.as_ref(), name).await,
        Operation::UpdateProject {
            id,
            name,
            organization,
        } => {
            let (name, organization) = (name.as_deref(), organization.as_ref());
            project::update(transaction, write, id, name, organization).await
        }
        Operation::DeleteProject { id, cascade } => {
            project::delete(transaction, write, id, *cascade).await
        }
        Operation::CreateResource { .. } => resource::create(transaction, write, operation).await,
        Operation::UpdateResource { .. } => resource::update(transaction, write, operation).await,
        Operation::DeleteResource { project, id } => {
            resource::delete(transaction, write, project, id).await
        }
        Operation::Grant { .. } => assignment::grant(transaction, write, operation).await,
        Operation::Withdraw { place, assignment } => {
            assignment::withdraw(transaction, write, place, assignment).await
        }
        Operation::FreeId { place } => free(transaction, write, place).await,
    }
}

/// Lets an id be used again.
async fn free(
    transaction: &mut Transaction<'_>,
    write: &Write,
    place: &Place,
) -> Result<Effect, Fault> {
    if write.actor != Actor::Operator {
        return Err(DirectoryError::Forbidden(
            "only the operator frees an id that was used".to_owned(),
        )
        .into());
    }
    nothing_to_match(write)?;
    if matches!(place.scope(), Scope::Resource(_)) {
        return Err(DirectoryError::Invalid(
            "the ids of resources are free as soon as the resource is gone".to_owned(),
        )
        .into());
    }
    let scope = place.scope();
    let arguments = [Some(scope.scope_type()), Some(scope.id())];
    let unbury = transaction.store().changing().unbury;
    if transaction.execute(unbury, &arguments).await? == 0 {
        return Err(missing(&format!("{place} that is gone")));
    }
    let id = Some(scope.id().to_owned());
    let (organization, project) = match place {
        Place::Organization(_) => (id, None),
        Place::Project(_) | Place::Resource(..) => (None, id),
    };
    Ok(Effect {
        organization,
        project,
        ..Effect::default()
    })
}

/// Whether a statement finds anything.
async fn finds(
    transaction: &mut Transaction<'_>,
    statement: &'static str,
    arguments: &[Option<&str>],
) -> Result<bool, Fault> {
    let rows = transaction.fetch::<(i32,)>(statement, arguments).await?;
    Ok(!rows.is_empty())
}

/// Refuses an id that is gone.
async fn refuse_buried(transaction: &mut Transaction<'_>, place: &Place) -> Result<(), Fault> {
    let scope = place.scope();
    let is_buried = transaction.store().changing().is_buried;
    let arguments = [Some(scope.scope_type()), Some(scope.id())];
    if finds(transaction, is_buried, &arguments).await? {
        return Err(DirectoryError::Conflict(format!(
            "there was {place}, and ids are never used again: choose another one"
        ))
        .into());
    }
    Ok(())
}

fn missing(what: &str) -> Fault {
    DirectoryError::NotFound(format!("there is no {what}")).into()
}

fn existing(what: &str) -> Fault {
    DirectoryError::AlreadyExists(format!("there is already {what}")).into()
}

/// Holds the write's condition against the record's tag.
fn match_tag(write: &Write, tag: &str) -> Result<(), DirectoryError> {
    let holds = match &write.if_match {
        None | Some(IfMatch::Any) => true,
        Some(IfMatch::Tags(tags)) => tags.iter().any(|given| given == tag),
    };
    if holds {
        Ok(())
    } else {
        Err(DirectoryError::PreconditionFailed)
    }
}

/// A condition on what is yet to be made never holds.
fn nothing_to_match(write: &Write) -> Result<(), DirectoryError> {
    match write.if_match {
        None => Ok(()),
        Some(_) => Err(DirectoryError::PreconditionFailed),
    }
}

/// The write's time, as both databases take it.
fn now(write: &Write) -> Result<String, DirectoryError> {
    write_expiry(write.now)
        .ok_or_else(|| DirectoryError::Invalid("a time is after 1970".to_owned()))
}

/// Says what something still holds, of which the first four are given.
fn still_holds(place: &Place, kind: &str, held: &[(String,)]) -> Fault {
    let names: Vec<String> = held.iter().take(3).map(|(id,)| format!("`{id}`")).collect();
    let more = if held.len() > names.len() {
        ", …"
    } else {
        ""
    };
    DirectoryError::Conflict(format!(
        "{place} still holds {kind} ({}{more}): delete them first, or all of it with \
         `?cascade=true`",
        names.join(", ")
    ))
    .into()
}

/// Refuses to delete more at once than is done before the time is over. The operator, who can give
/// it more time, may try.
async fn refuse_too_many(
    transaction: &mut Transaction<'_>,
    write: &Write,
    place: &Place,
    count: &'static str,
) -> Result<(), Fault> {
    if write.actor == Actor::Operator {
        return Ok(());
    }
    let scope = place.scope();
    let counted: Vec<(i64,)> = transaction.fetch(count, &[Some(scope.id())]).await?;
    if counted.iter().all(|(count,)| *count <= MAX_CASCADE) {
        return Ok(());
    }
    Err(DirectoryError::Conflict(format!(
        "{place} holds more than {MAX_CASCADE} resources, which are too many to delete at once: \
         delete some of them first"
    ))
    .into())
}
