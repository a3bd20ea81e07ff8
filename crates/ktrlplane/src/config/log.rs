//! `log`: how much is logged.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::layers::{Given, Layers};
use super::problem::Problem;

pub(crate) const LEVEL: &str = "log.level";

/// Reads what is logged.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Targets> {
    layers.require(LEVEL, problems, targets)
}

/// A level for everything, `info` where there is none, and others for parts. It is read more strictly than
/// `RUST_LOG`, to which a slip in a level is the name of a part, and everything else is silent.
fn targets(given: &Given) -> Result<Targets, String> {
    let wrong = |word: &str| format!("has {word:?}, which is no level");
    let mut all = None;
    let mut targets = Targets::new();
    for word in given.text.split(',').map(str::trim) {
        if let Some((part, name)) = word.split_once('=') {
            let level = level(name).ok_or_else(|| wrong(word))?;
            targets = targets.with_target(part.trim(), level);
        } else {
            let level = level(word).ok_or_else(|| wrong(word))?;
            if all.replace(level).is_some() {
                return Err(format!(
                    "is {}, which has two levels for everything",
                    given.shown()
                ));
            }
        }
    }
    Ok(targets.with_default(all.unwrap_or(LevelFilter::INFO)))
}

fn level(name: &str) -> Option<LevelFilter> {
    let level = match name.trim().to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    };
    Some(level)
}
