//! The accounts of all subjects, or of all projects.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use directory::hashing::{Seeded, seeded};
use tokio::time::Instant;

use super::account::Account;
use super::exceeded::Whose;
use super::settings::Quota;

/// From so many accounts on, those that are idle are forgotten.
const MANY: usize = 10_000;

/// The accounts of all subjects, or of all projects.
#[derive(Debug)]
pub struct Ledger<K: Eq + Hash> {
    whose: Whose,
    accounts: DashMap<K, Arc<Account>, Seeded>,
    /// How many there may be before those that are idle are looked for.
    most: AtomicUsize,
}

impl<K: Clone + Eq + Hash> Ledger<K> {
    pub(super) fn new(whose: Whose) -> Self {
        Self {
            whose,
            accounts: DashMap::with_hasher(seeded()),
            most: AtomicUsize::new(MANY),
        }
    }

    /// The account of `key`, held to this quota; where there is none, a new one.
    pub(super) fn account(&self, key: &K, quota: Quota, now: Instant) -> Arc<Account> {
        if let Some(account) = self.accounts.get(key) {
            account.hold_to(quota, now);
            return Arc::clone(&account);
        }
        if self.accounts.len() >= self.most.load(Ordering::Relaxed) {
            self.forget_idle(now);
        }
        let new = || Arc::new(Account::new(self.whose, quota, now));
        Arc::clone(&self.accounts.entry(key.clone()).or_insert_with(new))
    }

    /// Forgets the accounts that nobody holds and that are as new ones are.
    ///
    /// As it takes time in proportion to the accounts that stay, it is due again when there are twice
    /// as many.
    fn forget_idle(&self, now: Instant) {
        // Whoever is about to hold one waits for its part of the map, which is locked meanwhile.
        self.accounts
            .retain(|_, account| Arc::strong_count(account) > 1 || !account.is_idle(now));
        let most = self.accounts.len().saturating_mul(2).max(MANY);
        self.most.store(most, Ordering::Relaxed);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }
}
