//! The demo: everything in one process, with an identity provider of its own and sample data.
//!
//! Nothing here is reachable from `serve`.

pub(crate) mod data_dir;
pub(crate) mod identity;
pub(crate) mod sample;
pub(crate) mod world;
