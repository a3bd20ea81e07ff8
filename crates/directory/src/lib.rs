//! Organizations, projects, resources, users and role assignments, on SQLite or PostgreSQL.
//!
//! The shape of the tables is the contract of KtrlPlane's own database (PostgreSQL schema
//! `ktrlplane`); the migrations here make the same shape. The two databases differ in
//! `statements`, `address`, `store` and `watch` alone: everything else is written once.
//!
//! All work runs on the runtime that [`Options`] names, so a [`Directory`] can be awaited from any
//! other one: the request path has a runtime per core, and none of them ever owns a connection.

mod access;
mod address;
mod cache;
mod change;
mod directory;
mod error;
pub mod hashing;
mod lookups;
pub mod manage;
mod once;
mod options;
mod outage;
mod statements;
mod store;
mod watch;

pub use access::Access;
pub use address::mask;
pub use directory::Directory;
pub use error::DirectoryError;
pub use manage::Grant;
pub use options::Options;
pub use policy;
