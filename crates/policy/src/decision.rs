//! The decision.

use std::sync::Arc;

use jiff::Timestamp;

use crate::place::{Lineage, Scope};
use crate::role::{Action, Permission};

/// One role, held by one subject, somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The assignment's id, for the audit.
    pub id: Arc<str>,
    /// Where it holds.
    pub scope: Scope,
    /// What its role holds.
    pub permissions: Arc<[Permission]>,
    /// When it stops to hold; at that instant it already does not.
    pub expires_at: Option<Timestamp>,
}

impl Assignment {
    /// Whether it has not expired at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// Why something was refused. Not told to the caller: which project exists is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such place.
    NoPlace,
    /// No assignment that reaches the place holds the permission now.
    NoPermission,
}

/// Decides whether who holds `assignments` may do `action` at `now`, and says which assignment
/// carries it.
///
/// `lineage` is that of the place, and `None` where the place does not exist. Assignments at other
/// scopes than those of the lineage count for nothing, so the caller need not have sifted them.
pub fn decide<'a>(
    lineage: Option<&Lineage>,
    assignments: impl IntoIterator<Item = &'a Assignment>,
    action: Action,
    now: Timestamp,
) -> Result<&'a Assignment, Refusal> {
    let lineage = lineage.ok_or(Refusal::NoPlace)?;
    let carries = |assignment: &&Assignment| {
        lineage.is_reached_from(&assignment.scope)
            && assignment.holds_at(now)
            && assignment
                .permissions
                .iter()
                .any(|permission| permission.allows(action))
    };
    let mut assignments = assignments.into_iter();
    assignments.find(carries).ok_or(Refusal::NoPermission)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OrganizationId, ProjectId, ResourceId};
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
            id: format!("{}-1", role.name()).into(),
            scope,
            permissions,
            expires_at,
        }
    }

    fn shop() -> Lineage {
        Lineage {
            organization: Some(OrganizationId::new("acme").unwrap()),
            project: Some(ProjectId::new("acme-shop").unwrap()),
            resource: None,
        }
    }

    fn allowed(lineage: &Lineage, held: &Assignment, action: Action) -> bool {
        decide(Some(lineage), [held], action, at(100)).is_ok()
    }

    #[test]
    fn each_role_holds_its_actions_on_the_project_and_through_the_organization() {
        for system in SystemRole::ALL {
            for scope in [organization("acme"), project("acme-shop")] {
                let held = role(system, scope, None);
                for action in Action::ALL {
                    let holds = system.actions().contains(&action);
                    assert_eq!(
                        allowed(&shop(), &held, action),
                        holds,
                        "{system:?} {action}"
                    );
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
            let held = role(SystemRole::Owner, scope.clone(), None);
            assert!(!allowed(&shop(), &held, Action::Read), "{scope:?}");
        }
    }

    #[test]
    fn a_project_without_an_organization_is_reached_by_its_own_roles_alone() {
        let held = role(SystemRole::Owner, organization("acme"), None);
        let mut lonely = shop();
        lonely.organization = None;
        assert!(!allowed(&lonely, &held, Action::Read));
    }

    #[test]
    fn an_assignment_ends_at_the_second_of_its_expiry() {
        for (expiry, holds) in [(99, false), (100, false), (101, true)] {
            let role = role(SystemRole::Viewer, project("acme-shop"), Some(at(expiry)));
            assert_eq!(allowed(&shop(), &role, Action::Read), holds, "{expiry}");
        }
    }

    #[test]
    fn a_permission_called_read_of_another_type_grants_nothing() {
        let mut assignment = role(SystemRole::Owner, project("acme-shop"), None);
        let of_another_type = |permission: &Permission| Permission {
            resource_type: "Konnektr.Graph".to_owned(),
            ..permission.clone()
        };
        assignment.permissions = assignment.permissions.iter().map(of_another_type).collect();
        assert!(!allowed(&shop(), &assignment, Action::Read));
    }

    #[test]
    fn a_role_on_a_resource_holds_there_and_not_on_the_project() {
        let api = ResourceId::new("shop-api").unwrap();
        let held = role(SystemRole::Editor, Scope::Resource(api.clone()), None);
        let mut there = shop();
        there.resource = Some(api);
        assert!(allowed(&there, &held, Action::Write));
        assert!(!allowed(&there.of_project(), &held, Action::Write));
        assert!(!allowed(&shop(), &held, Action::Write));
    }

    #[test]
    fn a_place_that_does_not_exist_is_refused() {
        let held = role(SystemRole::Owner, project("acme-shop"), None);
        assert_eq!(
            decide(None, [&held], Action::Read, at(0)),
            Err(Refusal::NoPlace)
        );
    }
}
