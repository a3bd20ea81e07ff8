//! The audit's line of a write.

use policy::{OrganizationId, Place};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::carry_out::{Effect, Fault};
use super::row::{hash, json};
use super::{Actor, Grantee, Operation, Write};
use crate::statements::write_expiry;
use crate::store::Transaction;

/// Adds the line.
pub(super) async fn record(
    transaction: &mut Transaction<'_>,
    write: &Write,
    operation: &Operation,
    effect: &Effect,
) -> Result<(), Fault> {
    let detail = json(&detail(operation, effect))?;
    // A project that moves is news to both of its organizations.
    let organizations = [
        Some(&effect.organization),
        effect.joins.as_ref().map(|_| &effect.joins),
    ];
    for organization in organizations.into_iter().flatten() {
        let line = Line {
            operation: operation.name(),
            assignment: effect.assignment.as_deref(),
            organization: organization.as_deref(),
            project: effect.project.as_deref(),
            resource: effect.resource.as_deref(),
            detail: &detail,
        };
        add(transaction, write, &line).await?;
    }
    for also in &effect.also {
        let line = Line {
            operation: also.operation,
            assignment: effect.assignment.as_deref(),
            organization: effect.organization.as_deref(),
            project: Some(&also.project),
            resource: None,
            detail: &json(&also.detail)?,
        };
        add(transaction, write, &line).await?;
    }
    Ok(())
}

/// What differs between the lines of one write.
struct Line<'a> {
    operation: &'a str,
    assignment: Option<&'a str>,
    organization: Option<&'a str>,
    project: Option<&'a str>,
    resource: Option<&'a str>,
    detail: &'a str,
}

async fn add(
    transaction: &mut Transaction<'_>,
    write: &Write,
    line: &Line<'_>,
) -> Result<(), Fault> {
    let (id, now) = (Uuid::now_v7().to_string(), write_expiry(write.now));
    let subject = match &write.actor {
        Actor::Operator => None,
        Actor::Subject(subject) => Some(subject.as_str()),
    };
    let arguments = [
        Some(&*id),
        now.as_deref(),
        Some(&*write.request_id),
        subject,
        Some(line.operation),
        line.assignment,
        line.organization,
        line.project,
        line.resource,
        Some(line.detail),
    ];
    let statement = transaction.store().changing().audit;
    transaction.execute(statement, &arguments).await?;
    Ok(())
}

/// What was asked for, in the words of the API. Settings by their hash: they may hold what must be
/// possible to remove, and nothing can be removed from the audit.
fn detail(operation: &Operation, effect: &Effect) -> Map<String, Value> {
    let mut detail = whole(operation);
    if let Some(Value::String(settings)) = detail.shift_remove("settings_json") {
        detail.insert("settings_sha256".to_owned(), hash(&settings).into());
    }
    // That has a column of its own.
    detail.shift_remove("operation");
    for (name, value) in &effect.found {
        detail.insert((*name).to_owned(), value.clone());
    }
    detail
}

/// What a record said before, as far as it says something else now: pairs of before and after.
/// Settings by their hash, as in the rest of the line.
pub(super) fn was<'a>(
    fields: impl IntoIterator<Item = (&'static str, Option<&'a str>, Option<&'a str>)>,
) -> (&'static str, Value) {
    let changed = fields.into_iter().filter(|(_, before, now)| before != now);
    let before = changed.map(|(name, before, _)| match name {
        "settings_json" => ("settings_sha256".to_owned(), before.map(hash).into()),
        _ => (name.to_owned(), before.into()),
    });
    ("was", Value::Object(before.collect()))
}

/// Where a role is held.
fn put_place(members: &mut Map<String, Value>, place: &Place) {
    let scope = place.scope();
    members.insert("scope_type".to_owned(), scope.scope_type().into());
    members.insert("scope_id".to_owned(), scope.id().into());
}

fn named(to: &Grantee) -> (&'static str, &str) {
    match to {
        Grantee::Subject(subject) => ("user_id", subject.as_str()),
        Grantee::Email(email) => ("email", email),
    }
}

fn of(organization: Option<&OrganizationId>) -> Value {
    organization.map(OrganizationId::as_str).into()
}

/// What is not given stays as it is.
fn put_given(
    put: &mut impl FnMut(&str, Value) -> Option<Value>,
    texts: &[(&str, &Option<String>)],
) {
    for (member, text) in texts {
        if let Some(text) = text {
            put(member, text.clone().into());
        }
    }
}

/// All of what was asked for.
pub(super) fn whole(operation: &Operation) -> Map<String, Value> {
    let mut members = Map::new();
    if let Operation::Grant { place, .. }
    | Operation::Withdraw { place, .. }
    | Operation::FreeId { place } = operation
    {
        put_place(&mut members, place);
    }
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("operation", operation.name().into());
    match operation {
        Operation::CreateOrganization { id, name } | Operation::UpdateOrganization { id, name } => {
            put("id", id.as_str().into());
            put("name", name.clone().into());
        }
        Operation::DeleteOrganization { id, cascade } => {
            put("id", id.as_str().into());
            put("cascade", (*cascade).into());
        }
        Operation::CreateProject {
            id,
            organization,
            name,
        } => {
            put("id", id.as_str().into());
            put("org_id", of(organization.as_ref()));
            put("name", name.clone().into());
        }
        Operation::UpdateProject {
            id,
            name,
            organization,
        } => {
            put("id", id.as_str().into());
            put_given(&mut put, &[("name", name)]);
            if let Some(organization) = organization {
                put("org_id", of(organization.as_ref()));
            }
        }
        Operation::DeleteProject { id, cascade } => {
            put("id", id.as_str().into());
            put("cascade", (*cascade).into());
        }
        Operation::CreateResource {
            project,
            id,
            name,
            kind,
            sku,
            settings,
        } => {
            put("project_id", project.as_str().into());
            put("id", id.as_str().into());
            put("name", name.clone().into());
            put("type", kind.clone().into());
            put("sku", sku.clone().into());
            put("settings_json", settings.clone().into());
        }
        Operation::UpdateResource {
            project,
            id,
            name,
            sku,
            settings,
        } => {
            put("project_id", project.as_str().into());
            put("id", id.as_str().into());
            let texts = [("name", name), ("sku", sku), ("settings_json", settings)];
            put_given(&mut put, &texts);
        }
        Operation::DeleteResource { project, id } => {
            put("project_id", project.as_str().into());
            put("id", id.as_str().into());
        }
        Operation::Grant {
            to,
            role,
            expires_at,
            ..
        } => {
            let (member, grantee) = named(to);
            put(member, grantee.into());
            put("role_id", role.clone().into());
            put("expires_at", expires_at.map(|at| at.to_string()).into());
        }
        Operation::Withdraw { assignment, .. } => {
            put("assignment_id", assignment.clone().into());
        }
        Operation::SetUser {
            subject,
            email,
            name,
        } => {
            put("user_id", subject.as_str().into());
            put("email", email.clone().into());
            put("name", name.clone().into());
        }
        Operation::FreeId { .. } => {}
    }
    members
}
