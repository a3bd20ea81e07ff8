//! Organizations.

use directory::manage::Operation;
use directory::policy::OrganizationId;
use http::Response;
use serde::Deserialize;

use super::{Call, json, refused, reply};
use crate::error::Error;
use crate::stream::Body;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: Option<String>,
}

/// Those that the caller may read.
pub(super) async fn list(call: &Call<'_>) -> Result<Response<Body>, Error> {
    let (reader, page) = (call.reader(), call.query.page());
    let listed = call.directory().organizations(&reader, &page).await;
    call.page(&listed.map_err(refused)?)
}

/// A new one; its creator becomes Owner.
pub(super) async fn create(call: &Call<'_>) -> Result<Response<Body>, Error> {
    call.may_create("organizations")?;
    let New { id, name } = json::read(&call.body)?;
    let id = json::id("id", &id, OrganizationId::new)?;
    let location = format!("/api/v1/organizations/{id}");
    let done = call
        .write(Operation::CreateOrganization { id, name })
        .await?;
    reply::created(done, &location)
}

/// One, with its tag.
pub(super) async fn read(call: &Call<'_>, id: &OrganizationId) -> Result<Response<Body>, Error> {
    call.record(call.directory().organization(id).await)
}

/// Another name.
pub(super) async fn update(call: &Call<'_>, id: OrganizationId) -> Result<Response<Body>, Error> {
    let Change { name } = json::read(&call.body)?;
    let name = name.ok_or_else(|| json::nothing("name"))?;
    let done = call
        .write(Operation::UpdateOrganization { id, name })
        .await?;
    reply::changed(done)
}

/// Its end, and with `cascade` that of all that is in it.
pub(super) async fn delete(call: &Call<'_>, id: OrganizationId) -> Result<Response<Body>, Error> {
    let cascade = call.query.cascade;
    let done = call
        .write(Operation::DeleteOrganization { id, cascade })
        .await?;
    Ok(reply::removed(&done))
}
