//! Management: organizations, projects, resources and who holds roles on them.
//!
//! The paths, and the fields of bodies and answers, are those that KtrlPlane's own clients use.

use directory::policy::Action;
use http::Method;

use super::{Mount, Route, Serves};

/// How a request for management is answered.
#[derive(Clone, Copy, Debug)]
pub struct Managed {
    /// What it does.
    pub task: Task,
    /// What the caller needs. A write is decided once more, in its transaction.
    pub needs: Needs,
    /// The parameters that are understood. Any other is refused: a misspelt `cascade` is not to be
    /// taken for none.
    pub query: &'static [Query],
}

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A token: the answer is about the caller, or holds what the caller may see.
    Token,
    /// This action on the place that the path names.
    On(Action),
    /// This action on the place that the path names, or on something in it.
    Within(Action),
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// The organizations that the caller may read.
    ListOrganizations,
    /// A new organization, of which the caller becomes Owner.
    CreateOrganization,
    /// One organization.
    ReadOrganization,
    /// Its name.
    UpdateOrganization,
    /// Its end.
    DeleteOrganization,
    /// The projects that the caller may read.
    ListProjects,
    /// A new project.
    CreateProject,
    /// One project.
    ReadProject,
    /// Its name and its organization.
    UpdateProject,
    /// Its end.
    DeleteProject,
    /// The resources of a project that the caller may read.
    ListResources,
    /// A new resource.
    CreateResource,
    /// One resource.
    ReadResource,
    /// Its name, tier and settings.
    UpdateResource,
    /// Its end.
    DeleteResource,
    /// Who holds which role on a place.
    ListAssignments,
    /// A role, given.
    Grant,
    /// A role, taken back.
    Withdraw,
    /// What was written about a place.
    Audit,
    /// All roles.
    ListRoles,
    /// What a role holds.
    RolePermissions,
    /// What the caller may do at a place.
    CheckPermissions,
    /// Users that the caller may know of.
    SearchUsers,
    /// The caller.
    Me,
}

impl Task {
    /// Whether it needs a JSON object as the request's body.
    #[must_use]
    pub const fn takes_body(self) -> bool {
        match self {
            Self::CreateOrganization
            | Self::UpdateOrganization
            | Self::CreateProject
            | Self::UpdateProject
            | Self::CreateResource
            | Self::UpdateResource
            | Self::Grant => true,
            Self::ListOrganizations
            | Self::ReadOrganization
            | Self::DeleteOrganization
            | Self::ListProjects
            | Self::ReadProject
            | Self::DeleteProject
            | Self::ListResources
            | Self::ReadResource
            | Self::DeleteResource
            | Self::ListAssignments
            | Self::Withdraw
            | Self::Audit
            | Self::ListRoles
            | Self::RolePermissions
            | Self::CheckPermissions
            | Self::SearchUsers
            | Self::Me => false,
        }
    }

    /// What of the directory it does.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::CreateOrganization | Self::CreateProject | Self::CreateResource | Self::Grant => {
                Effect::Creates
            }
            Self::UpdateOrganization | Self::UpdateProject | Self::UpdateResource => {
                Effect::Updates
            }
            Self::DeleteOrganization
            | Self::DeleteProject
            | Self::DeleteResource
            | Self::Withdraw => Effect::Removes,
            Self::ReadOrganization | Self::ReadProject | Self::ReadResource => Effect::Reads,
            Self::ListOrganizations
            | Self::ListProjects
            | Self::ListResources
            | Self::ListAssignments
            | Self::Audit => Effect::Lists,
            Self::ListRoles
            | Self::RolePermissions
            | Self::CheckPermissions
            | Self::SearchUsers
            | Self::Me => Effect::Tells,
        }
    }
}

/// What a task does, and so what it is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Writes a new record: 201 with its place and its entity tag.
    Creates,
    /// Changes a record: 200 with its entity tag.
    Updates,
    /// Removes a record: 204.
    Removes,
    /// Reads a record: 200 with its entity tag, or 304.
    Reads,
    /// Reads a page of a list: 200, with a link to the next page if there is one.
    Lists,
    /// Tells something that has neither a tag nor pages: 200.
    Tells,
}

impl Effect {
    /// Whether it changes the directory.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Creates | Self::Updates | Self::Removes => true,
            Self::Reads | Self::Lists | Self::Tells => false,
        }
    }
}

/// A parameter in the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// The most records of a page.
    Limit,
    /// Where the page begins.
    Cursor,
    /// The organization whose projects are listed.
    Organization,
    /// Whether what is in it goes, too.
    Cascade,
    /// The kind of the place that is asked about.
    ScopeType,
    /// The id of the place that is asked about.
    ScopeId,
    /// What users are searched by.
    Text,
}

impl Query {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Cursor => "cursor",
            Self::Organization => "org_id",
            Self::Cascade => "cascade",
            Self::ScopeType => "scopeType",
            Self::ScopeId => "scopeId",
            Self::Text => "q",
        }
    }

    /// Whether a request without it is refused.
    #[must_use]
    pub const fn is_required(self) -> bool {
        match self {
            Self::ScopeType | Self::ScopeId | Self::Text => true,
            Self::Limit | Self::Cursor | Self::Organization | Self::Cascade => false,
        }
    }
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
/// Both take the fields that change, as KtrlPlane's clients send them with PUT.
const CHANGE: &[Method] = &[Method::PUT, Method::PATCH];
const DELETE: &[Method] = &[Method::DELETE];

