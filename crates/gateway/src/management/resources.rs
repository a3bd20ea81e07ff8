//! Resources.

use directory::manage::Operation;
use directory::policy::{Action, Place, ProjectId, ResourceId};
use http::Response;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Call, json, refused, reply};
use crate::error::Error;
use crate::stream::Body;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    sku: Option<String>,
    settings_json: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
    sku: Option<String>,
    settings_json: Option<Box<RawValue>>,
}

/// Those that the caller may read: all of the project, or those on which they hold a role.
///
/// Who may read neither the project nor anything in it is told what they would be told of a project
/// that does not exist.
pub(super) async fn list(call: &Call<'_>, project: ProjectId) -> Result<Response<Body>, Error> {
    let (directory, reader, page) = (call.directory(), call.reader(), call.query.page());
    let listed = directory.resources(&reader, &project, &page).await;
    let listed = listed.map_err(refused)?;
    if listed.records.is_empty() {
        let subject = call.principal.subject();
        let access = directory.access(subject, &Place::Project(project)).await;
        let access = access.map_err(refused)?;
        access
            .decide(Action::Read, call.now)
            .map_err(|_| Error::NotPermitted {
                action: Action::Read,
                place: "project",
            })?;
    }
    call.record.allowed(None);
    call.page(&listed)
}

/// A new one.
pub(super) async fn create(call: &Call<'_>, project: ProjectId) -> Result<Response<Body>, Error> {
    let new: New = json::read(&call.body)?;
    let id = json::id("id", &new.id, ResourceId::new)?;
    let location = format!("/api/v1/projects/{project}/resources/{id}");
    let operation = Operation::CreateResource {
        project,
        id,
        name: new.name,
        kind: new.kind,
        sku: new.sku,
        settings: json::settings(new.settings_json)?,
    };
    reply::created(call.write(operation).await?, &location)
}

/// One, with its tag.
pub(super) async fn read(
    call: &Call<'_>,
    project: &ProjectId,
    id: &ResourceId,
) -> Result<Response<Body>, Error> {
    call.record(call.directory().resource(project, id).await)
}

/// Another name, tier or other settings.
pub(super) async fn update(
    call: &Call<'_>,
    project: ProjectId,
    id: ResourceId,
) -> Result<Response<Body>, Error> {
    let Change {
        name,
        sku,
        settings_json,
    } = json::read(&call.body)?;
    if name.is_none() && sku.is_none() && settings_json.is_none() {
        return Err(json::nothing("name, sku and settings_json"));
    }
    let operation = Operation::UpdateResource {
        project,
        id,
        name,
        sku,
        settings: json::settings(settings_json)?,
    };
    reply::changed(call.write(operation).await?)
}

/// Its end.
pub(super) async fn delete(
    call: &Call<'_>,
    project: ProjectId,
    id: ResourceId,
) -> Result<Response<Body>, Error> {
    let done = call
        .write(Operation::DeleteResource { project, id })
        .await?;
    Ok(reply::removed(&done))
}
