//! Who may do what: subjects, roles, scopes and the decision.
//!
//! Pure: no clock, no database, no HTTP. The [`decide`] function is given everything that the
//! decision depends on, so that one table of tests covers it.

mod decision;
mod id;
mod role;

pub use decision::{Access, Assignment, Decision, Refusal, Scope, decide};
pub use id::{IdError, OrganizationId, ProjectId, ResourceId, Subject};
pub use role::{Action, CONTROL_PLANE, Permission, SystemRole};
