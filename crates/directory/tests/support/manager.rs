//! Writes and reads in short, for tests.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "support for tests, of which not every one uses all"
)]

use directory::manage::list::{Page, Reader};
use directory::manage::record::Done;
use directory::manage::{Actor, Grantee, IfMatch, Operation, Write};
use directory::policy::Place;
use directory::{Directory, DirectoryError};
use jiff::Timestamp;

use crate::home::{at, organization, project, resource, subject};

/// The time of all writes that say none.
pub const NOW: i64 = 1_900_000_000;

pub fn now() -> Timestamp {
    at(NOW)
}

/// A write by a subject.
pub fn by(who: &str) -> Write {
    Write {
        actor: Actor::Subject(subject(who)),
        now: now(),
        request_id: "request".to_owned(),
        if_match: None,
        idempotency_key: None,
    }
}

pub fn by_operator() -> Write {
    Write {
        actor: Actor::Operator,
        ..by("operator")
    }
}

pub fn with_key(write: Write, key: &str) -> Write {
    Write {
        idempotency_key: Some(key.to_owned()),
        ..write
    }
}

pub fn if_match(write: Write, tag: &str) -> Write {
    Write {
        if_match: Some(IfMatch::Tags(vec![tag.to_owned()])),
        ..write
    }
}

/// `acme`, `acme/shop` as a project of whatever organization: `/shop`, and `/shop/api`.
pub fn place(text: &str) -> Place {
    let parts: Vec<&str> = text.split('/').collect();
    match *parts {
        [id] => Place::Organization(organization(id)),
        ["", id] => Place::Project(project(id)),
        ["", id, below] => Place::Resource(project(id), resource(below)),
        _ => panic!("{text} is no place"),
    }
}

pub fn new_organization(id: &str) -> Operation {
    Operation::CreateOrganization {
        id: organization(id),
        name: format!("The {id}"),
    }
}

pub fn new_project(id: &str, parent: Option<&str>) -> Operation {
    Operation::CreateProject {
        id: project(id),
        organization: parent.map(organization),
        name: format!("The {id}"),
    }
}

pub fn new_resource(parent: &str, id: &str) -> Operation {
    Operation::CreateResource {
        project: project(parent),
        id: resource(id),
        name: format!("The {id}"),
        kind: "Konnektr.Graph".to_owned(),
        sku: None,
        settings: None,
    }
}

/// Gives a role on what [`place`] reads.
pub fn role(who: &str, role: &str, on: &str) -> Operation {
    role_until(who, role, on, None)
}

pub fn role_until(who: &str, role: &str, on: &str, until: Option<i64>) -> Operation {
    Operation::Grant {
        place: place(on),
        to: Grantee::Subject(subject(who)),
        role: role.to_owned(),
        expires_at: until.map(at),
    }
}

pub fn withdrawal(assignment: &str, on: &str) -> Operation {
    Operation::Withdraw {
        place: place(on),
        assignment: assignment.to_owned(),
    }
}

pub fn deletion(of: &str, cascade: bool) -> Operation {
    match place(of) {
        Place::Organization(id) => Operation::DeleteOrganization { id, cascade },
        Place::Project(id) => Operation::DeleteProject { id, cascade },
        Place::Resource(project, id) => Operation::DeleteResource { project, id },
    }
}

pub fn renaming(of: &str, name: &str) -> Operation {
    let name = name.to_owned();
    match place(of) {
        Place::Organization(id) => Operation::UpdateOrganization { id, name },
        Place::Project(id) => Operation::UpdateProject {
            id,
            name: Some(name),
            organization: None,
        },
        Place::Resource(project, id) => Operation::UpdateResource {
            project,
            id,
            name: Some(name),
            sku: None,
            settings: None,
        },
    }
}

/// A member of an answer's JSON.
pub fn member(done: &Done, name: &str) -> serde_json::Value {
    let json: serde_json::Value = serde_json::from_str(done.json.as_deref().unwrap()).unwrap();
    json[name].clone()
}

pub fn text(done: &Done, name: &str) -> String {
    member(done, name).as_str().unwrap().to_owned()
}

/// Writes as a subject what must succeed.
pub async fn write(directory: &Directory, who: &str, operation: Operation) -> Done {
    directory.write(by(who), operation).await.unwrap()
}

pub async fn operate(directory: &Directory, operation: Operation) -> Done {
    directory.write(by_operator(), operation).await.unwrap()
}

/// Gives a role as the operator, and returns the assignment's id.
pub async fn give(directory: &Directory, who: &str, name: &str, on: &str) -> String {
    text(
        &operate(directory, role(who, name, on)).await,
        "assignment_id",
    )
}

pub fn all() -> Page {
    Page {
        after: None,
        limit: 1000,
    }
}

pub fn reader(who: &str) -> Reader {
    Reader::Subject(subject(who), now())
}

/// The kind of an error, without its sentence.
pub fn kind<T>(result: &Result<T, DirectoryError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(DirectoryError::Unavailable(_)) => "unavailable",
        Err(DirectoryError::NotFound(_)) => "not found",
        Err(DirectoryError::AlreadyExists(_)) => "exists",
        Err(DirectoryError::Forbidden(_)) => "forbidden",
        Err(DirectoryError::Conflict(_)) => "conflict",
        Err(DirectoryError::PreconditionFailed) => "precondition failed",
        Err(DirectoryError::KeyReused) => "key reused",
        Err(DirectoryError::ReadOnly) => "read-only",
        Err(DirectoryError::Invalid(_)) => "invalid",
    }
}