const ROOT: &[Mount] = &[Mount::Root];
const ORGANIZATION: &[Mount] = &[Mount::Organization];
const PROJECT: &[Mount] = &[Mount::Project];
const RESOURCE: &[Mount] = &[Mount::Resource];
/// Wherever roles are held.
const EVERYWHERE: &[Mount] = &[Mount::Organization, Mount::Project, Mount::Resource];

const READ: Needs = Needs::On(Action::Read);
const WRITE: Needs = Needs::On(Action::Write);
const REMOVE: Needs = Needs::On(Action::Delete);
const MANAGE: Needs = Needs::On(Action::ManageAccess);

const NONE: &[Query] = &[];
const PAGE: &[Query] = &[Query::Limit, Query::Cursor];
const PROJECTS: &[Query] = &[Query::Organization, Query::Limit, Query::Cursor];
const CASCADE: &[Query] = &[Query::Cascade];
const CHECK: &[Query] = &[Query::ScopeType, Query::ScopeId];
const SEARCH: &[Query] = &[Query::Text, Query::Limit];

pub(super) const ROUTES: &[Route] = &[
    row("organizations", ROOT, "/api/v1/organizations", GET).does(
        Task::ListOrganizations,
        Needs::Token,
        PAGE,
    ),
    row("organization_create", ROOT, "/api/v1/organizations", POST).does(
        Task::CreateOrganization,
        Needs::Token,
        NONE,
    ),
    row("organization", ORGANIZATION, "", GET).does(Task::ReadOrganization, READ, NONE),
    row("organization_update", ORGANIZATION, "", CHANGE).does(
        Task::UpdateOrganization,
        WRITE,
        NONE,
    ),
    row("organization_delete", ORGANIZATION, "", DELETE).does(
        Task::DeleteOrganization,
        REMOVE,
        CASCADE,
    ),
    row("projects", ROOT, "/api/v1/projects", GET).does(Task::ListProjects, Needs::Token, PROJECTS),
    row("project_create", ROOT, "/api/v1/projects", POST).does(
        Task::CreateProject,
        Needs::Token,
        NONE,
    ),
    row("project", PROJECT, "", GET).does(Task::ReadProject, READ, NONE),
    row("project_update", PROJECT, "", CHANGE).does(Task::UpdateProject, WRITE, NONE),
    row("project_delete", PROJECT, "", DELETE).does(Task::DeleteProject, REMOVE, CASCADE),
    row("resources", PROJECT, "/resources", GET).does(
        Task::ListResources,
        Needs::Within(Action::Read),
        PAGE,
    ),
    row("resource_create", PROJECT, "/resources", POST).does(Task::CreateResource, WRITE, NONE),
    row("resource", RESOURCE, "", GET).does(Task::ReadResource, READ, NONE),
    row("resource_update", RESOURCE, "", CHANGE).does(Task::UpdateResource, WRITE, NONE),
    row("resource_delete", RESOURCE, "", DELETE).does(Task::DeleteResource, REMOVE, NONE),
    row("assignments", EVERYWHERE, "/rbac", GET).does(Task::ListAssignments, MANAGE, PAGE),
    row("grant", EVERYWHERE, "/rbac", POST).does(Task::Grant, MANAGE, NONE),
    row("withdraw", EVERYWHERE, "/rbac/{assignmentId}", DELETE).does(Task::Withdraw, MANAGE, NONE),
    row("audit", EVERYWHERE, "/audit", GET).does(Task::Audit, MANAGE, PAGE),
    row("roles", ROOT, "/api/v1/roles", GET).does(Task::ListRoles, Needs::Token, NONE),
    row(
        "role_permissions",
        ROOT,
        "/api/v1/roles/{roleId}/permissions",
        GET,
    )
    .does(Task::RolePermissions, Needs::Token, NONE),
    row("permissions_check", ROOT, "/api/v1/permissions/check", GET).does(
        Task::CheckPermissions,
        Needs::Token,
        CHECK,
    ),
    row("users_search", ROOT, "/api/v1/users/search", GET).does(
        Task::SearchUsers,
        Needs::Token,
        SEARCH,
    ),
    row("me", ROOT, "/api/v1/me", GET).does(Task::Me, Needs::Token, NONE),
];

/// A row of which it is not said yet what it does.
struct Row {
    name: &'static str,
    mounts: &'static [Mount],
    path: &'static str,
    methods: &'static [Method],
}

const fn row(
    name: &'static str,
    mounts: &'static [Mount],
    path: &'static str,
    methods: &'static [Method],
) -> Row {
    Row {
        name,
        mounts,
        path,
        methods,
    }
}

impl Row {
    const fn does(self, task: Task, needs: Needs, query: &'static [Query]) -> Route {
        Route {
            name: self.name,
            mounts: self.mounts,
            path: self.path,
            methods: self.methods,
            serves: Serves::Management(Managed { task, needs, query }),
        }
    }
}
