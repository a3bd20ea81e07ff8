//! Where something is, and what that inherits from.

use std::fmt;

use crate::id::{IdError, OrganizationId, ProjectId, ResourceId};

/// Where a role is held. A role on an organization holds for its projects and their resources, a
/// role on a project for its resources; never the other way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// An organization and all in it.
    Organization(OrganizationId),
    /// A project and its resources.
    Project(ProjectId),
    /// One resource.
    Resource(ResourceId),
}

impl Scope {
    /// The scope of this type, as the directory spells it, and id. `None` for a type that is none:
    /// KtrlPlane has others, `global` for one, which grant nothing here.
    pub fn new(scope_type: &str, id: &str) -> Option<Result<Self, IdError>> {
        match scope_type {
            "organization" => Some(OrganizationId::new(id).map(Self::Organization)),
            "project" => Some(ProjectId::new(id).map(Self::Project)),
            "resource" => Some(ResourceId::new(id).map(Self::Resource)),
            _ => None,
        }
    }

    /// Its type, as the directory spells it.
    #[must_use]
    pub const fn scope_type(&self) -> &'static str {
        match self {
            Self::Organization(_) => "organization",
            Self::Project(_) => "project",
            Self::Resource(_) => "resource",
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Organization(id) => id.as_str(),
            Self::Project(id) => id.as_str(),
            Self::Resource(id) => id.as_str(),
        }
    }
}

/// Something that a request is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// An organization.
    Organization(OrganizationId),
    /// A project.
    Project(ProjectId),
    /// A resource, and the project that it is said to be in.
    Resource(ProjectId, ResourceId),
}

impl Place {
    /// The scope of roles that are held on this very place.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Organization(id) => Scope::Organization(id.clone()),
            Self::Project(id) => Scope::Project(id.clone()),
            Self::Resource(_, id) => Scope::Resource(id.clone()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(f, "organization `{id}`"),
            Self::Project(id) => write!(f, "project `{id}`"),
            Self::Resource(project, id) => write!(f, "resource `{id}` of project `{project}`"),
        }
    }
}

/// A place and what it is in, as far as these exist: the scopes whose roles reach it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The organization, or that of the project; `None` for a project without one.
    pub organization: Option<OrganizationId>,
    /// The project, or that of the resource.
    pub project: Option<ProjectId>,
    /// The resource.
    pub resource: Option<ResourceId>,
}

impl Lineage {
    /// Whether a role that is held at `scope` holds here.
    #[must_use]
    pub fn is_reached_from(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Organization(id) => self.organization.as_ref() == Some(id),
            Scope::Project(id) => self.project.as_ref() == Some(id),
            Scope::Resource(id) => self.resource.as_ref() == Some(id),
        }
    }

    /// The same without the resource. A tenant's logs and metrics are the project's: a role on one
    /// resource opens that resource's settings, not its data.
    #[must_use]
    pub fn of_project(&self) -> Self {
        Self {
            resource: None,
            ..self.clone()
        }
    }
}
