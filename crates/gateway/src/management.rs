//! Management: organizations, projects, resources, and who holds roles on them.
//!
//! Every request is decided before anything else of it is looked at: whoever may not know of a place
//! learns nothing from a malformed body. A write is decided again by the directory, in the
//! transaction that writes; what was decided here may have changed while the body came.

mod query;

mod conditions;

mod json;

mod reply;

mod organizations;

mod projects;

mod resources;

mod assignments;

mod audit;

mod roles;

mod permissions;

mod users;

use bytes::Bytes;
use directory::manage::list::Reader;
use directory::manage::record::Done;
use directory::manage::{Actor, Operation, Write};
use directory::policy::{Place, ProjectId};
use directory::{Directory, DirectoryError};
use http::request::Parts;
use http::{HeaderValue, Response};
use jiff::Timestamp;

use crate::audit::Record;
use crate::authenticate::Principal;
use crate::authorize::{Named, manage, named};
use crate::body;
use crate::error::{Error, Flaw};
use crate::pipeline::{Form, Shared};
use crate::routes::{Effect, Found, Managed, Needs, Target, Task};
use crate::settings::Creation;
use crate::stream::Body;
use conditions::{Conditions, IDEMPOTENCY_KEY};
use query::Given;

pub(crate) use conditions::MAX_KEY_LENGTH;
pub(crate) use query::{MAX_TEXT_LENGTH, MOST_OF_A_PAGE, PAGE};

/// A request for management, by whom it is known.
pub(crate) struct Asked<'a> {
    pub(crate) managed: &'a Managed,
    pub(crate) found: Found<'a>,
    pub(crate) head: &'a Parts,
    pub(crate) principal: Principal,
    pub(crate) id: &'a HeaderValue,
    pub(crate) record: &'a Record,
}

/// A request that was let through, as the endpoints see it.
struct Call<'a> {
    shared: &'a Shared,
    principal: &'a Principal,
    /// The segment in the path's braces.
    name: &'a str,
    /// The path as it was sent.
    path: &'a str,
    query: Given,
    conditions: Conditions,
    body: Bytes,
    request_id: &'a str,
    record: &'a Record,
    now: Timestamp,
}

/// Answers a request.
pub(crate) async fn answer<B: Form>(
    asked: Asked<'_>,
    body: B,
    shared: &Shared,
) -> Result<Response<Body>, Error> {
    let Asked {
        managed,
        found,
        head,
        principal,
        id,
        record,
    } = asked;
    let place = decide(managed, found.target, head, &principal, record, shared).await?;
    let query = Given::read(managed.query, head.uri.query().unwrap_or_default())?;
    let conditions = Conditions::read(&head.headers, managed.task.effect())?;
    let (body, _place) = if managed.task.takes_body() {
        let of = (&shared.bodies, principal.subject());
        body::read(body, shared.connections.body_timeout, of).await?
    } else {
        (Bytes::new(), None)
    };
    let call = Call {
        shared,
        principal: &principal,
        name: found.name,
        path: head.uri.path(),
        query,
        conditions,
        body,
        request_id: id.to_str().unwrap_or_default(),
        record,
        // After the body, which may have taken its time.
        now: shared.clock.now(),
    };
    perform(&call, managed.task, place).await
}

/// Does what the row says, at the place that the path names.
async fn perform(
    call: &Call<'_>,
    task: Task,
    place: Option<Place>,
) -> Result<Response<Body>, Error> {
    match (task, place) {
        (Task::ListOrganizations, None) => organizations::list(call).await,
        (Task::CreateOrganization, None) => organizations::create(call).await,
        (Task::ReadOrganization, Some(Place::Organization(id))) => {
            organizations::read(call, &id).await
        }
        (Task::UpdateOrganization, Some(Place::Organization(id))) => {
            organizations::update(call, id).await
        }
        (Task::DeleteOrganization, Some(Place::Organization(id))) => {
            organizations::delete(call, id).await
        }
        (Task::ListProjects, None) => projects::list(call).await,
        (Task::CreateProject, None) => projects::create(call).await,
        (Task::ReadProject, Some(Place::Project(id))) => projects::read(call, &id).await,
        (Task::UpdateProject, Some(Place::Project(id))) => projects::update(call, id).await,
        (Task::DeleteProject, Some(Place::Project(id))) => projects::delete(call, id).await,
        (Task::ListResources, Some(Place::Project(id))) => resources::list(call, id).await,
        (Task::CreateResource, Some(Place::Project(id))) => resources::create(call, id).await,
        (Task::ReadResource, Some(Place::Resource(project, id))) => {
            resources::read(call, &project, &id).await
        }
        (Task::UpdateResource, Some(Place::Resource(project, id))) => {
            resources::update(call, project, id).await
        }
        (Task::DeleteResource, Some(Place::Resource(project, id))) => {
            resources::delete(call, project, id).await
        }
        (Task::ListAssignments, Some(place)) => assignments::list(call, &place).await,
        (Task::Grant, Some(place)) => assignments::grant(call, place).await,
        (Task::Withdraw, Some(place)) => assignments::withdraw(call, place).await,
        (Task::Audit, Some(place)) => audit::list(call, &place).await,
        (Task::ListRoles, None) => roles::list(call).await,
        (Task::RolePermissions, None) => roles::permissions(call).await,
        (Task::CheckPermissions, None) => permissions::check(call).await,
        (Task::SearchUsers, None) => users::search(call).await,
        (Task::Me, None) => users::me(call).await,
        // A row whose mount has no such place: the test that walks the table finds it.
        _ => Err(Error::Internal),
    }
}

