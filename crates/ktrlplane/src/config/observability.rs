//! `observability`: the backends.

use super::backend::{self, Backend};
use super::layers::Layers;
use super::problem::Problem;

/// The backends.
#[derive(Debug)]
pub(crate) struct Observability {
    /// Where logs are.
    pub(crate) loki: Backend,
    /// Where metrics are.
    pub(crate) mimir: Backend,
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Observability> {
    let loki = backend::read(layers, "observability.loki", problems);
    let mimir = backend::read(layers, "observability.mimir", problems);
    Some(Observability {
        loki: loki?,
        mimir: mimir?,
    })
}
