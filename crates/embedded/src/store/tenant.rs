//! All data of one tenant.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::LogEntry;
use crate::store::disk::directory::{Directory, OpenError};
use crate::store::feed::Feed;
use crate::store::gone::Gone;
use crate::store::metadata::Registry;
use crate::store::shelf::{Setting, Shelf};
use crate::store::table::Unobserved;
use crate::store::{Exemplar, HistogramSample, Sample, Shared};

/// Bytes of data in memory over all tenants; when there are more, the largest are sealed.
const MOST_IN_MEMORY: usize = 256 << 20;
/// Bytes of indexes in memory over all tenants.
const MOST_OF_INDEXES: usize = 64 << 20;

/// All data of one tenant. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    pub(super) logs: Arc<Shelf<LogEntry, Feed>>,
    pub(super) metrics: Arc<Shelf<Sample, Unobserved>>,
    pub(super) histograms: Arc<Shelf<HistogramSample, Unobserved>>,
    pub(super) exemplars: Arc<Shelf<Exemplar, Unobserved>>,
    pub(super) metadata: Arc<Registry>,
}

impl Tenant {
    pub(super) fn in_memory(setting: &Setting) -> Self {
        let setting = &setting.of_tenant();
        Self {
            logs: Arc::new(Shelf::in_memory(setting, Feed::default())),
            metrics: Arc::new(Shelf::in_memory(setting, Unobserved)),
            histograms: Arc::new(Shelf::in_memory(setting, Unobserved)),
            exemplars: Arc::new(Shelf::in_memory(setting, Unobserved)),
            metadata: Arc::new(Registry::in_memory(setting.max_streams)),
        }
    }

    pub(super) fn open(path: &Path, setting: &Setting) -> Result<Self, OpenError> {
        let setting = &setting.of_tenant();
        Ok(Self {
            logs: Arc::new(Shelf::open(path, setting, Feed::default())?),
            metrics: Arc::new(Shelf::open(path, setting, Unobserved)?),
            histograms: Arc::new(Shelf::open(path, setting, Unobserved)?),
            exemplars: Arc::new(Shelf::open(path, setting, Unobserved)?),
            metadata: Arc::new(Registry::open(path, setting.max_streams, &setting.handles)?),
        })
    }

    /// Takes the oldest of all kinds of data away until no more than `most` bytes of data are on
    /// disk. Labels and metadata do not count, for taking data away does not make them less; they
    /// have bounds of their own.
    fn shrink(&self, most: u64, gone: &mut Gone) {
        loop {
            let size = self.logs.size()
                + self.metrics.size()
                + self.histograms.size()
                + self.exemplars.size();
            if size <= most {
                return;
            }
            let ages = [
                self.logs.oldest(),
                self.metrics.oldest(),
                self.histograms.oldest(),
                self.exemplars.oldest(),
            ];
            let oldest = ages
                .iter()
                .enumerate()
                .filter_map(|(at, age)| Some(((*age)?, at)));
            match oldest.min() {
                Some((_, 0)) => self.logs.drop_oldest(gone),
                Some((_, 1)) => self.metrics.drop_oldest(gone),
                Some((_, 2)) => self.histograms.drop_oldest(gone),
                Some(_) => self.exemplars.drop_oldest(gone),
                // What is not sealed yet is bounded by itself.
                None => return,
            }
        }
    }

    fn weight(&self) -> usize {
        self.logs.weight()
            + self.metrics.weight()
            + self.histograms.weight()
            + self.exemplars.weight()
    }

    fn seal_if(&self, must: bool, now_ns: i64) {
        self.logs.seal_if(must, now_ns);
        self.metrics.seal_if(must, now_ns);
        self.histograms.seal_if(must, now_ns);
        self.exemplars.seal_if(must, now_ns);
    }
}

/// Opens all tenants of a directory, on as many threads as the machine runs at a time.
pub(super) fn open_all(
    directory: &Directory,
    setting: &Setting,
) -> Result<HashMap<String, Tenant>, OpenError> {
    let names = directory.tenants()?;
    let next = AtomicUsize::new(0);
    let opened: Mutex<Result<HashMap<String, Tenant>, OpenError>> = Mutex::new(Ok(HashMap::new()));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(path) = directory.tenant(name) else {
                continue;
            };
            let tenant = Tenant::open(&path, setting);
            let mut opened = opened.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *opened, tenant) {
                (Ok(opened), Ok(tenant)) => {
                    opened.insert(name.clone(), tenant);
                }
                (failed @ Ok(_), Err(error)) => *failed = Err(error),
                (Err(_), _) => return,
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..threads.min(names.len()) {
            scope.spawn(work);
        }
        work();
    });
    opened.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn tenants(&self) -> Vec<Tenant> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.values().cloned().collect()
    }

    /// Seals everything.
    pub(super) fn seal(&self) {
        let now_ns = (self.clock)();
        for tenant in self.tenants() {
            tenant.seal_if(true, now_ns);
        }
    }

    /// Does what there is to do beside pushes and queries.
    pub(super) fn keep(&self) {
        let tenants = self.tenants();
        let now_ns = (self.clock)();
        let is_first = !self.was_kept.swap(true, Ordering::Relaxed);
        for tenant in &tenants {
            tenant.seal_if(false, now_ns);
            let project = tenant.logs.tenant();
            let mut gone = Gone::default();
            tenant.logs.expire(now_ns, &mut gone);
            tenant.metrics.expire(now_ns, &mut gone);
            tenant.histograms.expire(now_ns, &mut gone);
            tenant.exemplars.expire(now_ns, &mut gone);
            gone.log(project, is_first, "older than is kept");
            if let Some(most) = self.retention_bytes {
                let mut gone = Gone::default();
                tenant.shrink(most, &mut gone);
                gone.log(
                    project,
                    is_first,
                    "the oldest, and there is more than is kept",
                );
            }
            tenant.logs.merge();
            tenant.metrics.merge();
            tenant.histograms.merge();
            tenant.exemplars.merge();
            tenant.logs.sweep(now_ns);
            tenant.metrics.sweep(now_ns);
            tenant.histograms.sweep(now_ns);
            tenant.exemplars.sweep(now_ns);
        }
        let total: usize = tenants.iter().map(Tenant::weight).sum();
        if total > MOST_IN_MEMORY
            && let Some(largest) = tenants.iter().max_by_key(|tenant| tenant.weight())
        {
            largest.seal_if(true, now_ns);
        }
        let shelves = |tenant: &Tenant| {
            tenant.logs.indexes_weight()
                + tenant.metrics.indexes_weight()
                + tenant.histograms.indexes_weight()
                + tenant.exemplars.indexes_weight()
        };
        if tenants.iter().map(shelves).sum::<usize>() > MOST_OF_INDEXES {
            for tenant in &tenants {
                tenant.logs.forget_indexes();
                tenant.metrics.forget_indexes();
                tenant.histograms.forget_indexes();
                tenant.exemplars.forget_indexes();
            }
        }
    }
}
