//! Actions, permissions and the roles that come with the product.

use std::fmt;

/// The resource type of the permissions that this product asks for. A permission of another type
/// may also be called `read`: it says nothing about logs and metrics.
pub const CONTROL_PLANE: &str = "Konnektr.KtrlPlane";

/// What a caller wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// See logs, metrics and settings.
    Read,
    /// Send data, change settings.
    Write,
    /// Remove.
    Delete,
    /// Grant and withdraw roles.
    ManageAccess,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Delete, Self::ManageAccess];

    /// The action as the directory spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::ManageAccess => "manage_access",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a role holds: an action on a type of resource, as the directory spells both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permission {
    /// For instance [`CONTROL_PLANE`].
    pub resource_type: String,
    /// For instance `read`; other types have actions of their own.
    pub action: String,
}

impl Permission {
    /// Whether this is the permission for `action` on the control plane.
    #[must_use]
    pub fn allows(&self, action: Action) -> bool {
        self.resource_type == CONTROL_PLANE && self.action == action.as_str()
    }
}

/// The roles that every directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemRole {
    /// Everything.
    Owner,
    /// Read and write.
    Editor,
    /// Read.
    Viewer,
}

impl SystemRole {
    /// All system roles.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Editor, Self::Viewer];

    /// The role's name in the directory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Editor => "Editor",
            Self::Viewer => "Viewer",
        }
    }

    /// What the role holds.
    #[must_use]
    pub const fn actions(self) -> &'static [Action] {
        match self {
            Self::Owner => &Action::ALL,
            Self::Editor => &[Action::Read, Action::Write],
            Self::Viewer => &[Action::Read],
        }
    }
}
