//! Stages that parse labels out of a line: `json`, `logfmt`, `regexp`, `pattern` and `unpack`.

use super::json::{self, End, Value};
use super::logfmt::Decoder;
use super::pattern::Pattern;
use crate::logql::hints::Hints;
use crate::logql::labels::{Category, DUPLICATE_SUFFIX, ERROR, LineLabels, PRESERVE_ERROR};
use crate::logql::work::{STEP, Work};
use crate::regexes::Costed;

/// Whether the line goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Keep,
    Drop,
}

/// A line's labels with what the query needs of them.
pub(super) struct Target<'t, 'l> {
    pub(super) labels: &'t mut LineLabels<'l>,
    pub(super) hints: &'t Hints,
    pub(super) work: &'t Work,
}

/// Labels that parsers make of one line, and bytes of the name of one.
pub(super) const MAX_LABELS: usize = 1_000;
pub(super) const MAX_NAME: usize = 1 << 10;

const TOO_MANY: &str = "the line has more than 1000 labels";
pub(super) const TOO_LONG: &str = "the name of a label has more than 1024 bytes";

impl Target<'_, '_> {
    pub(super) fn fail(&mut self, error: &str, details: Option<&str>) {
        self.labels.set_error(error, details);
        if self.hints.preserve_error {
            self.labels.set(Category::Parsed, PRESERVE_ERROR, "true");
        }
    }

    /// Makes it the name that a parsed label gets beside those of the stream and the metadata.
    pub(super) fn free_name(&self, name: &mut String) {
        if self.labels.is_taken(name) {
            name.push_str(DUPLICATE_SUFFIX);
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.hints.wants(name) && !self.labels.is_extracted(name)
    }

    /// Whether a line may have one more label, of this name; if not, why.
    fn has_room(&self, name: &str) -> Result<(), &'static str> {
        if name.len() > MAX_NAME {
            return Err(TOO_LONG);
        }
        if self.labels.parsed_count() >= MAX_LABELS {
            return Err(TOO_MANY);
        }
        Ok(())
    }

    /// Sets a parsed label; says whether the line may still pass.
    fn set(&mut self, name: &str, value: &str) -> Outcome {
        self.labels.set(Category::Parsed, name, value);
        if self.hints.passes(name, self.labels, self.work) {
            Outcome::Keep
        } else {
            Outcome::Drop
        }
    }
}

pub(super) const JSON_ERROR: &str = "JSONParserErr";
const LOGFMT_ERROR: &str = "LogfmtParserErr";

/// `| json`
pub(super) fn json(line: &str, target: &mut Target<'_, '_>) -> Outcome {
    if target.hints.nothing_needed(target.labels) {
        return Outcome::Keep;
    }
    match json_object(line, 0, &mut String::new(), target) {
        Ok(()) | Err(End::Enough) => Outcome::Keep,
        Err(End::Drop) => Outcome::Drop,
        Err(End::Malformed(details)) => {
            target.fail(JSON_ERROR, Some(details));
            Outcome::Keep
        }
    }
}

