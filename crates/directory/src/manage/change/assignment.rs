//! Roles that are given and withdrawn.

use policy::{
    Action, Excess, Permission, Place, ProjectId, ResourceId, Scope, Subject, SystemRole, may_grant,
};
use uuid::Uuid;

use super::super::authority::{Authority, authorize};
use super::super::carry_out::{Effect, Fault};
use super::super::record::RoleAssignment;
use super::super::row::{self, AssignmentRow, ResourceRow, json_and_tag};
use super::super::{Actor, Grantee, Operation, Write};
use super::{finds, match_tag, missing, nothing_to_match, now, project};
use crate::change::Change;
use crate::error::DirectoryError;
use crate::statements::write_expiry;
use crate::store::{Store, Transaction};

pub(super) async fn grant(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
) -> Result<Effect, Fault> {
    let Operation::Grant {
        place,
        to,
        role,
        expires_at,
    } = operation
    else {
        return Ok(Effect::default());
    };
    let authority = authorize(transaction, write, place, Action::ManageAccess).await?;
    must_exist(transaction, place).await?;
    nothing_to_match(write)?;
    // Not before the key is looked up: what it repeats may have expired by now.
    if expires_at.is_some_and(|expires_at| expires_at <= write.now) {
        let why = "the expiry must be in the future".to_owned();
        return Err(DirectoryError::Invalid(why).into());
    }
    let (role_id, role_name) = find_role(transaction, role).await?;
    if let Authority::Assignment(_, access) = &authority {
        let permissions = permissions(transaction, &role_id).await?;
        let lineage = access.lineage().cloned().unwrap_or_default();
        let held: Vec<_> = access.assignments().cloned().collect();
        may_grant(&lineage, &held, &permissions, *expires_at, write.now)
            .map_err(|excess| exceeds(&role_name, place, &excess))?;
    }
    let subject = grantee(transaction, to).await?;
    let scope = place.scope();
    free_of_expired(transaction, write, &subject, (&role_id, &role_name), &scope).await?;
    let assigned_by = match &write.actor {
        Actor::Operator => None,
        Actor::Subject(granter) => Some(granter),
    };
    let expiry = expires_at.map(|expires_at| {
        write_expiry(expires_at)
            .ok_or_else(|| DirectoryError::Invalid("an expiry is after 1970".to_owned()))
    });
    let expiry = expiry.transpose()?;
    let id = insert(
        transaction,
        write,
        &subject,
        &role_id,
        &scope,
        assigned_by,
        expiry.as_deref(),
    )
    .await?;
    let (_, printed) = found(transaction, place, &id).await?;
    let mut effect = effect(transaction, place, &authority).await?;
    effect.record = Some(printed);
    effect.found = vec![
        ("assignment_id", id),
        ("user_id", subject.as_str().to_owned()),
        ("role_id", role_id),
    ];
    effect.changes = vec![Change::Assignments(subject)];
    Ok(effect)
}

pub(super) async fn withdraw(
    transaction: &mut Transaction<'_>,
    write: &Write,
    place: &Place,
    id: &str,
) -> Result<Effect, Fault> {
    let authority = authorize(transaction, write, place, Action::ManageAccess).await?;
    must_exist(transaction, place).await?;
    let (record, (_, tag)) = found(transaction, place, id).await?;
    match_tag(write, &tag)?;
    let scope = place.scope();
    let changing = transaction.store().changing();
    let is_last = |owner: &RoleAssignment| {
        owner.role.name == SystemRole::Owner.name() && owner.expires_at.is_none()
    };
    if matches!(scope, Scope::Organization(_)) && is_last(&record) {
        let arguments = [Some(scope.scope_type()), Some(scope.id()), Some(id)];
        if !finds(transaction, changing.other_owner, &arguments).await? {
            return Err(DirectoryError::Conflict(format!(
                "`{}` is the last Owner of {place}: give somebody else the role Owner on it \
                 first, without an expiry",
                record.user_id
            ))
            .into());
        }
    }
    let delete = changing.delete_assignment;
    transaction.execute(delete, &[Some(id)]).await?;
    let mut effect = effect(transaction, place, &authority).await?;
    effect.changes = match Subject::new(&record.user_id) {
        Ok(subject) => vec![Change::Assignments(subject)],
        Err(_) => vec![Change::Everything],
    };
    effect.found = vec![("user_id", record.user_id), ("role_id", record.role_id)];
    Ok(effect)
}

