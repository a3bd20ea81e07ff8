//! Nobody grants more than they hold.

use jiff::Timestamp;

use crate::decision::Assignment;
use crate::place::Lineage;
use crate::role::Permission;

/// Why a role may not be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// The granter does not hold this permission there.
    Permission(Permission),
    /// The granter holds this permission there until then only, and the grant would last longer.
    Expiry(Permission, Timestamp),
}

/// Whether who holds `assignments` may give a role with `permissions` at the place of `lineage`,
/// to last until `expires_at`: all of it must be the granter's own there, and for at least as long.
/// Otherwise a role that ends on Friday would outlive itself in a friend's name.
///
/// That the granter may grant at all, `manage_access`, is for [`decide`](crate::decide()) to say.
pub fn may_grant(
    lineage: &Lineage,
    assignments: &[Assignment],
    permissions: &[Permission],
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Excess> {
    for permission in permissions {
        let held = assignments.iter().filter(|assignment| {
            lineage.is_reached_from(&assignment.scope)
                && assignment.holds_at(now)
                && assignment.permissions.contains(permission)
        });
        // `None` holds for ever, and so is the greatest of all.
        let longest = held
            .map(|assignment| assignment.expires_at)
            .max_by_key(|expiry| expiry.unwrap_or(Timestamp::MAX));
        match longest {
            None => return Err(Excess::Permission(permission.clone())),
            Some(None) => {}
            Some(Some(until)) => {
                if expires_at.is_none_or(|expires_at| expires_at > until) {
                    return Err(Excess::Expiry(permission.clone(), until));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OrganizationId, ProjectId};
    use crate::place::Scope;
    use crate::role::{CONTROL_PLANE, SystemRole};

    fn permissions(role: SystemRole) -> Vec<Permission> {
        let permission = |action: &crate::Action| Permission {
            resource_type: CONTROL_PLANE.to_owned(),
            action: action.as_str().to_owned(),
        };
        role.actions().iter().map(permission).collect()
    }

    fn held(role: SystemRole, expires_at: Option<i64>) -> Assignment {
        Assignment {
            id: "a".into(),
            scope: Scope::Organization(OrganizationId::new("acme").unwrap()),
            permissions: permissions(role).into(),
            expires_at: expires_at.map(|second| Timestamp::from_second(second).unwrap()),
        }
    }

    fn grants(held: &[Assignment], role: SystemRole, expires_at: Option<i64>) -> bool {
        let shop = Lineage {
            organization: Some(OrganizationId::new("acme").unwrap()),
            project: Some(ProjectId::new("acme-shop").unwrap()),
            resource: None,
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let expires_at = expires_at.map(at);
        may_grant(&shop, held, &permissions(role), expires_at, at(100)).is_ok()
    }

    #[test]
    fn a_role_is_granted_by_who_holds_all_of_it() {
        for (rank, granter) in SystemRole::ALL.iter().enumerate() {
            for (below, role) in SystemRole::ALL.iter().enumerate() {
                let may = grants(&[held(*granter, None)], *role, None);
                assert_eq!(may, below >= rank, "{granter:?} grants {role:?}");
            }
        }
    }

    #[test]
    fn what_expires_is_granted_no_longer_than_it_is_held() {
        let until = [held(SystemRole::Owner, Some(200))];
        assert!(grants(&until, SystemRole::Viewer, Some(200)));
        assert!(!grants(&until, SystemRole::Viewer, Some(201)));
        assert!(!grants(&until, SystemRole::Viewer, None));
        let and_for_ever = [held(SystemRole::Viewer, None), until[0].clone()];
        assert!(grants(&and_for_ever, SystemRole::Viewer, None));
        assert!(!grants(&and_for_ever, SystemRole::Editor, None));
        assert!(!grants(
            &[held(SystemRole::Owner, Some(100))],
            SystemRole::Viewer,
            Some(100)
        ));
    }
}
