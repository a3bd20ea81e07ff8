//! `| json label="path.to[0].value"`: values at paths.

use super::json::{self, Value};
use super::parse::{JSON_ERROR, Target};
use crate::logql::labels::Category;
use crate::logql::work::Work;

/// Paths with the labels that they fill.
#[derive(Clone, Debug)]
pub(super) struct Paths(Vec<(String, Vec<Step>)>);

/// Steps of a path: as deep as objects are read.
const MAX_STEPS: usize = 128;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Paths {
    pub(super) fn new(extractions: &[(String, String)]) -> Result<Self, String> {
        let parse = |(label, path): &(String, String)| Ok((label.clone(), parse(path)?));
        extractions
            .iter()
            .map(parse)
            .collect::<Result<_, String>>()
            .map(Self)
    }

    /// Sets the labels; one whose path leads nowhere is empty.
    pub(super) fn extract(&self, line: &str, target: &mut Target<'_, '_>) {
        if line.is_empty() || target.hints.nothing_needed(target.labels) {
            return;
        }
        if !line.starts_with(['"', '{', '[']) {
            target.fail(JSON_ERROR, None);
            return;
        }
        let mut search = Search {
            work: target.work,
            paths: &self.0,
            done: vec![false; self.0.len()],
            at: Vec::new(),
        };
        let mut matched = 0;
        search.walk(line, &mut |found| match found {
            Found::Value(index, value) => {
                matched += 1;
                let Some((label, _)) = self.0.get(index) else {
                    return;
                };
                let mut name = label.clone();
                target.free_name(&mut name);
                let value = match value {
                    Value::Null => "".into(),
                    Value::Object(raw) => raw.into(),
                    Value::String(raw)
                    | Value::Array(raw)
                    | Value::Number(raw)
                    | Value::Boolean(raw) => json::label_value(raw),
                };
                target.labels.set(Category::Parsed, &name, &value);
            }
            Found::Fault(details) => target.fail(JSON_ERROR, Some(details)),
        });
        if matched < self.0.len() {
            for (label, _) in &self.0 {
                if target.labels.get(label).is_none() {
                    target.labels.set(Category::Parsed, label, "");
                }
            }
        }
    }
}

enum Found<'a> {
    Value(usize, Value<'a>),
    Fault(&'static str),
}

struct Search<'p> {
    work: &'p Work,
    paths: &'p [(String, Vec<Step>)],
    done: Vec<bool>,
    /// The keys on the way to where the search is.
    at: Vec<Step>,
}

