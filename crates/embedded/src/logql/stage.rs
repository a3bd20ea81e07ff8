//! A pipeline: what a line goes through, compiled once for a query.

mod ip;
mod json;
pub(crate) mod label;
mod line;
mod logfmt;
mod parse;
mod paths;
mod pattern;
mod simplified;

use std::borrow::Cow;
use std::sync::LazyLock;

use query::Text;
use query::logql::ast::{Extraction, LabelFormat, LabelOrMatcher, Stage as Tree};

use self::label::{LabelTest, TextTest};
use self::line::{LineTest, utf8};
pub(crate) use self::parse::json_path;
use self::parse::{Outcome, Target};
use self::paths::Paths;
use self::pattern::Pattern;
use super::hints::Hints;
use super::labels::{Category, ERROR, ERROR_DETAILS, LineLabels, PRESERVE_ERROR};
use super::template::Template;
use crate::limits::EvalError;
use crate::regexes;
use crate::store::Needle;

/// One stage.
#[derive(Clone, Debug)]
enum Stage {
    Line(LineTest),
    Json,
    JsonPaths(Paths),
    Logfmt {
        strict: bool,
        keep_empty: bool,
    },
    LogfmtKeys {
        keys: Vec<(String, String)>,
        strict: bool,
    },
    Regexp(regex::Regex, Vec<Option<String>>),
    Pattern(Pattern),
    Unpack,
    Decolorize,
    Label(LabelTest),
    LineFormat(Template),
    LabelFormat(Vec<Assignment>),
    Drop(Vec<Item>),
    Keep(Vec<Item>),
}

#[derive(Clone, Debug)]
enum Assignment {
    Rename { to: String, from: String },
    Template { label: String, template: Template },
}

/// An item of `drop` or `keep`: a label, or one only if its value passes.
#[derive(Clone, Debug)]
struct Item {
    name: String,
    test: TextTest,
    is_matcher: bool,
}

/// All stages of a query, in the order in which they run.
#[derive(Clone, Debug)]
pub(crate) struct Stages(Vec<Stage>);

const TEMPLATE_ERROR: &str = "TemplateFormatErr";

impl Stages {
    /// Compiles the stages.
    ///
    /// Line filters run as early as they can without seeing another line, so that parsers have
    /// less to do; Loki does the same, to the point that one behind `decolorize` sees the colours.
    pub(crate) fn new(trees: &[Tree], now_ns: i64) -> Result<Self, EvalError> {
        let mut stages = Vec::with_capacity(trees.len());
        let mut others = Vec::new();
        for tree in trees {
            let stage = compile(tree, now_ns)?;
            match stage {
                Stage::Line(_) => stages.push(stage),
                Stage::Label(LabelTest::Always) => stages.append(&mut others),
                Stage::Label(_) => {
                    stages.append(&mut others);
                    stages.push(stage);
                }
                Stage::LineFormat(_) | Stage::Unpack => {
                    others.push(stage);
                    stages.append(&mut others);
                }
                Stage::Json
                | Stage::JsonPaths(_)
                | Stage::Logfmt { .. }
                | Stage::LogfmtKeys { .. }
                | Stage::Regexp(..)
                | Stage::Pattern(_)
                | Stage::Decolorize
                | Stage::LabelFormat(_)
                | Stage::Drop(_)
                | Stage::Keep(_) => others.push(stage),
            }
        }
        stages.append(&mut others);
        Ok(Self(stages))
    }

    /// A text that is in every line which passes: the longest that the line filters at the beginning
    /// ask for.
    pub(crate) fn needle(&self) -> Option<Needle> {
        let filters = self.0.iter().map_while(|stage| {
            if let Stage::Line(test) = stage {
                Some(test)
            } else {
                None
            }
        });
        let needles = filters.filter_map(LineTest::needle);
        let longest = needles.max_by_key(|needle| needle.len())?;
        (!longest.is_empty()).then(|| Needle::new(longest))
    }

