//! `observability`: the backends.

use super::backend::{self, Backend};
use super::layers::Layers;
use super::problem::Problem;

/// More lines than this are no page of a log but an export.
const MOST_LINES: u32 = 1_000_000;

/// The backends.
#[derive(Debug)]
pub(crate) struct Observability {
    /// Where logs are.
    pub(crate) loki: Backend,
    /// Where metrics are.
    pub(crate) mimir: Backend,
    /// The most log lines that one request may ask for.
    pub(crate) max_log_lines: u32,
}

impl Observability {
    /// Whether one of the backends is the one in this process.
    pub(crate) fn has_embedded(&self) -> bool {
        let both = [&self.loki, &self.mimir];
        both.into_iter()
            .any(|backend| matches!(backend, Backend::Embedded(_)))
    }
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Observability> {
    let loki = backend::read(layers, "observability.loki", problems);
    let mimir = backend::read(layers, "observability.mimir", problems);
    let max_log_lines = layers.require("observability.loki.max_lines", problems, |given| {
        let lines = given.text.trim().parse::<u32>().ok();
        let lines = lines.filter(|lines| (1..=MOST_LINES).contains(lines));
        lines.ok_or_else(|| format!("is {}", given.shown()))
    });
    Some(Observability {
        loki: loki?,
        mimir: mimir?,
        max_log_lines: max_log_lines?,
    })
}
