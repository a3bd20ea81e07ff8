//! What can be written.

use jiff::Timestamp;
use policy::{OrganizationId, Place, ProjectId, ResourceId, Subject};

/// A write.
///
/// Who may do it is said at each; a role on what is around a place counts as one on the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Anybody may; who does becomes its Owner.
    CreateOrganization {
        /// Never used before: not even a deleted organization had it.
        id: OrganizationId,
        /// For people.
        name: String,
    },
    /// `write` on the organization.
    UpdateOrganization {
        /// Which.
        id: OrganizationId,
        /// The new name.
        name: String,
    },
    /// `delete` on the organization.
    DeleteOrganization {
        /// Which.
        id: OrganizationId,
        /// Whether its projects go too; without, an organization that has any stays.
        cascade: bool,
    },
    /// `write` on the organization. Without one, anybody may, and becomes the project's Owner.
    CreateProject {
        /// Never used before: it names the tenant, whose data outlive the project.
        id: ProjectId,
        /// The organization that it is in.
        organization: Option<OrganizationId>,
        /// For people.
        name: String,
    },
    /// `write` on the project. A move needs, besides, `manage_access` on the project, `delete` on
    /// the organization that it leaves and `write` on the one that it joins.
    UpdateProject {
        /// Which.
        id: ProjectId,
        /// The new name, if it changes.
        name: Option<String>,
        /// The organization to be in, or none, if that changes.
        organization: Option<Option<OrganizationId>>,
    },
    /// `delete` on the project.
    DeleteProject {
        /// Which.
        id: ProjectId,
        /// Whether its resources go too; without, a project that has any stays.
        cascade: bool,
    },
    /// `write` on the project.
    CreateResource {
        /// The project that it is in.
        project: ProjectId,
        /// Unique across projects.
        id: ResourceId,
        /// For people.
        name: String,
        /// Its type, for instance `Konnektr.Graph`.
        kind: String,
        /// Its tier.
        sku: Option<String>,
        /// Its settings, a JSON text that is kept as it is.
        settings: Option<String>,
    },
    /// `write` on the resource.
    UpdateResource {
        /// The project that it is in.
        project: ProjectId,
        /// Which.
        id: ResourceId,
        /// The new name, if it changes.
        name: Option<String>,
        /// The new tier, if it changes.
        sku: Option<String>,
        /// The new settings, if they change.
        settings: Option<String>,
    },
    /// `delete` on the resource.
    DeleteResource {
        /// The project that it is in.
        project: ProjectId,
        /// Which.
        id: ResourceId,
    },
    /// `manage_access` on the place, and every permission of the role there, for as long.
    Grant {
        /// Where.
        place: Place,
        /// To whom.
        to: Grantee,
        /// The role's id or name.
        role: String,
        /// When it stops to hold, to the microsecond.
        expires_at: Option<Timestamp>,
    },
    /// `manage_access` on the place.
    Withdraw {
        /// Where the assignment is held, itself: an inherited one is withdrawn where it is held.
        place: Place,
        /// The assignment's id.
        assignment: String,
    },
    /// The operator alone: the id of an organization or project that is gone may be used again.
    /// Whoever then gets a project's id reads the data that its tenant still has.
    FreeId {
        /// Whose id; resources' ids are free anyway.
        place: Place,
    },
}

/// Who gets a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grantee {
    /// A subject, whether the directory has heard of it or not.
    Subject(Subject),
    /// The one user with this e-mail address, which their issuer has verified.
    Email(String),
}

impl Operation {
    /// What the audit calls it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateOrganization { .. } => "organization.create",
            Self::UpdateOrganization { .. } => "organization.update",
            Self::DeleteOrganization { .. } => "organization.delete",
            Self::CreateProject { .. } => "project.create",
            Self::UpdateProject { .. } => "project.update",
            Self::DeleteProject { .. } => "project.delete",
            Self::CreateResource { .. } => "resource.create",
            Self::UpdateResource { .. } => "resource.update",
            Self::DeleteResource { .. } => "resource.delete",
            Self::Grant { .. } => "role.grant",
            Self::Withdraw { .. } => "role.withdraw",
            Self::FreeId { .. } => "id.free",
        }
    }
}
