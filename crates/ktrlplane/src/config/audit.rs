//! `audit`: where each decision is written down.

use gateway::{AuditOutput, AuditQueries, AuditSettings};

use super::layers::Layers;
use super::problem::Problem;

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<AuditSettings> {
    let output = layers.require("audit.output", problems, |given| {
        match given.text.trim() {
            "off" => Ok(AuditOutput::Off),
            "stdout" => Ok(AuditOutput::Stdout),
            // A slip in one of the words is not to become the name of a file.
            path if path.contains('/') && !path.ends_with('/') => {
                Ok(AuditOutput::File(path.into()))
            }
            _ => Err(format!("is {}", given.shown())),
        }
    });
    let queries = layers.require("audit.queries", problems, |given| match given.text.trim() {
        "full" => Ok(AuditQueries::Full),
        "hash" => Ok(AuditQueries::Hash),
        "none" => Ok(AuditQueries::None),
        _ => Err(format!("is {}", given.shown())),
    });
    Some(AuditSettings {
        output: output?,
        queries: queries?,
    })
}
