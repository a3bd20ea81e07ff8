//! Who may do what: subjects, roles, scopes and the decision.
//!
//! Pure: no clock, no database, no HTTP. The [`decide`] function is given everything that the
//! decision depends on, so that one table of tests covers it.

mod place;

mod decision;

mod granting;

mod id;

mod role;

pub use decision::{Assignment, Refusal, decide};
pub use granting::{Excess, may_grant};
pub use id::{IdError, OrganizationId, ProjectId, ResourceId, Subject};
pub use place::{Lineage, Place, Scope};
pub use role::{Action, CONTROL_PLANE, Permission, SystemRole};
