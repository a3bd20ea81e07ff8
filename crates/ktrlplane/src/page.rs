//! The Explore page's files, as the build script found them.

use gateway::PageFile;

/// The files; none where the page was not built before this binary.
pub(crate) static FILES: &[PageFile] = include!(concat!(env!("OUT_DIR"), "/page.rs"));
