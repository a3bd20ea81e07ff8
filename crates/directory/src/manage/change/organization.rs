//! Organizations.

use policy::{Action, OrganizationId, Place, Scope, SystemRole};

use super::super::authority::authorize;
use super::super::carry_out::{Effect, Fault};
use super::super::row::{self, OrganizationRow, json_and_tag};
use super::super::{Actor, Write};
use super::{
    assignment, existing, match_tag, missing, nothing_to_match, now, refuse_buried,
    refuse_too_many, still_holds,
};
use crate::change::Change;
use crate::store::Transaction;

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
    refuse_buried(transaction, &place).await?;
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
    let record = found(transaction, id).await?;
    match_tag(write, &record.1)?;
    let update = transaction.store().changing().update_organization;
    let now = now(write)?;
    let arguments = [Some(id.as_str()), Some(name), Some(&*now)];
    transaction.execute(update, &arguments).await?;
    effect(transaction, id, authority.assignment(), Vec::new()).await
}

pub(super) async fn delete(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &OrganizationId,
    cascade: bool,
) -> Result<Effect, Fault> {
    let place = Place::Organization(id.clone());
    let authority = authorize(transaction, write, &place, Action::Delete).await?;
    let record = found(transaction, id).await?;
    match_tag(write, &record.1)?;
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
        // Whoever held a role on any of it.
        changes: vec![Change::Everything],
        ..Effect::default()
    })
}

/// The record's JSON and tag.
async fn find(
    transaction: &mut Transaction<'_>,
    id: &OrganizationId,
) -> Result<Option<(String, String)>, Fault> {
    let statement = transaction.store().changing().organization;
    let rows: Vec<OrganizationRow> = transaction.fetch(statement, &[Some(id.as_str())]).await?;
    let record = rows.into_iter().next().map(row::organization);
    Ok(record.as_ref().map(json_and_tag).transpose()?)
}

async fn found(
    transaction: &mut Transaction<'_>,
    id: &OrganizationId,
) -> Result<(String, String), Fault> {
    let record = find(transaction, id).await?;
    record.ok_or_else(|| missing(&format!("organization `{id}`")))
}

async fn effect(
    transaction: &mut Transaction<'_>,
    id: &OrganizationId,
    assignment: Option<String>,
    changes: Vec<Change>,
) -> Result<Effect, Fault> {
    Ok(Effect {
        record: Some(found(transaction, id).await?),
        assignment,
        organization: Some(id.as_str().to_owned()),
        changes,
        ..Effect::default()
    })
}
