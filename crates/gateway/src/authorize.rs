//! Whether the caller may do this here.

use std::sync::Arc;

use directory::Directory;
use directory::policy::{Action, OrganizationId, Place, ProjectId, ResourceId};
use jiff::Timestamp;

use crate::authenticate::Principal;
use crate::error::Error;
use crate::routes::Target;

/// What of a project a request reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// This resource, which is in the project, and nothing else.
    Resource(ResourceId),
    /// All of it.
    Project,
}

/// The proof that a principal may do what a route does, on one resource of one project or on the
/// whole project.
///
/// Only [`authorize`] makes one:
///
/// ```compile_fail,E0451
/// # use gateway::authorize::Permit;
/// # fn forge(real: Permit, project: gateway::directory::policy::ProjectId) -> Permit {
/// Permit { project, ..real }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Permit {
    principal: Principal,
    action: Action,
    organization: Option<OrganizationId>,
    project: ProjectId,
    reach: Reach,
    assignment: Arc<str>,
}

impl Permit {
    /// Who may.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Decides again, by what the directory says now: a tail lasts longer than a decision may be
    /// believed. The errors are those of [`authorize`].
    pub(crate) async fn renewed(
        &self,
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let target = match &self.reach {
            Reach::Project => Target::Project(self.project.as_str()),
            Reach::Resource(resource) => Target::Resource(self.project.as_str(), resource.as_str()),
        };
        let asked = Asked::read(target)?;
        decide(directory, self.principal.clone(), self.action, asked, now).await
    }

    /// The project's organization, if it is in one.
    #[must_use]
    pub fn organization(&self) -> Option<&OrganizationId> {
        self.organization.as_ref()
    }

    /// The project, and so the tenant.
    #[must_use]
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// What of the project.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The id of the role assignment that carried the permission, for the audit.
    #[must_use]
    pub fn assignment(&self) -> &str {
        &self.assignment
    }
}

/// Decides whether `principal` may do `action` on the project, and whether the resource, if one is
/// named, is there.
///
/// What `target` names are segments of the path, not yet known to be ids. Where the caller has
/// no permission, nothing depends on whether the project or the resource exists (threat 22): one
/// lookup answers all, and the answer is [`Error::Forbidden`] for each.
pub async fn authorize(
    directory: &Directory,
    principal: Principal,
    action: Action,
    target: Target<'_>,
    now: Timestamp,
) -> Result<Permit, Error> {
    let asked = Asked::read(target)?;
    decide(directory, principal, action, asked, now).await
}

/// What a path names, as far as these are ids.
struct Asked {
    project: ProjectId,
    /// Whether a resource is named.
    named: bool,
    /// The resource. What is no id names none, but whether that may be told is the permission's
    /// matter.
    resource: Option<ResourceId>,
}

impl Asked {
    fn read(target: Target<'_>) -> Result<Self, Error> {
        let (project, named) = match target {
            // No route about a tenant's data is mounted there.
            Target::Nothing | Target::Organization(_) => return Err(Error::Forbidden),
            Target::Project(project) => (project, None),
            Target::Resource(project, resource) => (project, Some(resource)),
        };
        Ok(Self {
            project: ProjectId::new(project).map_err(|_| Error::Forbidden)?,
            named: named.is_some(),
            resource: named.and_then(|resource| ResourceId::new(resource).ok()),
        })
    }
}

