//! How much text the labels of streams and series may have, for one tenant and for all together:
//! labels are in memory as long as their stream, however much is sealed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::labels::Labels;
use crate::store::PushError;

/// What is taken of a number of bytes that there are.
#[derive(Debug, Default)]
struct Account {
    taken: AtomicUsize,
    most: usize,
}

impl Account {
    fn try_take(&self, bytes: usize) -> bool {
        let more = |taken: usize| {
            let taken = taken.checked_add(bytes)?;
            (taken <= self.most).then_some(taken)
        };
        let taken = &self.taken;
        taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The bytes of all labels of one tenant. Clones are of the same tenant.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct LabelBudget {
    tenant: Arc<Account>,
    all: Arc<Account>,
}

impl LabelBudget {
    /// That of a store, of which no tenant has any yet.
    pub(in crate::store) fn new(tenant: usize, all: usize) -> Self {
        let account = |most| Account {
            taken: AtomicUsize::new(0),
            most,
        };
        Self {
            tenant: Arc::new(account(tenant)),
            all: Arc::new(account(all)),
        }
    }

    /// That of another tenant.
    pub(in crate::store) fn of_tenant(&self) -> Self {
        Self::with(self.tenant.most, &self.all)
    }

    fn with(most: usize, all: &Arc<Account>) -> Self {
        let taken = AtomicUsize::new(0);
        Self {
            tenant: Arc::new(Account { taken, most }),
            all: Arc::clone(all),
        }
    }

    /// Takes the bytes of new labels, if there are as many.
    pub(super) fn try_take(&self, bytes: usize) -> Result<(), PushError> {
        if !self.tenant.try_take(bytes) {
            return Err(PushError::TooManyLabels(self.tenant.most));
        }
        if !self.all.try_take(bytes) {
            self.tenant.give_back(bytes);
            return Err(PushError::NoRoomForLabels);
        }
        Ok(())
    }

    /// Takes the bytes of labels that are there already.
    pub(super) fn take(&self, bytes: usize) {
        self.tenant.take(bytes);
        self.all.take(bytes);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.tenant.give_back(bytes);
        self.all.give_back(bytes);
    }

    /// Whether more than the half of what the tenant, or all, may have is taken.
    pub(super) fn is_tight(&self) -> bool {
        let is_tight = |of: &Account| of.taken.load(Ordering::Relaxed) > of.most / 2;
        is_tight(&self.tenant) || is_tight(&self.all)
    }
}

/// Bytes of the text of labels.
pub(super) fn text<'a>(of: impl IntoIterator<Item = &'a Labels>) -> usize {
    let pairs = of.into_iter().flat_map(Labels::iter);
    pairs.map(|(name, value)| name.len() + value.len()).sum()
}
