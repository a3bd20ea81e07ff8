//! `management`: what of it is open to whom.

use gateway::directory::policy::ProjectId;
use gateway::{Creation, ManagementSettings};

use super::layers::{Given, Layers};
use super::problem::Problem;

const CREATE: &str = "management.create";
const RESERVED: &str = "management.reserved";

/// The keys by which somebody may create what they could not before.
pub(super) fn loosened(before: &ManagementSettings, now: &ManagementSettings) -> Vec<&'static str> {
    let closed = |create| match create {
        Creation::Anyone => 0,
        Creation::Members => 1,
        Creation::Nobody => 2,
    };
    let mut loosened = Vec::new();
    if closed(now.create) < closed(before.create) {
        loosened.push(CREATE);
    }
    if before.reserved.iter().any(|id| !now.reserved.contains(id)) {
        loosened.push(RESERVED);
    }
    loosened
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<ManagementSettings> {
    let create = layers.require(CREATE, problems, |given| {
        match given.text.trim().to_ascii_lowercase().as_str() {
            "anyone" => Ok(Creation::Anyone),
            "members" => Ok(Creation::Members),
            "nobody" => Ok(Creation::Nobody),
            _ => Err(format!("is {}", given.shown())),
        }
    });
    let reserved = match layers.given(RESERVED) {
        None => Some(Vec::new()),
        Some(given) => ids(given)
            .map_err(|wrong| problems.push(given.problem(wrong)))
            .ok(),
    };
    Some(ManagementSettings {
        create: create?,
        reserved: reserved?,
    })
}

fn ids(given: &Given) -> Result<Vec<ProjectId>, String> {
    let id = |text: &str| {
        ProjectId::new(text).map_err(|error| format!("names {text:?}, which is no id: {error}"))
    };
    given.text.split(',').map(str::trim).map(id).collect()
}

/// What follows where callers may give a project the id of a tenant that a backend already has.
pub(super) fn warning(settings: &ManagementSettings) -> Option<&'static str> {
    if !settings.reserved.is_empty() {
        return None;
    }
    match settings.create {
        Creation::Anyone => Some(
            "management.create is anyone and management.reserved is empty: whoever has a token can \
             create a project whose id is a tenant that Loki or Mimir already have, and then reads \
             all of its data; list such tenants in management.reserved, or set management.create to \
             nobody",
        ),
        Creation::Members => Some(
            "management.create is members and management.reserved is empty: whoever has write on an \
             organization can create a project whose id is a tenant that Loki or Mimir already have, \
             and then reads all of its data; list such tenants in management.reserved, or set \
             management.create to nobody",
        ),
        Creation::Nobody => None,
    }
}
