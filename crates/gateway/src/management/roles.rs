//! Roles: the same for everybody, and no secret.

use http::Response;

use super::{Call, refused};
use crate::error::Error;
use crate::stream::Body;

/// All of them.
pub(super) async fn list(call: &Call<'_>) -> Result<Response<Body>, Error> {
    Call::told(call.directory().roles().await)
}

/// What one of them holds, which is named by its id or, where that tells it apart, by its name: a
/// grant takes either.
pub(super) async fn permissions(call: &Call<'_>) -> Result<Response<Body>, Error> {
    let roles = call.directory().roles().await.map_err(refused)?;
    let is_id = roles.iter().any(|role| role.role_id == call.name);
    let mut named = roles.iter().filter(|role| role.name == call.name);
    let id = match (named.next(), named.next()) {
        (Some(role), None) if !is_id => &role.role_id,
        (Some(_) | None, Some(_) | None) => call.name,
    };
    Call::told(call.directory().role_permissions(id).await)
}