/// Gives a subject one of the roles that every directory has, on what was just made.
pub(super) async fn give(
    transaction: &mut Transaction<'_>,
    write: &Write,
    subject: &Subject,
    role: &str,
    scope: &Scope,
) -> Result<(), Fault> {
    let (role_id, _) = find_role(transaction, role).await?;
    insert(
        transaction,
        write,
        subject,
        &role_id,
        scope,
        Some(subject),
        None,
    )
    .await?;
    Ok(())
}

async fn insert(
    transaction: &mut Transaction<'_>,
    write: &Write,
    subject: &Subject,
    role_id: &str,
    scope: &Scope,
    assigned_by: Option<&Subject>,
    expiry: Option<&str>,
) -> Result<String, Fault> {
    let (id, now) = (Uuid::now_v7().to_string(), now(write)?);
    let changing = transaction.store().changing();
    let user = [Some(subject.as_str()), Some(&*now)];
    transaction.execute(changing.insert_user, &user).await?;
    let arguments = [
        Some(&*id),
        Some(subject.as_str()),
        Some(role_id),
        Some(scope.scope_type()),
        Some(scope.id()),
        assigned_by.map(Subject::as_str),
        expiry,
        Some(&*now),
    ];
    let insert = changing.insert_assignment;
    transaction.execute(insert, &arguments).await?;
    Ok(id)
}

/// Refuses a place that does not exist, and keeps one that does until the assignment is visible to
/// whoever deletes the place, and then the assignment with it.
async fn must_exist(transaction: &mut Transaction<'_>, place: &Place) -> Result<(), Fault> {
    let changing = transaction.store().changing();
    let (statement, id) = match place {
        Place::Organization(id) => (changing.keep_organization, id.as_str()),
        Place::Project(id) => (changing.keep_project, id.as_str()),
        Place::Resource(_, id) => (changing.keep_resource, id.as_str()),
    };
    let mut exists = finds(transaction, statement, &[Some(id)]).await?;
    if let Place::Resource(project, _) = place {
        let rows: Vec<ResourceRow> = transaction.fetch(changing.resource, &[Some(id)]).await?;
        exists = exists && rows.iter().any(|row| row.1 == project.as_str());
    }
    if exists {
        return Ok(());
    }
    Err(match place {
        Place::Resource(project, id) => missing(&format!("resource `{id}` in project `{project}`")),
        Place::Organization(_) | Place::Project(_) => missing(&place.to_string()),
    })
}

/// The id and the name of the role that is called so, by either.
async fn find_role(
    transaction: &mut Transaction<'_>,
    role: &str,
) -> Result<(String, String), Fault> {
    let changing = transaction.store().changing();
    let roles = transaction.fetch(changing.role, &[Some(role)]).await?;
    if let Some(found) = roles.into_iter().next() {
        return Ok(found);
    }
    let names: Vec<(String,)> = transaction.fetch(changing.role_names, &[]).await?;
    let names: Vec<String> = names.into_iter().map(|(name,)| name).collect();
    Err(missing(&format!(
        "role `{role}`: the roles are {}",
        names.join(", ")
    )))
}

async fn permissions(
    transaction: &mut Transaction<'_>,
    role_id: &str,
) -> Result<Vec<Permission>, Fault> {
    let statement = transaction.store().changing().role_permissions;
    let rows: Vec<(String, String, String)> =
        transaction.fetch(statement, &[Some(role_id)]).await?;
    let permission = |(_, resource_type, action)| Permission {
        resource_type,
        action,
    };
    Ok(rows.into_iter().map(permission).collect())
}

fn exceeds(role: &str, place: &Place, excess: &Excess) -> DirectoryError {
    let name = |permission: &Permission| {
        format!("`{}` of {}", permission.action, permission.resource_type)
    };
    DirectoryError::Forbidden(match excess {
        Excess::Permission(permission) => format!(
            "nobody grants more than they hold: the role {role} has {}, which you do not hold on \
             {place}",
            name(permission)
        ),
        Excess::Expiry(permission, until) => format!(
            "nobody grants for longer than they hold: the role {role} has {}, which you hold on \
             {place} until {until}",
            name(permission)
        ),
    })
}