/// Reads an object that is `depth` objects down and whose labels begin with `name`, the room that
/// names are made in.
fn json_object(
    text: &str,
    depth: usize,
    name: &mut String,
    target: &mut Target<'_, '_>,
) -> Result<(), End> {
    json::check_depth(depth)?;
    let prefix = name.len();
    json::each(text, &mut |key, value| {
        // The query fails, whatever is said of the line.
        let counted = target.work.spend(STEP / 16 + key.len());
        counted.map_err(|_| End::Enough)?;
        append_key(name, key);
        let has_labels = match value {
            Value::Object(_) | Value::String(_) | Value::Number(_) | Value::Boolean(_) => true,
            Value::Null | Value::Array(_) => false,
        };
        if name.len() > MAX_NAME && has_labels && target.hints.wants_prefix(name) {
            return Err(End::Malformed(TOO_LONG));
        }
        let value = match value {
            Value::Object(object) => {
                let result = if target.hints.wants_prefix(name) {
                    json_object(object, depth + 1, name, target)
                } else {
                    Ok(())
                };
                name.truncate(prefix);
                return result;
            }
            Value::String(escaped) => Some(json::label_value(escaped)),
            Value::Number(text) | Value::Boolean(text) => Some(text.into()),
            Value::Null | Value::Array(_) => None,
        };
        if let Some(value) = value.filter(|_| !name.is_empty()) {
            target.free_name(name);
            if target.wants(name) {
                target.has_room(name).map_err(End::Malformed)?;
                let outcome = target.set(name, &value);
                if outcome == Outcome::Drop {
                    return Err(End::Drop);
                }
                if target.hints.all_found(target.labels) {
                    return Err(End::Enough);
                }
            }
        }
        name.truncate(prefix);
        Ok(())
    })
}

/// Goes on with the name of a nested value's label.
pub(super) fn append_key(name: &mut String, key: &str) {
    if key.trim().is_empty() {
        return;
    }
    if !name.is_empty() {
        name.push('_');
    }
    json::append_sanitized(name, key);
}

/// `| unpack`: labels, and the line that was packed with them.
pub(super) fn unpack(line: &str, target: &mut Target<'_, '_>) -> (Outcome, Option<String>) {
    if line.is_empty() || target.hints.nothing_needed(target.labels) {
        return (Outcome::Keep, None);
    }
    if !line.starts_with('{') {
        target.fail(JSON_ERROR, Some("expecting json object(6), but it is not"));
        return (Outcome::Keep, None);
    }
    let mut entry = None;
    let mut found = Vec::new();
    let read = json::each(line, &mut |key, value| {
        let counted = target.work.spend(STEP / 16 + key.len());
        counted.map_err(|_| End::Enough)?;
        let Value::String(escaped) = value else {
            return Ok(());
        };
        if key == "_entry" {
            let unescaped = json::unescape(escaped);
            let bad = End::Malformed("Encountered an invalid escape sequence in a string");
            entry = Some(unescaped.ok_or(bad)?);
            return Ok(());
        }
        let mut name = key.to_owned();
        target.free_name(&mut name);
        if target.wants(&name) {
            if found.len() >= MAX_LABELS {
                return Err(End::Malformed(TOO_MANY));
            }
            target.has_room(&name).map_err(End::Malformed)?;
            found.push((json::sanitize(&name), json::label_value(escaped)));
        }
        Ok(())
    });
    if let Err(End::Malformed(details)) = read {
        target.fail(JSON_ERROR, Some(details));
        return (Outcome::Keep, None);
    }
    // Without a packed line it was no packed line, and its keys are no labels.
    if entry.is_some() {
        for (name, value) in found {
            if target.set(&name, &value) == Outcome::Drop {
                return (Outcome::Drop, None);
            }
        }
    }
    (Outcome::Keep, entry)
}

/// `| logfmt`
pub(super) fn logfmt(
    line: &str,
    strict: bool,
    keep_empty: bool,
    target: &mut Target<'_, '_>,
) -> Outcome {
    if target.hints.nothing_needed(target.labels) {
        return Outcome::Keep;
    }
    let mut decoder = Decoder::new(line);
    let mut name = String::new();
    let mut checked = 0;
    while !decoder.is_done() {
        // Short lines were counted when they were read.
        if decoder.at() > checked + STEP {
            checked = decoder.at();
            if target.work.spend(16 * STEP).is_err() {
                return Outcome::Keep;
            }
        }
        let Some(pair) = decoder.next() else {
            if strict {
                break;
            }
            continue;
        };
        name.clear();
        json::append_sanitized(&mut name, pair.key);
        if name.is_empty() {
            continue;
        }
        target.free_name(&mut name);
        if !target.wants(&name) || (pair.value.is_empty() && !keep_empty) {
            continue;
        }
        if let Err(why) = target.has_room(&name) {
            target.fail(LOGFMT_ERROR, Some(why));
            return Outcome::Keep;
        }
        if target.set(&name, &unicode(&pair.value)) == Outcome::Drop {
            return Outcome::Drop;
        }
        if target.hints.all_found(target.labels) {
            break;
        }
    }
    if let Some(error) = decoder.error.filter(|_| strict) {
        target.fail(LOGFMT_ERROR, Some(&error));
        if !target.hints.passes(ERROR, target.labels, target.work) {
            return Outcome::Drop;
        }
    }
    Outcome::Keep
}

