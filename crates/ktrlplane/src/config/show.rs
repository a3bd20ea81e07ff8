//! The effective configuration as a `config.yaml`, with its sources.

use super::key::Key;
use super::layers::{Given, Layers, Source};
use super::{database, mask, tls};

/// Every key with its value, masked, and who gave it. A key without a value is a comment, so that
/// the text is a valid `config.yaml` of the same meaning (but for the secrets).
pub(crate) fn show(layers: &Layers) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut above: Vec<&str> = Vec::new();
    for (key, given) in layers.all() {
        let mut levels: Vec<&str> = key.path.split('.').collect();
        let name = levels.pop().unwrap_or_default();
        let kept = levels
            .iter()
            .zip(&above)
            .take_while(|(now, before)| now == before)
            .count();
        for (depth, level) in levels.iter().enumerate().skip(kept) {
            lines.push(format!("{}{level}:", "  ".repeat(depth)));
        }
        let value = value(layers, key, name, given);
        lines.extend(value.map(|value| format!("{}{value}", "  ".repeat(levels.len()))));
        above = levels;
    }
    lines.join("\n")
}

/// The line of one key; `None` where another key holds in its place and nobody gave this one.
fn value(layers: &Layers, key: &Key, name: &str, given: Option<Given>) -> Option<String> {
    let holds = database::holds(layers, key.path);
    let variable = key.variable();
    let Some(given) = given else {
        return holds.then(|| format!("# {name}:  # not set ({variable})"));
    };
    let value = scalar(&key.measure.canonical(&mask::mask(key, &given.text)));
    let source = &given.source;
    match source {
        // Written out it would be a mistake.
        Source::Default if !tls::holds(layers, key.path) => {
            Some(format!("# {name}: {value}  # {source}"))
        }
        Source::Default if !holds => None,
        Source::Default | Source::File { .. } | Source::Environment if !holds => {
            Some(format!("# {name}: {value}  # {source}, overruled"))
        }
        Source::Environment => Some(format!("{name}: {value}  # {source}, {variable}")),
        Source::Default | Source::File { .. } => Some(format!("{name}: {value}  # {source}")),
    }
}

/// A YAML scalar: plain where that cannot be misread, otherwise in double quotes, whose escapes
/// are those of JSON.
fn scalar(text: &str) -> String {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte));
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
