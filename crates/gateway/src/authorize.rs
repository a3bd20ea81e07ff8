//! Whether the caller may do this here.

use directory::Directory;
use directory::policy::{self, Action, Decision, ProjectId, ResourceId, Subject};
use jiff::Timestamp;
use tracing::Span;

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
#[derive(Debug)]
pub struct Permit {
    principal: Principal,
    project: ProjectId,
    reach: Reach,
    assignment: String,
}

impl Permit {
    /// Who may.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
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
    let (project, named) = match target {
        // No route about a tenant's data is mounted there.
        Target::Nothing => return Err(Error::Forbidden),
        Target::Project(project) => (project, None),
        Target::Resource(project, resource) => (project, Some(resource)),
    };
    let project = ProjectId::new(project).map_err(|_| Error::Forbidden)?;
    Span::current().record("project", project.as_str());
    // What is no id names no resource, but whether that may be told is the permission's matter.
    let resource = named.and_then(|resource| ResourceId::new(resource).ok());
    Span::current().record("resource", resource.as_ref().map(ResourceId::as_str));
    let lookup = lookup(directory, principal.subject(), &project, resource.as_ref()).await?;
    let assignment = match policy::decide(lookup.access.as_ref(), action, now) {
        Decision::Allow { assignment } => assignment,
        Decision::Deny(refusal) => {
            tracing::debug!(?refusal, %project, "refused");
            return Err(Error::Forbidden);
        }
    };
    let reach = match (named, resource) {
        (None, _) => Reach::Project,
        (Some(_), Some(resource)) if lookup.resource_exists => Reach::Resource(resource),
        (Some(_), Some(_) | None) => return Err(Error::UnknownResource),
    };
    Ok(Permit {
        principal,
        project,
        reach,
        assignment,
    })
}

/// Asks the directory. Any failure is a 503: never decided in the caller's favour (threat 23).
async fn lookup(
    directory: &Directory,
    subject: &Subject,
    project: &ProjectId,
    resource: Option<&ResourceId>,
) -> Result<directory::Lookup, Error> {
    directory
        .lookup(subject, project, resource)
        .await
        .map_err(|error| {
            tracing::error!(%error, "the directory cannot be asked");
            Error::DirectoryUnavailable
        })
}