    /// The labels that filters and formats read.
    pub(crate) fn needed_labels(&self) -> Vec<String> {
        let mut names = Vec::new();
        for stage in &self.0 {
            match stage {
                Stage::Label(test) => test.collect_labels(&mut names),
                Stage::LineFormat(template) => template.collect_fields(&mut names),
                Stage::LabelFormat(assignments) => {
                    for assignment in assignments {
                        match assignment {
                            Assignment::Rename { from, .. } => names.push(from.clone()),
                            Assignment::Template { template, .. } => {
                                template.collect_fields(&mut names);
                            }
                        }
                    }
                }
                Stage::Line(_)
                | Stage::Json
                | Stage::JsonPaths(_)
                | Stage::Logfmt { .. }
                | Stage::LogfmtKeys { .. }
                | Stage::Regexp(..)
                | Stage::Pattern(_)
                | Stage::Unpack
                | Stage::Decolorize
                | Stage::Drop(_)
                | Stage::Keep(_) => {}
            }
        }
        names
    }

    /// The label filters among the stages.
    pub(crate) fn label_tests(&self) -> Vec<LabelTest> {
        let test = |stage: &Stage| {
            if let Stage::Label(test) = stage {
                Some(test.clone())
            } else {
                None
            }
        };
        self.0.iter().filter_map(test).collect()
    }

    /// Takes a line through the stages; `None` if it does not pass.
    pub(crate) fn run<'l>(
        &self,
        time_ns: i64,
        line: &'l str,
        labels: &mut LineLabels<'_>,
        hints: &Hints,
    ) -> Option<Cow<'l, str>> {
        let mut line = Cow::Borrowed(line);
        for stage in &self.0 {
            let target = &mut Target { labels, hints };
            let outcome = match stage {
                Stage::Line(test) => keep_if(test.passes(&line)),
                Stage::Label(test) => keep_if(test.passes(target.labels)),
                Stage::Json => parse::json(&line, target),
                Stage::JsonPaths(paths) => {
                    paths.extract(&line, target);
                    Outcome::Keep
                }
                Stage::Logfmt { strict, keep_empty } => {
                    parse::logfmt(&line, *strict, *keep_empty, target)
                }
                Stage::LogfmtKeys { keys, strict } => {
                    parse::logfmt_keys(&line, keys, *strict, target);
                    Outcome::Keep
                }
                Stage::Regexp(regex, names) => parse::regexp(&line, regex, names, target),
                Stage::Pattern(pattern) => parse::pattern(&line, pattern, target),
                Stage::Unpack => {
                    let (outcome, entry) = parse::unpack(&line, target);
                    if let Some(entry) = entry {
                        line = Cow::Owned(entry);
                    }
                    outcome
                }
                Stage::Decolorize => {
                    if let Cow::Owned(plain) = decolorize(&line) {
                        line = Cow::Owned(plain);
                    }
                    Outcome::Keep
                }
                Stage::LineFormat(template) => {
                    match template.format(time_ns, &line, labels) {
                        Ok(formatted) => line = Cow::Owned(formatted),
                        Err(error) => labels.set_error(TEMPLATE_ERROR, Some(&error)),
                    }
                    Outcome::Keep
                }
                Stage::LabelFormat(assignments) => {
                    assign(assignments, time_ns, &line, labels);
                    Outcome::Keep
                }
                Stage::Drop(items) => {
                    drop_labels(items, labels);
                    Outcome::Keep
                }
                Stage::Keep(items) => {
                    keep_labels(items, labels);
                    Outcome::Keep
                }
            };
            if outcome == Outcome::Drop {
                return None;
            }
        }
        Some(line)
    }
}

fn keep_if(passes: bool) -> Outcome {
    if passes { Outcome::Keep } else { Outcome::Drop }
}

