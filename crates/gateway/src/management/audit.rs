//! What was written about a place.

use directory::policy::Place;
use http::Response;

use super::{Call, refused};
use crate::error::Error;
use crate::stream::Body;

/// The writes about a place and what is in it, newest first.
pub(super) async fn list(call: &Call<'_>, place: &Place) -> Result<Response<Body>, Error> {
    let listed = call.directory().audit(place, &call.query.page()).await;
    call.page(&listed.map_err(refused)?)
}
