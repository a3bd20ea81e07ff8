//! Fields in log lines, found without being told of them: structured metadata, what the query's own
//! parsers found, and what JSON or logfmt make of the line.

mod kind;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use query::logql::ast::{Logfmt, Stage};

pub(crate) use self::kind::only_ids;
use self::kind::{Kind, insertable};
use super::Request;
use super::labels::{DUPLICATE_SUFFIX, ERROR, ERROR_DETAILS, LineLabels, PRESERVE_ERROR};
use super::lines::{self, Pipeline};
use super::stage::json_paths;
use super::work::{STEP, Work};
use crate::LogEntry;
use crate::labels::Labels;
use crate::limits::EvalError;
use crate::store::Selected;

/// A line with what is known of it before fields are looked for.
#[derive(Debug)]
struct Line {
    stream: Labels,
    metadata: Vec<(String, String)>,
    parsed: Vec<(String, String)>,
    text: String,
}

/// A field.
#[derive(Debug, Default)]
pub(crate) struct Field {
    /// Its type, by the line that was looked at last.
    pub(crate) kind: Kind,
    /// `json` or `logfmt`, or both; none for structured metadata.
    pub(crate) parsers: BTreeSet<&'static str>,
    /// The keys on the way to it, in JSON.
    pub(crate) json_path: Vec<String>,
    values: HashSet<u64>,
}

impl Field {
    /// How many values it has.
    pub(crate) fn cardinality(&self) -> usize {
        self.values.len()
    }

    fn add(&mut self, value: &str) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        self.values.insert(hasher.finish());
        self.kind = Kind::of(value);
    }
}

/// At most `limit` fields of the lines that `request` asks for.
pub(crate) fn fields(
    streams: &[Selected<LogEntry>],
    request: &Request<'_>,
    work: &Work,
    pipeline: &Pipeline,
    limit: usize,
) -> Result<BTreeMap<String, Field>, EvalError> {
    let mut found: BTreeMap<String, Field> = BTreeMap::new();
    let detector = Detector::new(work)?;
    for_each_line(streams, request, work, pipeline, |line| {
        let (pairs, parser) = detector.pairs(line, work)?;
        // Where the values stand, once somebody asks.
        let mut paths = None;
        let metadata = line.metadata.iter().map(|pair| (pair, None));
        for ((name, value), parser) in metadata.chain(pairs.iter().map(|pair| (pair, parser))) {
            work.spend(STEP / 4 + value.len())?;
            if found.len() >= limit && !found.contains_key(name) {
                continue;
            }
            let field = found.entry(name.clone()).or_default();
            field.add(value);
            field.parsers.extend(parser);
            if parser == Some(JSON) && field.json_path.is_empty() {
                let paths = paths.get_or_insert_with(|| json_paths(&line.text, work));
                let key = name.strip_suffix(DUPLICATE_SUFFIX).unwrap_or(name);
                let path = paths.get(name).or_else(|| paths.get(key));
                field.json_path = path.cloned().unwrap_or_default();
            }
        }
        work.outcome()
    })?;
    Ok(found)
}

/// At most `limit` values of one field in the lines that `request` asks for, as a query takes them.
pub(crate) fn values(
    streams: &[Selected<LogEntry>],
    request: &Request<'_>,
    work: &Work,
    pipeline: &Pipeline,
    (field, limit): (&str, usize),
) -> Result<BTreeSet<String>, EvalError> {
    let mut found = BTreeSet::new();
    let detector = Detector::new(work)?;
    for_each_line(streams, request, work, pipeline, |line| {
        let (pairs, _) = detector.pairs(line, work)?;
        let metadata = line.metadata.iter().filter(|(name, _)| name == field);
        let parsed = pairs.iter().filter(|(name, _)| name == field);
        let values = metadata.map(|(_, value)| value.clone());
        for value in values.chain(parsed.map(|(_, value)| insertable(value))) {
            if found.len() < limit {
                found.insert(value);
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Shows the lines stream by stream: which comes last tells a field's type.
fn for_each_line(
    streams: &[Selected<LogEntry>],
    request: &Request<'_>,
    work: &Work,
    pipeline: &Pipeline,
    mut visit: impl FnMut(&Line) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let mut lines = Vec::new();
    lines::walk(streams, request, work, pipeline, |passed| {
        let metadata = passed.labels.metadata().to_vec();
        let parsed = passed.labels.parsed().to_vec();
        let pairs = metadata.iter().chain(&parsed);
        let bytes = pairs.map(|(name, value)| name.len() + value.len()).sum();
        lines.push(Line {
            stream: passed.stream.clone(),
            metadata,
            parsed,
            text: passed.line.into_owned(),
        });
        bytes
    })?;
    lines.sort_by(|a, b| a.stream.cmp(&b.stream));
    for line in &lines {
        work.spend(STEP + line.text.len())?;
        visit(line)?;
    }
    Ok(())
}

const JSON: &str = "json";
const LOGFMT: &str = "logfmt";

/// The parsers that are tried on every line.
struct Detector {
    json: Pipeline,
    logfmt: Pipeline,
}

impl Detector {
    fn new(work: &Work) -> Result<Self, EvalError> {
        let logfmt = Logfmt {
            strict: false,
            keep_empty: false,
            extractions: Vec::new(),
        };
        Ok(Self {
            json: Pipeline::of(&[Stage::Json(Vec::new())], 0, work)?,
            logfmt: Pipeline::of(&[Stage::Logfmt(logfmt)], 0, work)?,
        })
    }

    /// The fields of a line, those that the query's parsers found among them, and the parser that
    /// could read it.
    fn pairs(&self, line: &Line, work: &Work) -> Result<Detected, EvalError> {
        let mut pairs = line.parsed.clone();
        let entry = LogEntry {
            timestamp_ns: 0,
            line: line.text.clone(),
            structured_metadata: Vec::new(),
        };
        let mut read_by = None;
        for (pipeline, name) in [(&self.json, JSON), (&self.logfmt, LOGFMT)] {
            let mut labels = LineLabels::new(&line.stream);
            let passes = pipeline.run(entry.as_line(), &mut labels, work)?.is_some();
            if passes && labels.error().is_empty() {
                let known: HashSet<&(String, String)> = line.parsed.iter().collect();
                let more = labels.parsed().iter().filter(|pair| !known.contains(pair));
                pairs.extend(more.cloned());
                read_by = Some(name);
                break;
            }
        }
        pairs.retain(|(name, _)| !matches!(name.as_str(), ERROR | ERROR_DETAILS | PRESERVE_ERROR));
        Ok((pairs, read_by))
    }
}

/// Fields with their values, and the parser that found them.
type Detected = (Vec<(String, String)>, Option<&'static str>);
