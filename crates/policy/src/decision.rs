//! The decision.

use jiff::Timestamp;

use crate::id::{OrganizationId, ProjectId, ResourceId};
use crate::role::{Action, Permission};

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

/// One role, held by one subject, somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The assignment's id, for the audit.
    pub id: String,
    /// Where it holds.
    pub scope: Scope,
    /// What its role holds.
    pub permissions: Vec<Permission>,
    /// When it stops to hold; at that instant it already does not.
    pub expires_at: Option<Timestamp>,
}

/// What the directory knows about a subject and a project: the input of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The project that was asked for.
    pub project: ProjectId,
    /// Its organization; `None` for a project without one.
    pub organization: Option<OrganizationId>,
    /// The subject's assignments, at whatever scope.
    pub assignments: Vec<Assignment>,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed, by this assignment.
    Allow {
        /// The id of the assignment that carried it.
        assignment: String,
    },
    /// Refused.
    Deny(Refusal),
}

/// Why a request was refused. Not told to the caller: which project exists is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such project.
    NoProject,
    /// No assignment on the project or its organization holds the permission now.
    NoPermission,
}

/// Decides whether `action` on a project is allowed at `now`.
///
/// `access` is `None` where the project does not exist. Only assignments on the project itself or
/// on its organization count: a role on one resource opens that resource's settings, not the
/// project's logs and metrics.
#[must_use]
pub fn decide(access: Option<&Access>, action: Action, now: Timestamp) -> Decision {
    let Some(access) = access else {
        return Decision::Deny(Refusal::NoProject);
    };
    let carries = |assignment: &&Assignment| {
        let reaches = match &assignment.scope {
            Scope::Organization(id) => access.organization.as_ref() == Some(id),
            Scope::Project(id) => *id == access.project,
            Scope::Resource(_) => false,
        };
        reaches
            && assignment
                .expires_at
                .is_none_or(|expires_at| now < expires_at)
            && assignment
                .permissions
                .iter()
                .any(|permission| permission.allows(action))
    };
    match access.assignments.iter().find(carries) {
        Some(assignment) => Decision::Allow {
            assignment: assignment.id.clone(),
        },
        None => Decision::Deny(Refusal::NoPermission),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::{CONTROL_PLANE, SystemRole};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn organization(scope: &str) -> Scope {
        Scope::Organization(OrganizationId::new(scope).unwrap())
    }

    fn project(scope: &str) -> Scope {
        Scope::Project(ProjectId::new(scope).unwrap())
    }

    fn role(role: SystemRole, scope: Scope, expires_at: Option<Timestamp>) -> Assignment {
        let permission = |action: &Action| Permission {
            resource_type: CONTROL_PLANE.to_owned(),
            action: action.as_str().to_owned(),
        };
        let permissions = role.actions().iter().map(permission).collect();
        Assignment {
            id: format!("{}-1", role.name()),
            scope,
            permissions,
            expires_at,
        }
    }

    fn access(assignments: Vec<Assignment>) -> Access {
        Access {
            project: ProjectId::new("acme-shop").unwrap(),
            organization: Some(OrganizationId::new("acme").unwrap()),
            assignments,
        }
    }

    fn allowed(access: &Access, action: Action) -> bool {
        matches!(
            decide(Some(access), action, at(100)),
            Decision::Allow { .. }
        )
    }

    #[test]
    fn each_role_holds_its_actions_on_the_project_and_through_the_organization() {
        for system in SystemRole::ALL {
            for scope in [organization("acme"), project("acme-shop")] {
                let access = access(vec![role(system, scope, None)]);
                for action in Action::ALL {
                    let holds = system.actions().contains(&action);
                    assert_eq!(allowed(&access, action), holds, "{system:?} {action}");
                }
            }
        }
    }

    #[test]
    fn a_role_elsewhere_grants_nothing() {
        let elsewhere = [
            organization("globex"),
            project("acme-lab"),
            // An organization, a project and a resource of one name are three things.
            organization("acme-shop"),
            project("acme"),
            Scope::Resource(ResourceId::new("acme-shop").unwrap()),
            Scope::Resource(ResourceId::new("shop-api").unwrap()),
        ];
        for scope in elsewhere {
            let access = access(vec![role(SystemRole::Owner, scope.clone(), None)]);
            assert!(!allowed(&access, Action::Read), "{scope:?}");
        }
    }

    #[test]
    fn a_project_without_an_organization_is_reached_by_its_own_roles_alone() {
        let mut access = access(vec![role(SystemRole::Owner, organization("acme"), None)]);
        access.organization = None;
        assert!(!allowed(&access, Action::Read));
    }

    #[test]
    fn an_assignment_ends_at_the_second_of_its_expiry() {
        for (expiry, holds) in [(99, false), (100, false), (101, true)] {
            let role = role(SystemRole::Viewer, project("acme-shop"), Some(at(expiry)));
            assert_eq!(
                allowed(&access(vec![role]), Action::Read),
                holds,
                "{expiry}"
            );
        }
    }

    #[test]
    fn a_permission_called_read_of_another_type_grants_nothing() {
        let mut assignment = role(SystemRole::Owner, project("acme-shop"), None);
        for permission in &mut assignment.permissions {
            permission.resource_type = "Konnektr.Graph".to_owned();
        }
        assert!(!allowed(&access(vec![assignment]), Action::Read));
    }

    #[test]
    fn a_project_that_does_not_exist_is_refused() {
        assert_eq!(
            decide(None, Action::Read, at(0)),
            Decision::Deny(Refusal::NoProject)
        );
    }
}