fn unicode(value: &str) -> std::borrow::Cow<'_, str> {
    if json::has_replacement(value) {
        value.replace('\u{fffd}', " ").into()
    } else {
        value.into()
    }
}

/// `| logfmt a="b"`: pairs of label and key.
pub(super) fn logfmt_keys(
    line: &str,
    keys: &[(String, String)],
    strict: bool,
    target: &mut Target<'_, '_>,
) {
    if target.hints.nothing_needed(target.labels) {
        return;
    }
    for (label, _) in keys {
        if !target.labels.is_taken(label) {
            target.labels.set(Category::Parsed, label, "");
        }
    }
    let is_label = |name: &str| keys.iter().any(|(label, _)| label == name);
    let mut decoder = Decoder::new(line);
    while !decoder.is_done() {
        if target.work.spend(STEP / 16 + keys.len()).is_err() {
            return;
        }
        let Some(pair) = decoder.next() else {
            if strict {
                break;
            }
            continue;
        };
        let name = json::sanitize(pair.key);
        let wanted = is_label(&name) || target.wants(&name);
        if name.is_empty() || !wanted {
            continue;
        }
        let renamed = keys.iter().find(|(_, key)| *key == name);
        let name = renamed.map_or(name, |(label, _)| label.clone());
        if !is_label(&name) {
            continue;
        }
        let mut name = name;
        if target.labels.is_taken(&name) {
            name.push_str(DUPLICATE_SUFFIX);
            if !target.wants(&name) {
                break;
            }
        }
        let value = if json::has_replacement(&pair.value) {
            ""
        } else {
            &pair.value
        };
        target.labels.set(Category::Parsed, &name, value);
        if target.hints.all_found(target.labels) {
            break;
        }
    }
    if let Some(error) = decoder.error.filter(|_| strict) {
        target.fail(LOGFMT_ERROR, Some(&error));
    }
}

/// `| regexp "…"`: names the groups, and `None` for those without a name.
pub(super) fn regexp(
    line: &str,
    regex: &Costed<regex::Regex>,
    names: &[Option<String>],
    target: &mut Target<'_, '_>,
) -> Outcome {
    let searching = target.work.searching(regex, line.len());
    let Some(captures) = searching.and_then(|regex| regex.captures(line)) else {
        return Outcome::Keep;
    };
    let mut name = String::new();
    for (index, group) in names.iter().enumerate() {
        let Some(group) = group else {
            continue;
        };
        group.clone_into(&mut name);
        target.free_name(&mut name);
        let value = captures.get(index).map_or("", |group| group.as_str());
        if target.wants(&name) && target.set(&name, value) == Outcome::Drop {
            return Outcome::Drop;
        }
    }
    Outcome::Keep
}

/// `| pattern "…"`
pub(super) fn pattern(line: &str, pattern: &Pattern, target: &mut Target<'_, '_>) -> Outcome {
    if target.hints.nothing_needed(target.labels) {
        return Outcome::Keep;
    }
    let mut name = String::new();
    for (group, value) in pattern.captures(line) {
        group.clone_into(&mut name);
        target.free_name(&mut name);
        if target.wants(&name) && target.set(&name, value) == Outcome::Drop {
            return Outcome::Drop;
        }
    }
    Outcome::Keep
}