fn compile(tree: &Tree, now_ns: i64) -> Result<Stage, EvalError> {
    Ok(match tree {
        Tree::Line(filter) => Stage::Line(LineTest::new(filter)?),
        Tree::Json(extractions) if extractions.is_empty() => Stage::Json,
        Tree::Json(extractions) => {
            let paths = Paths::new(&pairs(extractions)?).map_err(EvalError::Invalid)?;
            Stage::JsonPaths(paths)
        }
        Tree::Logfmt(logfmt) if logfmt.extractions.is_empty() => Stage::Logfmt {
            strict: logfmt.strict,
            keep_empty: logfmt.keep_empty,
        },
        Tree::Logfmt(logfmt) => {
            let pairs = pairs(&logfmt.extractions)?.into_iter();
            let keys = pairs.map(|(label, key)| Ok((label, logfmt_key(&key)?)));
            Stage::LogfmtKeys {
                keys: keys.collect::<Result<_, EvalError>>()?,
                strict: logfmt.strict,
            }
        }
        Tree::Regexp(pattern) => compile_regexp(utf8(pattern)?)?,
        Tree::Pattern(pattern) => {
            Stage::Pattern(Pattern::extracting(utf8(pattern)?).map_err(|error| {
                EvalError::Invalid(format!("parse error : invalid pattern parser: {error}"))
            })?)
        }
        Tree::Unpack => Stage::Unpack,
        Tree::Decolorize => Stage::Decolorize,
        Tree::Label(filter) => Stage::Label(LabelTest::new(filter)?),
        Tree::LineFormat(template) => {
            Stage::LineFormat(Template::new("line", utf8(template)?, now_ns)?)
        }
        Tree::LabelFormat(formats) => Stage::LabelFormat(compile_formats(formats, now_ns)?),
        Tree::Drop(items) => Stage::Drop(compile_items(items)?),
        Tree::Keep(items) => Stage::Keep(compile_items(items)?),
    })
}

fn pairs(extractions: &[Extraction]) -> Result<Vec<(String, String)>, EvalError> {
    let pair = |extraction: &Extraction| -> Result<_, EvalError> {
        let expression: &Text = &extraction.expression;
        Ok((extraction.label.to_string(), utf8(expression)?.to_owned()))
    };
    extractions.iter().map(pair).collect()
}

/// The key that an expression of `logfmt` names: an identifier, or any text in quotes.
fn logfmt_key(expression: &str) -> Result<String, EvalError> {
    let trimmed = expression.trim_matches([' ', '\t', '\n']);
    if let Some(quoted) = trimmed.strip_prefix('"') {
        return Ok(quoted.trim_end_matches('"').to_owned());
    }
    let is_identifier = trimmed.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && trimmed
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_identifier {
        return Ok(trimmed.to_owned());
    }
    Err(EvalError::Invalid(format!(
        "parse error : cannot parse expression [{expression}]: it has to be a key"
    )))
}

fn compile_regexp(pattern: &str) -> Result<Stage, EvalError> {
    let invalid =
        |why: String| EvalError::Invalid(format!("parse error : invalid regexp parser: {why}"));
    let regex = regexes::unanchored(pattern)?;
    let names: Vec<Option<String>> = regex
        .capture_names()
        .map(|name| name.map(json::sanitize))
        .collect();
    if names.iter().all(Option::is_none) {
        return Err(invalid(
            "at least one named capture must be supplied".to_owned(),
        ));
    }
    Ok(Stage::Regexp(regex, names))
}

