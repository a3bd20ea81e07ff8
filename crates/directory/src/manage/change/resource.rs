//! Resources.

use policy::{Action, Place, ProjectId, ResourceId, Subject};

use super::super::authority::authorize;
use super::super::carry_out::{Effect, Fault};
use super::super::record::Resource;
use super::super::row::{self, ResourceRow, json_and_tag};
use super::super::{Operation, Write};
use super::{existing, match_tag, missing, nothing_to_match, now, project};
use crate::change::Change;
use crate::store::Transaction;

/// How many subjects are named before all are.
const MAX_HOLDERS: usize = 100;

pub(super) async fn create(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
) -> Result<Effect, Fault> {
    let Operation::CreateResource {
        project,
        id,
        name,
        kind,
        sku,
        settings,
    } = operation
    else {
        return Ok(Effect::default());
    };
    let above = Place::Project(project.clone());
    let authority = authorize(transaction, write, &above, Action::Write).await?;
    project::found(transaction, project).await?;
    nothing_to_match(write)?;
    if find(transaction, id).await?.is_some() {
        // In whichever project: the id is one label value in one place.
        return Err(existing(&format!("a resource `{id}`")));
    }
    let insert = transaction.store().changing().insert_resource;
    let now = now(write)?;
    let arguments = [
        Some(id.as_str()),
        Some(project.as_str()),
        Some(&**name),
        Some(&**kind),
        sku.as_deref(),
        settings.as_deref(),
        Some(&*now),
    ];
    transaction.execute(insert, &arguments).await?;
    effect(transaction, project, id, authority.assignment()).await
}

pub(super) async fn update(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
) -> Result<Effect, Fault> {
    let Operation::UpdateResource {
        project,
        id,
        name,
        sku,
        settings,
    } = operation
    else {
        return Ok(Effect::default());
    };
    let place = Place::Resource(project.clone(), id.clone());
    let authority = authorize(transaction, write, &place, Action::Write).await?;
    let (_, (_, tag)) = found(transaction, project, id).await?;
    match_tag(write, &tag)?;
    let update = transaction.store().changing().update_resource;
    let now = now(write)?;
    let arguments = [
        Some(id.as_str()),
        name.as_deref(),
        sku.as_deref(),
        settings.as_deref(),
        Some(&*now),
    ];
    transaction.execute(update, &arguments).await?;
    let mut effect = effect(transaction, project, id, authority.assignment()).await?;
    // Where it is has not changed.
    effect.changes.clear();
    Ok(effect)
}

pub(super) async fn delete(
    transaction: &mut Transaction<'_>,
    write: &Write,
    project: &ProjectId,
    id: &ResourceId,
) -> Result<Effect, Fault> {
    let place = Place::Resource(project.clone(), id.clone());
    let authority = authorize(transaction, write, &place, Action::Delete).await?;
    let (_, (_, tag)) = found(transaction, project, id).await?;
    match_tag(write, &tag)?;
    let mut effect = effect(transaction, project, id, authority.assignment()).await?;
    effect.changes.extend(holders(transaction, id).await?);
    let delete = transaction.store().changing().delete_resource;
    transaction.execute(delete, &[Some(id.as_str())]).await?;
    effect.record = None;
    Ok(effect)
}

/// Who holds a role on it, and so loses it.
async fn holders(transaction: &mut Transaction<'_>, id: &ResourceId) -> Result<Vec<Change>, Fault> {
    let some_holders = transaction.store().changing().some_holders;
    let arguments = [Some("resource"), Some(id.as_str())];
    let holders: Vec<(String,)> = transaction.fetch(some_holders, &arguments).await?;
    if holders.len() > MAX_HOLDERS {
        return Ok(vec![Change::Everything]);
    }
    let changes = holders.iter().map(|(id,)| match Subject::new(id) {
        Ok(subject) => Change::Assignments(subject),
        Err(_) => Change::Everything,
    });
    Ok(changes.collect())
}

type Found = (Resource, (String, String));

/// The record, its JSON and its tag, in whichever project it is.
async fn find(transaction: &mut Transaction<'_>, id: &ResourceId) -> Result<Option<Found>, Fault> {
    let statement = transaction.store().changing().resource;
    let rows: Vec<ResourceRow> = transaction.fetch(statement, &[Some(id.as_str())]).await?;
    let Some(record) = rows.into_iter().next().map(row::resource) else {
        return Ok(None);
    };
    let printed = json_and_tag(&record)?;
    Ok(Some((record, printed)))
}

async fn found(
    transaction: &mut Transaction<'_>,
    project: &ProjectId,
    id: &ResourceId,
) -> Result<Found, Fault> {
    let found = find(transaction, id).await?;
    let here = found.filter(|(record, _)| record.project_id == project.as_str());
    here.ok_or_else(|| missing(&format!("resource `{id}` in project `{project}`")))
}

async fn effect(
    transaction: &mut Transaction<'_>,
    project: &ProjectId,
    id: &ResourceId,
    assignment: Option<String>,
) -> Result<Effect, Fault> {
    let (above, _) = project::found(transaction, project).await?;
    let (_, record) = found(transaction, project, id).await?;
    Ok(Effect {
        record: Some(record),
        assignment,
        organization: above.org_id,
        project: Some(project.as_str().to_owned()),
        resource: Some(id.as_str().to_owned()),
        changes: vec![Change::Resource(id.clone())],
        ..Effect::default()
    })
}
