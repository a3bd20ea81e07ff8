//! Projects.

use policy::{Action, OrganizationId, Place, ProjectId, Scope, SystemRole};

use super::super::authority::authorize;
use super::super::carry_out::{Effect, Fault};
use super::super::record::Project;
use super::super::row::{self, ProjectRow, json_and_tag};
use super::super::{Actor, Write};
use super::{
    assignment, existing, finds, match_tag, missing, nothing_to_match, now, refuse_buried,
    refuse_too_many, still_holds,
};
use crate::change::Change;
use crate::error::DirectoryError;
use crate::store::Transaction;

pub(super) async fn create(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &ProjectId,
    organization: Option<&OrganizationId>,
    name: &str,
) -> Result<Effect, Fault> {
    let authority = match organization {
        None => None,
        Some(organization) => {
            let above = Place::Organization(organization.clone());
            let authority = authorize(transaction, write, &above, Action::Write).await?;
            must_exist(transaction, organization).await?;
            authority.assignment()
        }
    };
    nothing_to_match(write)?;
    let place = Place::Project(id.clone());
    if find(transaction, id).await?.is_some() {
        return Err(existing(&format!("a {place}")));
    }
    refuse_buried(transaction, &place).await?;
    let insert = transaction.store().changing().insert_project;
    let now = now(write)?;
    let arguments = [
        Some(id.as_str()),
        organization.map(OrganizationId::as_str),
        Some(name),
        Some(&*now),
    ];
    transaction.execute(insert, &arguments).await?;
    let mut changes = vec![Change::Project(id.clone())];
    if let (Actor::Subject(creator), None) = (&write.actor, organization) {
        let scope = Scope::Project(id.clone());
        let owner = SystemRole::Owner.name();
        assignment::give(transaction, write, creator, owner, &scope).await?;
        changes.push(Change::Assignments(creator.clone()));
    }
    let (project, record) = found(transaction, id).await?;
    Ok(Effect {
        record: Some(record),
        assignment: authority,
        organization: project.org_id,
        project: Some(project.project_id),
        changes,
        ..Effect::default()
    })
}

pub(super) async fn update(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &ProjectId,
    name: Option<&str>,
    organization: Option<&Option<OrganizationId>>,
) -> Result<Effect, Fault> {
    let place = Place::Project(id.clone());
    let authority = authorize(transaction, write, &place, Action::Write).await?;
    let (before, (_, tag)) = found(transaction, id).await?;
    let target = match organization.map(Option::as_ref) {
        Some(target) if target.map(OrganizationId::as_str) != before.org_id.as_deref() => {
            may_move(transaction, write, id, &before, target).await?;
            Some(target)
        }
        Some(_) | None => None,
    };
    match_tag(write, &tag)?;
    if target == Some(None) && matches!(write.actor, Actor::Subject(_)) {
        keeps_an_owner(transaction, id).await?;
    }
    let after = match target {
        Some(target) => target.map(OrganizationId::as_str),
        None => before.org_id.as_deref(),
    };
    let update = transaction.store().changing().update_project;
    let now = now(write)?;
    let arguments = [
        Some(id.as_str()),
        after,
        Some(name.unwrap_or(&before.name)),
        Some(&*now),
    ];
    transaction.execute(update, &arguments).await?;
    let (project, record) = found(transaction, id).await?;
    let mut effect = Effect {
        record: Some(record),
        assignment: authority.assignment(),
        organization: project.org_id.clone(),
        project: Some(project.project_id),
        ..Effect::default()
    };
    if target.is_some() {
        effect.organization = before.org_id;
        effect.joins = project.org_id;
        effect.changes.push(Change::Project(id.clone()));
    }
    Ok(effect)
}

/// What a move needs besides `write` on the project.
async fn may_move(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &ProjectId,
    before: &Project,
    target: Option<&OrganizationId>,
) -> Result<(), Fault> {
    let place = Place::Project(id.clone());
    authorize(transaction, write, &place, Action::ManageAccess).await?;
    if let Some(Ok(left)) = before.org_id.as_ref().map(OrganizationId::new) {
        let left = Place::Organization(left);
        authorize(transaction, write, &left, Action::Delete).await?;
    }
    if let Some(joined) = target {
        let place = Place::Organization(joined.clone());
        authorize(transaction, write, &place, Action::Write).await?;
        must_exist(transaction, joined).await?;
    }
    Ok(())
}

/// Without an organization, a project is managed by its own roles alone.
async fn keeps_an_owner(transaction: &mut Transaction<'_>, id: &ProjectId) -> Result<(), Fault> {
    let owner = transaction.store().changing().other_owner;
    let arguments = [Some("project"), Some(id.as_str()), Some("")];
    if finds(transaction, owner, &arguments).await? {
        return Ok(());
    }
    Err(DirectoryError::Conflict(format!(
        "nobody could manage project `{id}` without its organization: give somebody the role \
         Owner on the project itself first, without an expiry"
    ))
    .into())
}

pub(super) async fn delete(
    transaction: &mut Transaction<'_>,
    write: &Write,
    id: &ProjectId,
    cascade: bool,
) -> Result<Effect, Fault> {
    let place = Place::Project(id.clone());
    let authority = authorize(transaction, write, &place, Action::Delete).await?;
    let (project, (_, tag)) = found(transaction, id).await?;
    match_tag(write, &tag)?;
    let changing = transaction.store().changing();
    let arguments = [Some(id.as_str())];
    let resources: Vec<(String,)> = transaction
        .fetch(changing.some_resources, &arguments)
        .await?;
    if !resources.is_empty() && !cascade {
        return Err(still_holds(&place, "resources", &resources));
    }
    refuse_too_many(
        transaction,
        write,
        &place,
        changing.count_resources_of_project,
    )
    .await?;
    for statement in [
        changing.delete_resources_of_project,
        changing.delete_project,
    ] {
        transaction.execute(statement, &arguments).await?;
    }
    Ok(Effect {
        assignment: authority.assignment(),
        organization: project.org_id,
        project: Some(project.project_id),
        // Whoever held a role on any of it.
        changes: vec![Change::Everything],
        ..Effect::default()
    })
}

async fn must_exist(
    transaction: &mut Transaction<'_>,
    organization: &OrganizationId,
) -> Result<(), Fault> {
    let keep = transaction.store().changing().keep_organization;
    if finds(transaction, keep, &[Some(organization.as_str())]).await? {
        return Ok(());
    }
    Err(missing(&format!("organization `{organization}`")))
}

/// The record, its JSON and its tag.
pub(super) async fn find(
    transaction: &mut Transaction<'_>,
    id: &ProjectId,
) -> Result<Option<(Project, (String, String))>, Fault> {
    let statement = transaction.store().changing().project;
    let rows: Vec<ProjectRow> = transaction.fetch(statement, &[Some(id.as_str())]).await?;
    let Some(record) = rows.into_iter().next().map(row::project) else {
        return Ok(None);
    };
    let printed = json_and_tag(&record)?;
    Ok(Some((record, printed)))
}

pub(super) async fn found(
    transaction: &mut Transaction<'_>,
    id: &ProjectId,
) -> Result<(Project, (String, String)), Fault> {
    let record = find(transaction, id).await?;
    record.ok_or_else(|| missing(&format!("project `{id}`")))
}
