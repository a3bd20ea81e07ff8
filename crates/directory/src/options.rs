//! How to open a directory.

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::address::mask;

/// How to open a directory.
#[derive(Clone)]
pub struct Options {
    /// `sqlite:PATH`, `sqlite::memory:` or `postgres://user:password@host/database?sslmode=…`.
    /// A path is taken as it stands, without percent-decoding.
    pub url: String,
    /// Where all work on the database runs. It must have its I/O and time drivers enabled.
    pub runtime: Handle,
    /// How long [`Directory::open`](crate::Directory::open) keeps trying to connect.
    pub connect_timeout: Duration,
    /// How long any other call may take, waiting for a connection included.
    pub query_timeout: Duration,
    /// Whether the database is ours: brought to this program's shape and written. One that is not
    /// is never migrated and never written, and `SELECT` on its tables is all that is needed.
    pub managed: bool,
    /// How old what is remembered of a database that is not ours may be: a withdrawal is in force
    /// after this time at the latest.
    pub poll: Duration,
    /// How long decisions may still rest on what is remembered while the database cannot be asked.
    pub grace: Duration,
    /// How many facts about access are remembered: so many each of roles held by a subject at a
    /// place, of places of projects, of places of resources, and of answers that are made of these.
    /// One takes some hundred bytes.
    pub cache_entries: u64,
    /// The most connections held at a time for questions and writes; one more watches for changes. A database in memory has one, whatever is said here.
    pub max_connections: u32,
}

impl Options {
    /// Options with 10 seconds to connect, 3 seconds per call and 8 connections, for a database of
    /// our own; a poll of 2 seconds, no grace, and room for 100,000 facts of each kind.
    pub fn new(url: impl Into<String>, runtime: Handle) -> Self {
        Self {
            url: url.into(),
            runtime,
            connect_timeout: Duration::from_secs(10),
            query_timeout: Duration::from_secs(3),
            managed: true,
            poll: Duration::from_secs(2),
            grace: Duration::ZERO,
            cache_entries: 100_000,
            max_connections: 8,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("url", &mask(&self.url))
            .field("connect_timeout", &self.connect_timeout)
            .field("query_timeout", &self.query_timeout)
            .field("managed", &self.managed)
            .field("poll", &self.poll)
            .field("grace", &self.grace)
            .field("cache_entries", &self.cache_entries)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}
