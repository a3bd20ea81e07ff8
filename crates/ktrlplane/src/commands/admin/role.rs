//! `ktrlplane admin grant`, `revoke`, `access` and `roles`.

use clap::{ArgGroup, Args};
use gateway::directory::DirectoryError;
use gateway::directory::manage::list::Page;
use gateway::directory::manage::record::{Role, RoleAssignment};
use gateway::directory::manage::{Grantee, Operation};
use gateway::directory::policy::{Place, Subject};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde_json::json;

use super::super::Failure;
use super::desk::{Desk, Row, now, or_dash};
use super::place::Somewhere;

/// Grant a role on an organization, project or resource.
///
/// A role on an organization holds for its projects, a role on a project for its resources. Who is
/// named by their subject need not be known yet.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("who").required(true),
    after_help = "\
Examples:
  ktrlplane admin grant --role Owner --user 'auth0|5f7c8ec7' --org acme
  ktrlplane admin grant --role Viewer --email ada@example.com --project acme-shop --expires 30d
  ktrlplane admin grant --role Viewer --user robot@clients --project acme-shop --expires 2027-12-31"
)]
pub(super) struct Grant {
    /// The role's name or id: Owner, Editor, Viewer, or another of `ktrlplane admin roles`.
    #[arg(long)]
    role: String,
    /// The `sub` of the user's tokens.
    #[arg(long, group = "who", value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
    user: Option<Subject>,
    /// The e-mail address of exactly one known user.
    #[arg(long, group = "who", value_name = "ADDRESS")]
    email: Option<String>,
    #[command(flatten)]
    place: Somewhere,
    /// When the role ends: a time (2027-12-31T18:00:00Z), a date (in UTC), or how long it holds
    /// (12h, 30d). Without it the role does not end.
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Expiry>,
}

/// When a role ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expiry {
    At(Timestamp),
    In(SignedDuration),
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if let Ok(timestamp) = text.parse() {
        return Ok(Expiry::At(timestamp));
    }
    let of_date = |date: Date| date.to_zoned(TimeZone::UTC).ok();
    if let Some(midnight) = text.parse().ok().and_then(of_date) {
        return Ok(Expiry::At(midnight.timestamp()));
    }
    let span = text.parse::<Span>().ok();
    let duration = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    match duration {
        Some(duration) if duration.is_positive() => Ok(Expiry::In(duration)),
        Some(_) | None => Err(
            "give a time such as 2027-12-31T18:00:00Z, a date such as 2027-12-31, or how long it \
             holds, such as 12h or 30d"
                .to_owned(),
        ),
    }
}

pub(super) async fn grant(desk: &Desk, grant: Grant) -> Result<(), Failure> {
    let place = grant.place.place(desk).await?;
    let now = now();
    let too_late = |_| Failure::new("the expiry is too far away").with_code(2);
    let expires_at = match grant.expires {
        None => None,
        Some(Expiry::At(at)) => Some(at),
        Some(Expiry::In(duration)) => Some(now.checked_add(duration).map_err(too_late)?),
    };
    let (to, who) = match (grant.user, grant.email) {
        (Some(subject), _) => (Grantee::Subject(subject.clone()), subject.to_string()),
        (None, email) => {
            let email = email.unwrap_or_default();
            (Grantee::Email(email.clone()), email)
        }
    };
    let until = expires_at.map_or_else(String::new, |at| format!(" until {at}"));
    let sentence = format!("`{who}` holds the role `{}` on {place}{until}", grant.role);
    let operation = Operation::Grant {
        place,
        to,
        role: grant.role,
        expires_at,
    };
    desk.done(&desk.write(operation).await?, sentence)
}

/// Withdraw a role, by the assignment's id or by who holds it where.
///
/// It is withdrawn where it is held: a role that a project inherits from its organization is
/// withdrawn from the organization. An organization keeps its last owner.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane admin revoke 0199f3a0-7b1c-7000-8000-0123456789ab
  ktrlplane admin revoke --user 'auth0|5f7c8ec7' --project acme-shop
  ktrlplane admin revoke --user 'auth0|5f7c8ec7' --role Editor --org acme

`ktrlplane admin access` shows the assignments and their ids.")]
pub(super) struct Revoke {
    /// The assignment's id.
    #[arg(required_unless_present = "user", conflicts_with_all = ["user", "role", "org", "project", "resource"])]
    assignment: Option<String>,
    /// Who holds it: the `sub` of the user's tokens.
    #[arg(long, value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
    user: Option<Subject>,
    /// The role's name or id; without it, all that the user holds on the place itself.
    #[arg(long)]
    role: Option<String>,
    #[command(flatten)]
    place: Somewhere,
}

