//! `management`: what of it is open to whom.

use gateway::{Creation, ManagementSettings};

use super::layers::Layers;
use super::problem::Problem;

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<ManagementSettings> {
    let create = layers.require("management.create", problems, |given| {
        match given.text.trim().to_ascii_lowercase().as_str() {
            "anyone" => Ok(Creation::Anyone),
            "nobody" => Ok(Creation::Nobody),
            _ => Err(format!("is {}", given.shown())),
        }
    });
    Some(ManagementSettings { create: create? })
}