impl Search<'_> {
    /// Goes through the line once. Keys are taken where they stand, whatever surrounds them: a
    /// line that was cut off still gives what it has.
    fn walk<'a>(&mut self, line: &'a str, report: &mut dyn FnMut(Found<'a>)) {
        let mut level = 0_usize;
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if self.work.spend(1).is_err() {
                return;
            }
            let after = &rest[c.len_utf8()..];
            rest = match c {
                '"' => {
                    let Some((key, behind)) = json::split_string(after) else {
                        return;
                    };
                    let Some(behind) = json::skip_space(behind) else {
                        return;
                    };
                    let Some(value) = behind.strip_prefix(':') else {
                        rest = behind;
                        continue;
                    };
                    if level == 0 {
                        report(Found::Fault("Malformed JSON error"));
                        return;
                    }
                    let Some(key) = json::unescape(key) else {
                        return;
                    };
                    self.at.truncate(level - 1);
                    self.at.push(Step::Key(key));
                    if self.report_here(value, report) {
                        return;
                    }
                    value
                }
                '{' => {
                    level += 1;
                    after
                }
                '}' => {
                    let Some(outer) = level.checked_sub(1) else {
                        return;
                    };
                    level = outer;
                    self.at.truncate(level);
                    after
                }
                '[' => {
                    let Some((array, behind)) = json::split_block(rest, b'[', b']') else {
                        return;
                    };
                    self.at.truncate(level);
                    if self.elements(array, report) {
                        return;
                    }
                    behind
                }
                _ => after,
            };
        }
    }

    /// Reports the value for the paths that end here; says whether all paths are done.
    fn report_here<'a>(&mut self, value: &'a str, report: &mut dyn FnMut(Found<'a>)) -> bool {
        for (index, (_, path)) in self.paths.iter().enumerate() {
            if self.work.spend(16).is_err() {
                return true;
            }
            let done = self.done.get_mut(index).filter(|done| !**done);
            if *path != self.at {
                continue;
            }
            if let Some(done) = done {
                *done = true;
                report(match json::value(value) {
                    Ok((value, _)) => Found::Value(index, value),
                    Err(fault) => Found::Fault(fault),
                });
            }
        }
        self.done.iter().all(|done| *done)
    }

    /// Looks for the paths that go on through an element of the array here.
    fn elements<'a>(&mut self, array: &'a str, report: &mut dyn FnMut(Found<'a>)) -> bool {
        for (index, (_, path)) in self.paths.iter().enumerate() {
            let goes_on = path.strip_prefix(self.at.as_slice());
            let Some((Step::Index(_), _)) = goes_on.and_then(<[Step]>::split_first) else {
                continue;
            };
            let Some(done) = self.done.get_mut(index).filter(|done| !**done) else {
                continue;
            };
            if self.work.spend(array.len()).is_err() {
                return true;
            }
            if let Some(value) = goes_on.and_then(|steps| lookup(Value::Array(array), steps)) {
                *done = true;
                report(Found::Value(index, value));
            }
        }
        self.done.iter().all(|done| *done)
    }
}

/// The value at `steps` within `value`.
fn lookup<'a>(value: Value<'a>, steps: &[Step]) -> Option<Value<'a>> {
    let Some((step, others)) = steps.split_first() else {
        return Some(value);
    };
    match (step, value) {
        (Step::Index(index), Value::Array(text)) => {
            let mut rest = json::skip_space(text.strip_prefix('[')?)?;
            let mut at = 0;
            while !rest.starts_with(']') {
                let (element, after) = json::value(rest).ok()?;
                if at == *index {
                    return lookup(element, others);
                }
                at += 1;
                rest = json::skip_space(after)?.trim_start_matches(',');
            }
            None
        }
        (Step::Key(key), Value::Object(text)) => {
            let mut found = None;
            let _ = json::each(text, &mut |own, value| {
                if own == key && found.is_none() {
                    found = Some(value);
                }
                Ok(())
            });
            lookup(found?, others)
        }
        (Step::Index(_) | Step::Key(_), _) => None,
    }
}

/// Reads `a.b[0]["c d"]`.
fn parse(path: &str) -> Result<Vec<Step>, String> {
    let fail = |why: &str| format!("cannot parse expression [{path}]: syntax error: {why}");
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let inner = inner.trim_start();
            if let Some(quoted) = inner.strip_prefix('"') {
                let (key, after) = quoted
                    .split_once('"')
                    .ok_or_else(|| fail("no closing quote"))?;
                steps.push(Step::Key(key.to_owned()));
                rest = after.trim_start();
            } else {
                let end = inner.find(']').ok_or_else(|| fail("no closing bracket"))?;
                let index = inner[..end].trim().parse();
                steps.push(Step::Index(index.map_err(|_| fail("non-integer index"))?));
                rest = &inner[end..];
            }
            rest = rest
                .strip_prefix(']')
                .ok_or_else(|| fail("no closing bracket"))?;
        } else {
            if !steps.is_empty() {
                rest = rest
                    .strip_prefix('.')
                    .ok_or_else(|| fail("unexpected character"))?;
                rest = rest.trim_start();
            }
            let is_field = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c| !is_field(c)).unwrap_or(rest.len());
            let field = &rest[..end];
            if field.is_empty() || field.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(fail("unexpected character"));
            }
            steps.push(Step::Key(field.to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    if steps.len() > MAX_STEPS {
        Err(fail("too many steps"))
    } else if steps.is_empty() {
        Err(fail("empty expression"))
    } else {
        Ok(steps)
    }
}
