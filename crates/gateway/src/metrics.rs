//! What the gateway tells of itself: numbers, for Prometheus.
//!
//! On a request's way nothing is looked up, locked or allocated: each thread has a [`Shard`] of plain
//! atomics, in which the number of a route and the place of a word in a closed list say where to count.
//! A scrape adds up the shards and reads what is counted elsewhere anyway.
//!
//! No label has a value that a caller could choose. All of them are names of routes, words of the lists
//! below, names of backends, and places of configured URLs.

mod closed;
mod collector;
mod counting;
mod histogram;
mod listener;
mod lookups;
mod process;
mod shard;
mod sources;
mod text;
mod words;

pub(crate) use closed::{Closed, closed};
pub(crate) use counting::{Asking, Counting};
pub(crate) use listener::Listener;
pub(crate) use lookups::Lookups;
pub(crate) use shard::Shard;
pub(crate) use sources::Sources;
pub(crate) use words::Sent;
