//! Users: the caller, and those whom the caller may know of.

use directory::manage::record::User;
use http::Response;
use serde::Serialize;

use super::{Call, refused};
use crate::error::Error;
use crate::stream::Body;

/// Users who hold a role where the caller may manage access, by the beginning of name, e-mail address
/// or subject.
pub(super) async fn search(call: &Call<'_>) -> Result<Response<Body>, Error> {
    let (reader, text) = (call.reader(), call.query.text());
    Call::told(
        call.directory()
            .users(&reader, text, call.query.limit())
            .await,
    )
}

/// The caller, as answered.
#[derive(Serialize)]
struct Me {
    #[serde(flatten)]
    user: User,
    /// Whether they may create organizations, and projects without one.
    can_create: bool,
}

/// The caller. What the token says goes before what the directory has heard earlier, and is kept: by
/// their verified address others can then give them roles.
pub(super) async fn me(call: &Call<'_>) -> Result<Response<Body>, Error> {
    call.remember_caller().await;
    let subject = call.principal.subject();
    let known = call.directory().user(subject).await.map_err(refused)?;
    let (email, name) = known.map_or((None, None), |user| (user.email, user.name));
    let told = |text: Option<&str>| text.map(str::to_owned);
    let user = User {
        id: subject.as_str().to_owned(),
        user_id: subject.as_str().to_owned(),
        email: told(call.principal.email()).or(email),
        name: told(call.principal.name()).or(name),
    };
    let can_create = call.directory().is_managed() && call.may_create("").is_ok();
    Call::told(Ok(Me { user, can_create }))
}
