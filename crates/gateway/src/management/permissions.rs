//! What the caller may do at a place.

use directory::policy::{Action, Permission, Scope};
use http::Response;
use serde::Serialize;

use super::query::bad;
use super::{Call, refused};
use crate::error::Error;
use crate::routes::Query;
use crate::stream::Body;

#[derive(Serialize)]
struct Told<'a> {
    user_id: &'a str,
    scope_type: &'static str,
    scope_id: &'a str,
    /// The actions of this product's own permissions, for KtrlPlane's clients.
    permissions: Vec<&'static str>,
    /// Those of all types.
    held: Vec<Held<'a>>,
}

#[derive(Serialize)]
struct Held<'a> {
    resource_type: &'a str,
    action: &'a str,
}

/// The caller's own permissions. Of a place where the caller holds nothing none are told, whether it
/// exists or not.
pub(super) async fn check(call: &Call<'_>) -> Result<Response<Body>, Error> {
    let (scope_type, scope_id) = call.query.scope();
    let scope = Scope::new(scope_type, scope_id).ok_or_else(|| {
        bad(
            Query::ScopeType,
            "expected organization, project or resource",
        )
    })?;
    let scope = scope.map_err(|error| bad(Query::ScopeId, &error.to_string()))?;
    let place = call.directory().place_of(&scope).await;
    let held = match place.map_err(refused)? {
        None => Vec::new(),
        Some(place) => {
            let subject = call.principal.subject();
            let held = call.directory().permissions_at(subject, &place, call.now);
            held.await.map_err(refused)?
        }
    };
    let may = |action: &Action| held.iter().any(|permission| permission.allows(*action));
    let told = Told {
        user_id: call.principal.subject().as_str(),
        scope_type: scope.scope_type(),
        scope_id: scope.id(),
        permissions: Action::ALL
            .iter()
            .copied()
            .filter(may)
            .map(Action::as_str)
            .collect(),
        held: held.iter().map(Held::from).collect(),
    };
    Call::told(Ok(told))
}

impl<'a> From<&'a Permission> for Held<'a> {
    fn from(permission: &'a Permission) -> Self {
        Self {
            resource_type: &permission.resource_type,
            action: &permission.action,
        }
    }
}
