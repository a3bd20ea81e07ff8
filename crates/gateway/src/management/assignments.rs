//! Who holds which role on a place.

use directory::manage::{Grantee, Operation};
use directory::policy::{Place, Subject};
use http::Response;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Call, json, refused, reply};
use crate::error::Error;
use crate::stream::Body;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    user_id: Option<String>,
    email: Option<String>,
    role_id: String,
    expires_at: Option<String>,
}

/// What the answer to a grant is read for.
#[derive(Deserialize)]
struct Granted {
    assignment_id: String,
}

/// Those that reach the place, each with where it is held.
pub(super) async fn list(call: &Call<'_>, place: &Place) -> Result<Response<Body>, Error> {
    let page = call.query.page();
    let listed = call.directory().assignments(place, call.now, &page).await;
    call.page(&listed.map_err(refused)?)
}

/// A role, given.
pub(super) async fn grant(call: &Call<'_>, place: Place) -> Result<Response<Body>, Error> {
    let new: New = json::read(&call.body)?;
    let to = match (new.user_id, new.email) {
        (Some(subject), None) => Grantee::Subject(json::id("user_id", &subject, Subject::new)?),
        (None, Some(email)) => Grantee::Email(email),
        (None, None) | (Some(_), Some(_)) => {
            let sentence = "say to whom, with either user_id or email";
            return Err(json::bad(sentence.to_owned()));
        }
    };
    let expires_at = new.expires_at.as_deref().map(expiry).transpose()?;
    let at = path(&place);
    let operation = Operation::Grant {
        place,
        to,
        role: new.role_id,
        expires_at,
    };
    let done = call.write(operation).await?;
    let granted = done.json.as_deref().and_then(|json| {
        let granted = serde_json::from_str::<Granted>(json);
        granted.ok()
    });
    let Granted { assignment_id } = granted.ok_or(Error::Internal)?;
    reply::created(done, &format!("{at}/rbac/{assignment_id}"))
}

/// A role, taken back.
pub(super) async fn withdraw(call: &Call<'_>, place: Place) -> Result<Response<Body>, Error> {
    let assignment = call.name.to_owned();
    let done = call
        .write(Operation::Withdraw { place, assignment })
        .await?;
    Ok(reply::removed(&done))
}

/// A time as RFC 3339 has it: the parser would take much more.
fn expiry(text: &str) -> Result<Timestamp, Error> {
    let of_a_time = |byte: u8| {
        byte.is_ascii_digit()
            || matches!(byte, b'-' | b'+' | b':' | b'.' | b'T' | b't' | b'Z' | b'z')
    };
    let has_date_and_time = text.as_bytes().get(10).is_some_and(u8::is_ascii_alphabetic);
    let time = text.parse().ok();
    let fits = has_date_and_time && text.bytes().all(of_a_time);
    time.filter(|_| fits).ok_or_else(|| {
        json::bad("expires_at: expected a time such as 2030-01-31T12:00:00Z (RFC 3339)".to_owned())
    })
}

fn path(place: &Place) -> String {
    match place {
        Place::Organization(id) => format!("/api/v1/organizations/{id}"),
        Place::Project(id) => format!("/api/v1/projects/{id}"),
        Place::Resource(project, id) => format!("/api/v1/projects/{project}/resources/{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_of_rfc_3339() {
        for good in [
            "2030-01-31T12:00:00Z",
            "2030-01-31t12:00:00.123456z",
            "2030-01-31T12:00:00-05:00",
        ] {
            assert!(expiry(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2030",
            "2030-01-31",
            "2030-01-31 12:00:00Z",
            "2030-01-31T12:00:00",
            "2030-01-31T12:00:00Z[UTC]",
            "2030-02-31T12:00:00Z",
            "1738324800",
            "+02030-01-31T12:00Z",
        ] {
            assert!(expiry(bad).is_err(), "{bad}");
        }
    }
}