pub(super) async fn revoke(desk: &Desk, revoke: Revoke) -> Result<(), Failure> {
    let (place, ids) = match (revoke.assignment, revoke.user) {
        (Some(id), _) => {
            let place = desk.directory.place_of_assignment(&id).await?;
            let place =
                place.ok_or_else(|| missing(format!("there is no role assignment `{id}`")))?;
            (place, vec![id])
        }
        (None, user) => {
            let place = revoke.place.existing(desk).await?;
            let role = revoke.role.as_deref();
            let user = user.as_ref().map_or("", Subject::as_str);
            let ids = held(desk, &place, |held| {
                held.user_id == user
                    && held.inheritance_type == "direct"
                    && role.is_none_or(|role| held.role.name == role || held.role_id == role)
            })
            .await?;
            if ids.is_empty() {
                let what = role.map_or_else(|| "no role".to_owned(), |role| format!("no `{role}`"));
                return Err(missing(format!(
                    "`{user}` holds {what} on {place} itself; `ktrlplane admin access` shows what \
                     is inherited, and from where"
                )));
            }
            (place, ids)
        }
    };
    for id in ids {
        let json = json!({"withdrawn": id});
        let sentence = format!("the assignment {id} on {place} is withdrawn");
        let operation = Operation::Withdraw {
            place: place.clone(),
            assignment: id,
        };
        desk.write(operation).await?;
        desk.said(json, sentence)?;
    }
    Ok(())
}

/// The ids of the assignments at a place that are wanted.
async fn held(
    desk: &Desk,
    place: &Place,
    wanted: impl Fn(&RoleAssignment) -> bool,
) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut page = Page {
        after: None,
        limit: 1000,
    };
    loop {
        let listed = desk.directory.assignments(place, now(), &page).await?;
        let wanted = listed.records.into_iter().filter(&wanted);
        ids.extend(wanted.map(|held| held.assignment_id));
        page.after = listed.next;
        if page.after.is_none() {
            return Ok(ids);
        }
    }
}

fn missing(sentence: String) -> Failure {
    Failure::from(DirectoryError::NotFound(sentence))
}

/// Show who holds which role on an organization, project or resource, and where it comes from.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane admin access --project acme-shop
  ktrlplane admin access --project acme-shop --user 'auth0|5f7c8ec7' --json")]
pub(super) struct Access {
    #[command(flatten)]
    place: Somewhere,
    /// Only this user's.
    #[arg(long, value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
    user: Option<Subject>,
}

impl Row for RoleAssignment {
    const TITLES: &'static [&'static str] = &[
        "subject",
        "name",
        "role",
        "held on",
        "expires",
        "assignment",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.user_id.clone(),
            or_dash(self.user.name.as_ref()),
            self.role.name.clone(),
            format!("{} {}", self.scope_type, self.scope_id),
            or_dash(self.expires_at),
            self.assignment_id.clone(),
        ]
    }
}

pub(super) async fn access(desk: &Desk, access: &Access) -> Result<(), Failure> {
    let place = access.place.existing(desk).await?;
    let now = now();
    let read = async |page: &_| desk.directory.assignments(&place, now, page).await;
    let user = access.user.as_ref().map(Subject::as_str);
    let wanted = |held: &RoleAssignment| user.is_none_or(|user| held.user_id == user);
    desk.pages(None, wanted, read).await
}

impl Row for Role {
    const TITLES: &'static [&'static str] = &["role", "id", "description"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.role_id.clone(),
            or_dash(self.description.as_ref()),
        ]
    }
}

pub(super) async fn list(desk: &Desk) -> Result<(), Failure> {
    desk.all(&desk.directory.roles().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_time_a_date_or_how_long() {
        let at = |text: &str| Ok(Expiry::At(text.parse().unwrap()));
        assert_eq!(expiry("2027-12-31T18:00:00Z"), at("2027-12-31T18:00:00Z"));
        assert_eq!(
            expiry("2027-12-31T18:00:00+02:00"),
            at("2027-12-31T16:00:00Z")
        );
        assert_eq!(expiry("2027-12-31"), at("2027-12-31T00:00:00Z"));
        let hours = |hours| Ok(Expiry::In(SignedDuration::from_hours(hours)));
        assert_eq!(expiry("12h"), hours(12));
        assert_eq!(expiry("30d"), hours(720));
        assert_eq!(expiry("2 weeks"), hours(336));
        for text in ["", "soon", "-1d", "0s", "1 month", "2027-13-01", "tomorrow"] {
            assert!(expiry(text).is_err(), "{text}");
        }
    }
}