fn compile_formats(formats: &[LabelFormat], now_ns: i64) -> Result<Vec<Assignment>, EvalError> {
    let mut seen: Vec<&str> = Vec::new();
    let mut assignments = Vec::with_capacity(formats.len());
    for format in formats {
        let (name, assignment) = match format {
            LabelFormat::Rename { to, from } => (
                to,
                Assignment::Rename {
                    to: to.to_string(),
                    from: from.to_string(),
                },
            ),
            LabelFormat::Template { label, template } => {
                let template = Template::new("label", utf8(template)?, now_ns)?;
                (
                    label,
                    Assignment::Template {
                        label: label.to_string(),
                        template,
                    },
                )
            }
        };
        if name == ERROR {
            return Err(EvalError::Invalid(format!("{ERROR} cannot be formatted")));
        }
        if seen.contains(&name.as_str()) {
            return Err(EvalError::Invalid(format!(
                "multiple label name '{name}' not allowed in a single format operation"
            )));
        }
        seen.push(name);
        assignments.push(assignment);
    }
    Ok(assignments)
}

fn compile_items(items: &[LabelOrMatcher]) -> Result<Vec<Item>, EvalError> {
    let item = |item: &LabelOrMatcher| match item {
        LabelOrMatcher::Label(name) => Ok(Item {
            name: name.to_string(),
            test: TextTest::Any,
            is_matcher: false,
        }),
        LabelOrMatcher::Matcher(matcher) => {
            let test = TextTest::for_matcher(matcher)?;
            Ok(Item {
                name: matcher.name.to_string(),
                test,
                is_matcher: true,
            })
        }
    };
    items.iter().map(item).collect()
}

fn assign(assignments: &[Assignment], time_ns: i64, line: &str, labels: &mut LineLabels<'_>) {
    // All templates see the labels as they were when the first of them ran.
    let mut fields: Option<Vec<(String, String)>> = None;
    for assignment in assignments {
        match assignment {
            Assignment::Rename { to, from } => {
                if let Some(value) = labels.get(from).map(str::to_owned) {
                    labels.set(Category::Parsed, to, &value);
                    labels.delete(from);
                }
            }
            Assignment::Template { label, template } => {
                let fields = fields.get_or_insert_with(|| labels.pairs());
                match template.format_fields(time_ns, line, fields) {
                    Ok(value) => labels.set(Category::Parsed, label, &value),
                    Err(error) => labels.set_error(TEMPLATE_ERROR, Some(&error)),
                }
            }
        }
    }
}

fn drop_labels(items: &[Item], labels: &mut LineLabels<'_>) {
    for item in items {
        match item.name.as_str() {
            ERROR => {
                if item.test.passes(labels.error()) {
                    labels.clear_error();
                }
            }
            ERROR_DETAILS => {
                if item.test.passes(labels.details()) {
                    labels.clear_details();
                }
            }
            name => {
                let value = labels.get(name);
                let goes = match value {
                    Some(value) => item.test.passes(value),
                    None => item.is_matcher && item.test.passes(""),
                };
                if goes {
                    labels.delete(name);
                }
            }
        }
    }
}

fn keep_labels(items: &[Item], labels: &mut LineLabels<'_>) {
    for (name, value) in labels.pairs() {
        if matches!(name.as_str(), ERROR | ERROR_DETAILS | PRESERVE_ERROR) {
            continue;
        }
        if !items
            .iter()
            .any(|item| item.name == name && item.test.passes(&value))
        {
            labels.delete(&name);
        }
    }
}

fn decolorize(line: &str) -> Cow<'_, str> {
    // The control sequences of ECMA-48: an introducer, parameters, and the final letter or, for
    // operating system commands, the bell.
    static SEQUENCE: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
        let parameters = r"(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~]";
        let command = r"(?:[a-zA-Z0-9]*(?:;[a-zA-Z0-9]*)*)?\x07";
        regex::Regex::new(&format!(
            r"[\x1B\x{{9B}}][\[\]()#;?]*(?:(?:{command})|(?:{parameters}))"
        ))
        .ok()
    });
    if !line.contains(['\u{1b}', '\u{9b}']) {
        return Cow::Borrowed(line);
    }
    match SEQUENCE.as_ref() {
        Some(sequence) => sequence.replace_all(line, ""),
        None => Cow::Borrowed(line),
    }
}