/// Who gets the role.
async fn grantee(transaction: &mut Transaction<'_>, to: &Grantee) -> Result<Subject, Fault> {
    let email = match to {
        Grantee::Subject(subject) => return Ok(subject.clone()),
        Grantee::Email(email) => email,
    };
    let statement = transaction.store().changing().users_of_email;
    let users: Vec<(String,)> = transaction.fetch(statement, &[Some(email)]).await?;
    match &*users {
        [] => Err(missing(&format!(
            "user with the verified e-mail address `{email}`: they must have signed in once, or be \
             named by their subject"
        ))),
        [(id,)] => Subject::new(id).map_err(|_| missing(&format!("usable subject with `{email}`"))),
        [..] => Err(DirectoryError::Conflict(format!(
            "more than one user has the e-mail address `{email}`: name the subject instead"
        ))
        .into()),
    }
}

/// A role is held once at a scope. One that has expired makes way.
async fn free_of_expired(
    transaction: &mut Transaction<'_>,
    write: &Write,
    subject: &Subject,
    (role_id, role_name): (&str, &str),
    scope: &Scope,
) -> Result<(), Fault> {
    let store = transaction.store();
    let (changing, read_expiry) = (store.changing(), store.statements().read_expiry);
    let arguments = [
        Some(subject.as_str()),
        Some(role_id),
        Some(scope.scope_type()),
        Some(scope.id()),
    ];
    let held: Vec<(String, Option<String>)> = transaction.fetch(changing.held, &arguments).await?;
    for (id, expiry) in held {
        let expiry = expiry.as_deref().and_then(read_expiry);
        if expiry.is_none_or(|expiry| write.now < expiry) {
            return Err(DirectoryError::AlreadyExists(format!(
                "`{subject}` already holds the role `{role_name}` on {} `{}`",
                scope.scope_type(),
                scope.id()
            ))
            .into());
        }
        let delete = changing.delete_assignment;
        transaction.execute(delete, &[Some(&*id)]).await?;
    }
    Ok(())
}

/// The assignment of that id that is held on the place itself, its JSON and its tag.
async fn found(
    transaction: &mut Transaction<'_>,
    place: &Place,
    id: &str,
) -> Result<(RoleAssignment, (String, String)), Fault> {
    let store = transaction.store();
    let (statement, statements) = (store.changing().assignment, store.statements());
    let scope = place.scope();
    let arguments = [Some(id), Some(scope.scope_type()), Some(scope.id())];
    let rows: Vec<AssignmentRow> = transaction.fetch(statement, &arguments).await?;
    let record = rows
        .into_iter()
        .next()
        .and_then(|row| row::assignment(row, scope.scope_type(), statements));
    let Some(record) = record else {
        return Err(missing(&format!(
            "role assignment `{id}` on {place} itself"
        )));
    };
    let printed = json_and_tag(&record)?;
    Ok((record, printed))
}

/// Where the audit files a write about roles at a place.
async fn effect(
    transaction: &mut Transaction<'_>,
    place: &Place,
    authority: &Authority,
) -> Result<Effect, Fault> {
    let mut effect = Effect {
        assignment: authority.assignment(),
        ..Effect::default()
    };
    match place {
        Place::Organization(id) => effect.organization = Some(id.as_str().to_owned()),
        Place::Project(id) | Place::Resource(id, _) => {
            let (project, _) = project::found(transaction, id).await?;
            effect.organization = project.org_id;
            effect.project = Some(project.project_id);
        }
    }
    if let Place::Resource(_, id) = place {
        effect.resource = Some(id.as_str().to_owned());
    }
    Ok(effect)
}

/// The place whose own scope this is: for a resource, with the project that it is in.
pub(in super::super) async fn place_of_scope(
    store: &Store,
    scope: Scope,
) -> Result<Option<Place>, DirectoryError> {
    Ok(match scope {
        Scope::Organization(id) => Some(Place::Organization(id)),
        Scope::Project(id) => Some(Place::Project(id)),
        Scope::Resource(id) => {
            let statement = store.changing().resource;
            let rows: Vec<ResourceRow> = store.fetch(statement, &[Some(id.as_str())]).await?;
            let project = rows.first().and_then(|row| ProjectId::new(&row.1).ok());
            project.map(|project| Place::Resource(project, ResourceId::clone(&id)))
        }
    })
}

/// Where an assignment is held.
pub(in super::super) async fn place_of_assignment(
    store: &Store,
    id: &str,
) -> Result<Option<Place>, DirectoryError> {
    let statement = store.changing().scope_of_assignment;
    let rows: Vec<(String, String)> = store.fetch(statement, &[Some(id)]).await?;
    match rows.first().and_then(|(kind, id)| Scope::new(kind, id)) {
        Some(Ok(scope)) => place_of_scope(store, scope).await,
        Some(Err(_)) | None => Ok(None),
    }
}