/// Decides whether the caller may do this, and says on what: nothing, where the path names nothing.
async fn decide(
    managed: &Managed,
    target: Target<'_>,
    head: &Parts,
    principal: &Principal,
    record: &Record,
    shared: &Shared,
) -> Result<Option<Place>, Error> {
    match managed.needs {
        Needs::Token => {
            record.allowed(None);
            Ok(None)
        }
        Needs::On(action) => {
            let named = named(target, action)?;
            let now = shared.clock.now();
            let carried = manage(&shared.directory, principal, action, &named, now).await;
            let place = match named {
                Named::Place(place) => Some(place),
                Named::NoResource(_) => None,
            };
            match carried {
                Ok(carried) => {
                    record.allowed(Some(&*carried.assignment));
                    if let Some(organization) = &carried.organization {
                        record.organization(organization);
                    }
                }
                // What this would remove may be what an earlier try has removed, and the caller's
                // role on it with it. The directory knows by the key, and decides anew without. What
                // can be no place was not removed either.
                Err(Error::NotPermitted { .. } | Error::UnknownResource)
                    if place.is_some()
                        && managed.task.effect() == Effect::Removes
                        && head.headers.contains_key(IDEMPOTENCY_KEY) => {}
                Err(error) => return Err(error),
            }
            Ok(place)
        }
        // Decided by what is found: the list itself holds only what the caller may see.
        Needs::Within(action) => match named(target, action)? {
            Named::Place(place) => Ok(Some(place)),
            Named::NoResource(_) => Err(Error::NotPermitted {
                action,
                place: "resource",
            }),
        },
    }
}

impl Call<'_> {
    fn directory(&self) -> &Directory {
        &self.shared.directory
    }

    /// The caller, as one who reads lists.
    fn reader(&self) -> Reader {
        Reader::Subject(self.principal.subject().clone(), self.now)
    }

    /// Refuses the creation of what is in nothing else where that is the operators' alone.
    fn may_create(&self, what: &'static str) -> Result<(), Error> {
        match self.shared.management.create {
            Creation::Anyone => Ok(()),
            Creation::Members | Creation::Nobody => Err(Error::CreationClosed(what)),
        }
    }

    /// Refuses the creation of projects, wherever they are, where that is the operators' alone.
    fn may_create_projects(&self) -> Result<(), Error> {
        match self.shared.management.create {
            Creation::Anyone | Creation::Members => Ok(()),
            Creation::Nobody => Err(Error::CreationClosed("projects")),
        }
    }

    /// Refuses to give a project an id that is the operators' alone to give.
    fn may_give(&self, id: &ProjectId) -> Result<(), Error> {
        if self.shared.management.reserved.contains(id) {
            return Err(Error::IdReserved);
        }
        Ok(())
    }

    /// Writes, in the caller's name and on the caller's conditions.
    async fn write(&self, operation: Operation) -> Result<Done, Error> {
        let write = Write {
            actor: Actor::Subject(self.principal.subject().clone()),
            now: self.now,
            request_id: self.request_id.to_owned(),
            if_match: self.conditions.if_match.clone(),
            idempotency_key: self.conditions.idempotency_key.clone(),
        };
        self.record.operation(&operation);
        let done = self.directory().write(write, operation).await;
        if let Err(error @ DirectoryError::Unavailable(_)) = &done {
            tracing::error!(%error, "the directory did not say whether it has written");
            return Err(Error::WriteUnknown);
        }
        let done = done.map_err(refused)?;
        self.record.allowed(done.assignment.as_deref());
        // Whoever has written something is known by name to those who look at it.
        self.remember_caller().await;
        Ok(done)
    }

    /// Keeps what the token says of the caller. Nothing that is answered depends on it.
    async fn remember_caller(&self) {
        let principal = self.principal;
        let (subject, email, name) = (principal.subject(), principal.email(), principal.name());
        let remembered = self.directory().remember_user(subject, email, name).await;
        match remembered {
            Ok(()) | Err(DirectoryError::ReadOnly) => {}
            Err(error) => tracing::warn!(%error, "who the caller is could not be kept"),
        }
    }
}

/// What the directory's refusals are here.
fn refused(error: DirectoryError) -> Error {
    match error {
        error @ DirectoryError::Unavailable(_) => {
            tracing::error!(%error, "nothing can be read for management");
            Error::DirectoryUnavailable
        }
        DirectoryError::NotFound(sentence) => Error::NotFound(sentence),
        DirectoryError::AlreadyExists(sentence) | DirectoryError::Conflict(sentence) => {
            Error::Conflict(sentence)
        }
        DirectoryError::Forbidden(sentence) => Error::Denied(sentence),
        DirectoryError::PreconditionFailed => Error::PreconditionFailed,
        DirectoryError::KeyReused => Error::KeyReused,
        DirectoryError::ReadOnly => Error::ReadOnly,
        DirectoryError::Invalid(sentence) => Error::BadData(Flaw::Management, sentence),
    }
}
