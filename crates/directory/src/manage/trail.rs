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
    let now = write_expiry(write.now);
    let subject = match &write.actor {
        Actor::Operator => None,
        Actor::Subject(subject) => Some(subject.as_str()),
    };
    // A project that moves is news to both of its organizations.
    let organizations = [
        Some(&effect.organization),
        effect.joins.as_ref().map(|_| &effect.joins),
    ];
    for organization in organizations.into_iter().flatten() {
        let id = Uuid::now_v7().to_string();
        let arguments = [
            Some(&*id),
            now.as_deref(),
            Some(&*write.request_id),
            subject,
            Some(operation.name()),
            effect.assignment.as_deref(),
            organization.as_deref(),
            effect.project.as_deref(),
            effect.resource.as_deref(),
            Some(&*detail),
        ];
        let statement = transaction.store().changing().audit;
        transaction.execute(statement, &arguments).await?;
    }
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
    for (name, text) in &effect.found {
        detail.insert((*name).to_owned(), text.clone().into());
    }
    detail
}

/// Where a role is held.
fn put_place(members: &mut Map<String, Value>, place: &Place) {
    let scope = place.scope();
    members.insert("scope_type".to_owned(), scope.scope_type().into());
    members.insert("scope_id".to_owned(), scope.id().into());
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
            let organization = organization.as_ref().map(OrganizationId::as_str);
            put("org_id", organization.into());
            put("name", name.clone().into());
        }
        Operation::UpdateProject {
            id,
            name,
            organization,
        } => {
            put("id", id.as_str().into());
            if let Some(name) = name {
                put("name", name.clone().into());
            }
            if let Some(organization) = organization {
                let organization = organization.as_ref().map(OrganizationId::as_str);
                put("org_id", organization.into());
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
            for (member, text) in [("name", name), ("sku", sku), ("settings_json", settings)] {
                if let Some(text) = text {
                    put(member, text.clone().into());
                }
            }
        }
        Operation::DeleteResource { project, id } => {
            put("project_id", project.as_str().into());
            put("id", id.as_str().into());
        }
        Operation::Grant {
            place: _,
            to,
            role,
            expires_at,
        } => {
            match to {
                Grantee::Subject(subject) => put("user_id", subject.as_str().into()),
                Grantee::Email(email) => put("email", email.clone().into()),
            };
            put("role_id", role.clone().into());
            let expires_at = expires_at.map(|expires_at| expires_at.to_string());
            put("expires_at", expires_at.into());
        }
        Operation::Withdraw { assignment, .. } => {
            put("assignment_id", assignment.clone().into());
        }
        Operation::FreeId { .. } => {}
    }
    members
}
