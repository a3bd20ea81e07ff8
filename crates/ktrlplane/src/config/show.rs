//! The effective configuration as a `config.yaml`, with its sources.

use super::layers::{Layers, Source};
use super::{database, mask};

/// Every key with its value, masked, and who gave it. A key without a value is a comment, so that
/// the text is a valid `config.yaml` of the same meaning (but for the secrets).
pub(crate) fn show(layers: &Layers) -> String {
    let mut text = String::new();
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
            text.push_str(&format!("{}{level}:\n", "  ".repeat(depth)));
        }
        let indent = "  ".repeat(levels.len());
        let variable = key.variable();
        match given {
            Some(given) if !database::holds(layers, key.path) => {
                if given.source != Source::Default {
                    let value = scalar(&mask::mask(key, &given.text));
                    let source = given.source;
                    text.push_str(&format!(
                        "{indent}# {name}: {value}  # {source}, overruled\n"
                    ));
                }
            }
            Some(given) => {
                let value = scalar(&mask::mask(key, &given.text));
                let source = match given.source.to_string() {
                    source if source == "environment" => format!("environment, {variable}"),
                    source => source,
                };
                text.push_str(&format!("{indent}{name}: {value}  # {source}\n"));
            }
            None if !database::holds(layers, key.path) => {}
            None => text.push_str(&format!("{indent}# {name}:  # not set ({variable})\n")),
        }
        above = levels;
    }
    text
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
