//! What a write may have changed about access.

use policy::{OrganizationId, ProjectId, ResourceId, Subject};

/// What a write may have changed about access, and so what must not be remembered any longer.
///
/// Whoever writes applies it after the commit and before they return (see
/// [`Directory::changing`](crate::Directory::changing)). It may name more than was changed, never
/// less. The deletion of a place is everything: it takes the assignments of whomever along, which
/// must not come back with the next place of that id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// What a subject holds, anywhere.
    Assignments(Subject),
    /// An organization that now exists.
    Organization(OrganizationId),
    /// A project that now exists, or has moved.
    Project(ProjectId),
    /// A resource that now exists, or has moved.
    Resource(ResourceId),
    /// What a role holds, what was deleted, or so much that asking again is cheaper.
    Everything,
}

impl Change {
    /// Reads what the triggers of PostgreSQL say; the migration that makes them has the format.
    /// What is not understood may be anything.
    pub(crate) fn read(payload: &str) -> Self {
        let change = payload.split_once(' ').and_then(|(what, id)| match what {
            "assignments" => Subject::new(id).ok().map(Self::Assignments),
            "organization" => OrganizationId::new(id).ok().map(Self::Organization),
            "project" => ProjectId::new(id).ok().map(Self::Project),
            "resource" => ResourceId::new(id).ok().map(Self::Resource),
            _ => None,
        });
        change.unwrap_or(Self::Everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_everything() {
        let who = Subject::new("auth0|a b").unwrap();
        assert_eq!(
            Change::read("assignments auth0|a b"),
            Change::Assignments(who)
        );
        let shop = ProjectId::new("acme-shop").unwrap();
        assert_eq!(Change::read("project acme-shop"), Change::Project(shop));
        for payload in [
            "*",
            "",
            "project",
            "project ",
            "project A|b",
            "users x",
            "x",
        ] {
            assert_eq!(Change::read(payload), Change::Everything, "{payload}");
        }
    }
}