async fn decide(
    directory: &Directory,
    principal: Principal,
    action: Action,
    asked: Asked,
    now: Timestamp,
) -> Result<Permit, Error> {
    let Asked {
        project,
        named,
        resource,
    } = asked;
    let place = match &resource {
        Some(resource) => Place::Resource(project.clone(), resource.clone()),
        None => Place::Project(project.clone()),
    };
    let access = directory.access(principal.subject(), &place).await;
    // Any failure is a 503: never decided in the caller's favour (threat 23).
    let access = access.map_err(|error| {
        tracing::error!(%error, "access cannot be decided");
        Error::DirectoryUnavailable
    })?;
    let carried_by = access.decide_on_project(action, now).map_err(|refusal| {
        tracing::debug!(?refusal, %project, "refused");
        Error::Forbidden
    })?;
    let assignment = Arc::clone(&carried_by.id);
    let lineage = access.lineage();
    let is_there = lineage.is_some_and(|lineage| lineage.resource.is_some());
    let organization = lineage.and_then(|lineage| lineage.organization.clone());
    let reach = match (named, resource) {
        (false, _) => Reach::Project,
        (true, Some(resource)) if is_there => Reach::Resource(resource),
        (true, Some(_) | None) => return Err(Error::UnknownResource),
    };
    Ok(Permit {
        principal,
        action,
        organization,
        project,
        reach,
        assignment,
    })
}

/// What a path names, for management.
pub(crate) enum Named {
    /// A place.
    Place(Place),
    /// Something of this project that cannot be a resource, because its id is none. It is never the
    /// project: whoever may act on that is told that there is no such resource.
    NoResource(ProjectId),
}

/// Reads the place that `target` names. What is no id names no place, and whether there is one is
/// not told to who has no permission there: `action` is the one that they would need.
pub(crate) fn named(target: Target<'_>, action: Action) -> Result<Named, Error> {
    let none = |place| move |_| Error::NotPermitted { action, place };
    let place = match target {
        // No route about a place is mounted there.
        Target::Nothing => return Err(Error::Forbidden),
        Target::Organization(id) => {
            Place::Organization(OrganizationId::new(id).map_err(none("organization"))?)
        }
        Target::Project(id) => {
            let project = ProjectId::new(id).map_err(none("project"))?;
            Place::Project(project)
        }
        Target::Resource(id, resource) => {
            let project = ProjectId::new(id).map_err(none("resource"))?;
            let Ok(resource) = ResourceId::new(resource) else {
                return Ok(Named::NoResource(project));
            };
            Place::Resource(project, resource)
        }
    };
    Ok(Named::Place(place))
}

/// What carries a permission to manage a place.
pub(crate) struct Carried {
    /// The id of the role assignment.
    pub(crate) assignment: Arc<str>,
    /// The organization that the place is, or is in.
    pub(crate) organization: Option<OrganizationId>,
}

/// Decides whether `principal` may do `action` on the very place that is named. A role on a resource
/// counts for that resource.
///
/// Where the caller has no permission, nothing depends on whether the place exists (threat 22): the
/// answer is [`Error::NotPermitted`] for each.
pub(crate) async fn manage(
    directory: &Directory,
    principal: &Principal,
    action: Action,
    named: &Named,
    now: Timestamp,
) -> Result<Carried, Error> {
    let project;
    let (asked, place) = match named {
        Named::Place(place @ Place::Organization(_)) => (place, "organization"),
        Named::Place(place @ Place::Project(_)) => (place, "project"),
        Named::Place(place @ Place::Resource(..)) => (place, "resource"),
        Named::NoResource(id) => {
            project = Place::Project(id.clone());
            (&project, "resource")
        }
    };
    let access = directory.access(principal.subject(), asked).await;
    let access = access.map_err(|error| {
        tracing::error!(%error, "access cannot be decided");
        Error::DirectoryUnavailable
    })?;
    let carried_by = access.decide(action, now).map_err(|refusal| {
        tracing::debug!(?refusal, place = %asked, "refused");
        Error::NotPermitted { action, place }
    })?;
    let lineage = access.lineage();
    let is_there = match named {
        Named::Place(Place::Organization(_) | Place::Project(_)) => true,
        Named::Place(Place::Resource(..)) => {
            lineage.is_some_and(|lineage| lineage.resource.is_some())
        }
        Named::NoResource(_) => false,
    };
    if !is_there {
        return Err(Error::UnknownResource);
    }
    Ok(Carried {
        assignment: Arc::clone(&carried_by.id),
        organization: lineage.and_then(|lineage| lineage.organization.clone()),
    })
}
