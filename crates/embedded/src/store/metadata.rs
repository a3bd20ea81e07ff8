//! What metrics mean: their type, unit and a sentence for people.

mod known;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::PushError;
use crate::store::disk::bytes::{Bytes, put_text};
use crate::store::disk::directory::{OpenError, make_durable};
use crate::store::disk::handles::Handles;
use crate::store::disk::log::{Log, frame, open_log};
use crate::store::disk::{Damaged, unwritten};
use known::{Known, MOST_BYTES, fitting, weight};

/// About how many bytes a record takes beside its texts.
const RECORD: u64 = 48;
/// A shorter file is never worth rewriting.
const SHORT: u64 = 1 << 20;

/// What a metric means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MetricMetadata {
    /// The metric's name; of a histogram or summary without `_bucket`, `_sum` or `_count`.
    pub metric: String,
    /// Its type.
    pub kind: MetricKind,
    /// A sentence for people.
    pub help: String,
    /// Its unit, or the empty string.
    pub unit: String,
}

/// The types of metrics, as `OpenMetrics` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Only ever grows, but for restarts.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts per bucket.
    Histogram,
    /// Counts per bucket that may go down.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Always 1: the labels are what it says.
    Info,
    /// One of several states.
    StateSet,
    /// Nobody said.
    Unknown,
}

impl MetricKind {
    /// The type as Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::Counter,
            Self::Gauge,
            Self::Histogram,
            Self::GaugeHistogram,
            Self::Summary,
            Self::Info,
            Self::StateSet,
            Self::Unknown,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    }
}

/// The metadata of one tenant. They are told as often as there is a scrape, and are worth less than
/// data: what is too much is left out, and what is old gives way, without a word to the sender.
#[derive(Debug)]
pub(super) struct Registry(Mutex<State>);

#[derive(Debug)]
struct State {
    known: Known,
    /// Where there is a directory.
    path: Option<PathBuf>,
    /// Where something was written.
    log: Option<Log>,
    handles: Arc<Handles>,
}

impl Registry {
    /// An empty one in memory, for `most` descriptions.
    pub(super) fn in_memory(most: usize) -> Self {
        Self(Mutex::new(State {
            known: Known::new(most),
            path: None,
            log: None,
            handles: Arc::default(),
        }))
    }

    /// What a tenant's directory has.
    pub(super) fn open(
        tenant: &Path,
        most: usize,
        handles: &Arc<Handles>,
    ) -> Result<Self, OpenError> {
        let path = tenant.join("metadata.log");
        let mut known = Known::new(most);
        let mut log = None;
        if path.exists() {
            let opened = open_log(&path, handles, |payload| match parse(payload) {
                Ok(one) => fitting(one).into_iter().for_each(|one| known.tell(one)),
                Err(error) => tracing::error!(%error, "what a metric means is lost"),
            });
            log = Some(opened.map_err(|error| error.of_open(&path))?);
        }
        Ok(Self(Mutex::new(State {
            known,
            path: Some(path),
            log,
            handles: Arc::clone(handles),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, batch: Vec<MetricMetadata>) -> Result<(), PushError> {
        let most = self.lock().known.most();
        // Before others are made to wait: what is left of the batch is never more than may be kept.
        let batch = distinct(batch, most);
        let mut state = self.lock();
        // What is known is sent again and again, and need not be written again.
        let mut added = batch;
        added.retain(|one| !state.known.again(one));
        state.write(&added)?;
        for one in added {
            state.known.tell(one);
        }
        Ok(())
    }

    /// The metadata of one metric, or of all if its name is empty; of `limit` metrics at most.
    pub(super) fn find(&self, metric: &str, limit: usize) -> Vec<(String, Vec<MetricMetadata>)> {
        let found = self.lock().known.find(metric, limit);
        let metrics = found.iter().filter_map(|all| {
            let name = all.first()?.metric.clone();
            Some((name, all.iter().map(|one| (**one).clone()).collect()))
        });
        metrics.collect()
    }
}

/// What of a batch may be kept: each description once, `most` of them and [`MOST_BYTES`].
fn distinct(batch: Vec<MetricMetadata>, most: usize) -> Vec<MetricMetadata> {
    let batch: Vec<_> = batch.into_iter().filter_map(fitting).collect();
    let mut seen = HashSet::new();
    let mut bytes = 0;
    let is_kept = |one| {
        if seen.len() >= most || bytes + weight(one) > MOST_BYTES || !seen.insert(one) {
            return false;
        }
        bytes += weight(one);
        true
    };
    let kept: Vec<bool> = batch.iter().map(is_kept).collect();
    let kept = batch.into_iter().zip(kept);
    kept.filter_map(|(one, is_kept)| is_kept.then_some(one))
        .collect()
}

impl State {
    fn write(&mut self, added: &[MetricMetadata]) -> Result<(), PushError> {
        let Some(path) = self.path.clone().filter(|_| !added.is_empty()) else {
            return Ok(());
        };
        self.try_write(&path, added)
            .map_err(|error| unwritten(&error, &path))
    }

    fn try_write(&mut self, path: &Path, added: &[MetricMetadata]) -> io::Result<()> {
        let is_suspect = self.log.as_ref().is_some_and(Log::is_suspect);
        if is_suspect || self.is_mostly_superseded() {
            let fill = |seed, bytes: &mut Vec<u8>| put_all(seed, self.known.all(), bytes);
            match Log::replace(path, &self.handles, fill) {
                Ok(log) => self.log = Some(log),
                // What is superseded does no harm but take room.
                Err(error) if !is_suspect => {
                    tracing::warn!(file = %path.display(), %error, "the file was not made shorter");
                }
                Err(error) => return Err(error),
            }
        }
        let log = match &mut self.log {
            Some(log) => log,
            empty @ None => {
                path.parent().map(make_durable).transpose()?;
                empty.insert(Log::create(path, &self.handles)?)
            }
        };
        let mut bytes = Vec::new();
        put_all(log.seed(), added.iter(), &mut bytes)?;
        log.append(&bytes)
    }

    /// Whether less than the half of the file is known still.
    fn is_mostly_superseded(&self) -> bool {
        let (len, bytes) = (self.known.len() as u64, self.known.bytes() as u64);
        let known = bytes.saturating_add(len.saturating_mul(RECORD));
        let file = self.log.as_ref().map_or(0, Log::len);
        file > known.saturating_mul(2).saturating_add(SHORT)
    }
}

fn put_all<'a>(
    seed: u64,
    all: impl Iterator<Item = &'a MetricMetadata>,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    let mut payload = Vec::new();
    for one in all {
        payload.clear();
        for text in [&one.metric, one.kind.as_str(), &one.help, &one.unit] {
            put_text(&mut payload, text);
        }
        frame(seed, &payload, bytes)?;
    }
    Ok(())
}

/// What [`put_all`] wrote.
pub(crate) fn parse(payload: &[u8]) -> Result<MetricMetadata, Damaged> {
    let mut bytes = Bytes(payload);
    let metric = bytes.text()?.to_owned();
    let kind =
        MetricKind::parse(bytes.text()?).ok_or(Damaged("a type that metrics do not have"))?;
    let (help, unit) = (bytes.text()?.to_owned(), bytes.text()?.to_owned());
    bytes.end()?;
    Ok(MetricMetadata {
        metric,
        kind,
        help,
        unit,
    })
}
