//! Organizations.

use policy::{Action, OrganizationId, Place, Scope, SystemRole};

use super::super::authority::authorize;
use super::super::carry_out::{Effect, Fault};
use super::super::record::Organization;
use super::super::row::{self, OrganizationRow, json_and_tag};
use super::super::{Actor, Write, trail};
use super::{
    assignment, existing, going, match_tag, missing, nothing_to_match, now, refuse_buried,
    refuse_too_many, still_holds,
};
use crate::change::Change;
use crate::error::DirectoryError;
use crate::store::Transaction;

/// How many projects go at once with their organization: each has a line in the audit.
const MAX_PROJECTS: usize = 1000;

pub(super) async fn create(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &OrganizationId,
    name: &str,
) -> Result<Effect, Fault> {
    nothing_to_match(write)?;
    let place = Place::Organization(id.clone());
    if find(transaction, id).await?.is_some() {
        return Err(existing(&format!("an {place}")));
    }
    refuse_buried(transaction, write, &place).await?;
    let insert = transaction.store().changing().insert_organization;
    let now = now(write)?;
    let arguments = [Some(id.as_str()), Some(name), Some(&*now)];
    transaction.execute(insert, &arguments).await?;
    let mut changes = vec![Change::Organization(id.clone())];
    if let Actor::Subject(creator) = &write.actor {
        let scope = Scope::Organization(id.clone());
        let owner = SystemRole::Owner.name();
        assignment::give(transaction, write, creator, owner, &scope).await?;
        changes.push(Change::Assignments(creator.clone()));
    }
    effect(transaction, id, None, changes).await
}

pub(super) async fn update(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &OrganizationId,
    name: &str,
) -> Result<Effect, Fault> {
    let place = Place::Organization(id.clone());
    let authority = authorize(transaction, write, &place, Action::Write).await?;
    let (before, (_, tag)) = found(transaction, id).await?;
    match_tag(write, &tag)?;
    let update = transaction.store().changing().update_organization;
    let now = now(write)?;
    let arguments = [Some(id.as_str()), Some(name), Some(&*now)];
    transaction.execute(update, &arguments).await?;
    let mut effect = effect(transaction, id, authority.assignment(), Vec::new()).await?;
    effect.found = vec![trail::was([("name", Some(&*before.name), Some(name))])];
    Ok(effect)
}

pub(super) async fn delete(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &OrganizationId,
    cascade: bool,
) -> Result<Effect, Fault> {
    let place = Place::Organization(id.clone());
    let authority = authorize(transaction, write, &place, Action::Delete).await?;
    let (record, (_, tag)) = found(transaction, id).await?;
    match_tag(write, &tag)?;
    let changing = transaction.store().changing();
    let arguments = [Some(id.as_str())];
    let projects: Vec<(String,)> = transaction
        .fetch(changing.some_projects, &arguments)
        .await?;
    if !projects.is_empty() && !cascade {
        return Err(still_holds(&place, "projects", &projects));
    }
    refuse_too_many(
        transaction,
        write,
        &place,
        changing.count_resources_of_organization,
    )
    .await?;
    let projects: Vec<(String, String)> = transaction
        .fetch(changing.projects_of_organization, &arguments)
        .await?;
    if projects.len() > MAX_PROJECTS && write.actor != Actor::Operator {
        return Err(DirectoryError::Conflict(format!(
            "{place} holds more than {MAX_PROJECTS} projects, which are too many to delete at \
             once: delete some of them first"
        ))
        .into());
    }
    let also = going::projects_of(transaction, id.as_str(), projects).await?;
    let mut found = vec![("name", record.name.into())];
    found.extend(going::assignments_on(transaction, &place).await?);
    for statement in [
        changing.delete_resources_of_organization,
        changing.delete_projects_of_organization,
        changing.delete_organization,
    ] {
        transaction.execute(statement, &arguments).await?;
    }
    Ok(Effect {
        assignment: authority.assignment(),
        organization: Some(id.as_str().to_owned()),
        found,
        also,
        // Whoever held a role on any of it.
        changes: vec![Change::Everything],
        ..Effect::default()
    })
}

type Found = (Organization, (String, String));

/// The record, its JSON and its tag.
async fn find(
    transaction: &mut Transaction<'_>,
    id: &OrganizationId,
) -> Result<Option<Found>, Fault> {
    let statement = transaction.store().changing().organization;
    let rows: Vec<OrganizationRow> = transaction.fetch(statement, &[Some(id.as_str())]).await?;
    let Some(record) = rows.into_iter().next().map(row::organization) else {
        return Ok(None);
    };
    let printed = json_and_tag(&record)?;
    Ok(Some((record, printed)))
}

async fn found(transaction: &mut Transaction<'_>, id: &OrganizationId) -> Result<Found, Fault> {
    let record = find(transaction, id).await?;
    record.ok_or_else(|| missing(&format!("organization `{id}`")))
}

async fn effect(
    transaction: &mut Transaction<'_>,
    id: &OrganizationId,
    assignment: Option<String>,
    changes: Vec<Change>,
) -> Result<Effect, Fault> {
    let (_, record) = found(transaction, id).await?;
    Ok(Effect {
        record: Some(record),
        assignment,
        organization: Some(id.as_str().to_owned()),
        changes,
        ..Effect::default()
    })
}
