//! The handle.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::access::answer::Row;
use crate::address::mask;
use crate::cache::Cache;
use crate::error::DirectoryError;
use crate::options::Options;
use crate::outage::Outage;
use crate::store::Store;
use crate::watch::Watch;

/// An open directory. Clones are cheap and share the connections, and what is remembered; with the
/// last of them ends the watch over changes that others make.
///
/// Every call runs on the directory's own runtime and can be awaited from any other. Dropping a
/// call gives up its answer only: the work itself runs to its end or its timeout, so no connection
/// is left in the middle of a statement, and a write may still happen.
#[derive(Clone)]
pub struct Directory {
    store: Arc<Store>,
    cache: Arc<Cache>,
    watch: Arc<Watch>,
    runtime: Handle,
    url: Arc<str>,
}

impl Directory {
    /// Connects and brings the database to this program's shape. Replicas may do so at once. One
    /// that is not [`managed`](Options::managed) is only looked at: where it lacks a table or column
    /// of the contract, or the permission to read one, this is [`DirectoryError::Invalid`].
    pub async fn open(options: Options) -> Result<Self, DirectoryError> {
        let runtime = options.runtime.clone();
        let url = mask(&options.url).into();
        let (store, cache, watch) = on(&runtime, async move {
            let store = Store::open(&options).await?;
            ping(&store).await?;
            let (cache, watch) = Watch::start(&options)?;
            Ok((store, cache, watch))
        })
        .await?;
        Ok(Self {
            store: Arc::new(store),
            cache,
            watch: Arc::new(watch),
            runtime,
            url,
        })
    }

    /// Whether this program writes the database; otherwise another one does, and it is only read.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.store.is_managed()
    }

    /// Whether decisions can be made: asks what they rest on, about nobody and nothing. A database
    /// that answers, and does not permit that question, is as good as none.
    pub async fn ping(&self) -> Result<(), DirectoryError> {
        self.run(|store| async move { ping(&store).await }).await
    }

    /// Closes the connections. Calls after that are [`DirectoryError::Unavailable`].
    pub async fn close(&self) {
        self.cache.lease().close();
        let watch = Arc::clone(&self.watch);
        let closed = self.run(|store| async move {
            watch.stop().await;
            store.close().await;
            Ok(())
        });
        // The only error is that the runtime is gone, and the connections with it.
        closed.await.ok();
    }

    /// What is remembered about access.
    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// How often a decision was remembered, and how often the database had to be asked.
    #[must_use]
    pub fn lookups(&self) -> [u64; 2] {
        self.cache.lookups().sums()
    }

    /// What is known of the database's being away.
    pub(crate) fn outage(&self) -> &Outage {
        self.store.outage()
    }

    /// Runs work on the directory's runtime.
    pub(crate) async fn run<T, F>(
        &self,
        work: impl FnOnce(Arc<Store>) -> F,
    ) -> Result<T, DirectoryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DirectoryError>> + Send + 'static,
    {
        on(&self.runtime, work(Arc::clone(&self.store))).await
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

async fn on<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = Result<T, DirectoryError>> + Send + 'static,
) -> Result<T, DirectoryError> {
    runtime.spawn(work).await.unwrap_or_else(|_| {
        Err(DirectoryError::Unavailable(
            "its runtime has stopped".to_owned(),
        ))
    })
}

async fn ping(store: &Store) -> Result<(), DirectoryError> {
    // No subject and no id is empty.
    let (nobody, nothing) = (Some(""), Some(""));
    let question = store.statements().access_to_project;
    store
        .fetch::<Row>(question, &[nobody, nothing, None])
        .await?;
    Ok(())
}
