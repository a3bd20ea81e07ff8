//! Roles: the same for everybody, and no secret.

use http::Response;

use super::Call;
use crate::error::Error;
use crate::stream::Body;

/// All of them.
pub(super) async fn list(call: &Call<'_>) -> Result<Response<Body>, Error> {
    Call::told(call.directory().roles().await)
}

/// What one of them holds.
pub(super) async fn permissions(call: &Call<'_>) -> Result<Response<Body>, Error> {
    Call::told(call.directory().role_permissions(call.name).await)
}
