//! Projects.

use directory::manage::Operation;
use directory::policy::{OrganizationId, ProjectId};
use http::Response;
use serde::Deserialize;

use super::json::Nullable;
use super::{Call, json, refused, reply};
use crate::error::Error;
use crate::stream::Body;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    id: String,
    name: String,
    org_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    /// Null: no organization from now on.
    #[serde(default)]
    org_id: Nullable<String>,
}

/// What only operators may create where creation is closed.
const LONELY: &str = "projects without an organization";

/// Those that the caller may read, of one organization or of all.
pub(super) async fn list(call: &Call<'_>) -> Result<Response<Body>, Error> {
    let (reader, page) = (call.reader(), call.query.page());
    let organization = call.query.organization.as_ref();
    let listed = call
        .directory()
        .projects(&reader, organization, &page)
        .await;
    call.page(&listed.map_err(refused)?)
}

/// A new one; the creator of one without an organization becomes its Owner.
pub(super) async fn create(call: &Call<'_>) -> Result<Response<Body>, Error> {
    let New { id, name, org_id } = json::read(&call.body)?;
    let id = json::id("id", &id, ProjectId::new)?;
    let organization = org_id.as_deref().map(organization).transpose()?;
    if organization.is_none() {
        call.may_create(LONELY)?;
    }
    let location = format!("/api/v1/projects/{id}");
    let operation = Operation::CreateProject {
        id,
        organization,
        name,
    };
    reply::created(call.write(operation).await?, &location)
}

/// One, with its tag.
pub(super) async fn read(call: &Call<'_>, id: &ProjectId) -> Result<Response<Body>, Error> {
    call.record(call.directory().project(id).await)
}

/// Another name, or another organization.
pub(super) async fn update(call: &Call<'_>, id: ProjectId) -> Result<Response<Body>, Error> {
    let Change { name, org_id } = json::read(&call.body)?;
    let organization = match org_id {
        Nullable::Absent if name.is_none() => return Err(json::nothing("name and org_id")),
        Nullable::Absent => None,
        Nullable::Null => {
            // The long way round to a project without one.
            call.may_create(LONELY)?;
            Some(None)
        }
        Nullable::Is(id) => Some(Some(organization(&id)?)),
    };
    let operation = Operation::UpdateProject {
        id,
        name,
        organization,
    };
    reply::changed(call.write(operation).await?)
}

/// Its end, and with `cascade` that of its resources. Its id is never used again.
pub(super) async fn delete(call: &Call<'_>, id: ProjectId) -> Result<Response<Body>, Error> {
    let cascade = call.query.cascade;
    let done = call.write(Operation::DeleteProject { id, cascade }).await?;
    Ok(reply::removed(&done))
}

fn organization(id: &str) -> Result<OrganizationId, Error> {
    json::id("org_id", id, OrganizationId::new)
}
