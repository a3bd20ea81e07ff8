//! What is older than the store keeps is refused: taken, it would be gone within seconds, and its
//! sender would not know.

use jiff::Timestamp;

use super::disk::codec::Record;
use super::{PushError, Store};
use crate::labels::Labels;

impl Store {
    /// The time from which on data is kept, in the unit of `T`; `None` for a store in memory, which
    /// counts back from the newest entry of each stream and not from now.
    pub(crate) fn oldest<T: Record>(&self) -> Option<i64> {
        let shared = &self.shared;
        shared.directory.as_ref()?;
        let kept = shared.setting.retention_ns / T::UNIT_NS;
        Some(((shared.clock)() / T::UNIT_NS).saturating_sub(kept))
    }

    /// Takes out of a push what is too old, and returns what is to be said of it once the rest is
    /// stored. Streams of which nothing is left are taken out too. `what` an entry is of which stream
    /// begins the sentence.
    pub(super) fn take_old<T: Record>(
        &self,
        batch: &mut Vec<(Labels, Vec<T>)>,
        what: &str,
    ) -> Option<PushError> {
        let oldest = self.oldest::<T>()?;
        let (mut first, mut count) = (None, 0_usize);
        batch.retain_mut(|(labels, entries)| {
            let before = entries.len();
            let old = |entry: &T| entry.time() < oldest;
            if let Some(entry) = entries.iter().find(|entry| old(entry)) {
                first.get_or_insert_with(|| (labels.to_string(), entry.time()));
                entries.retain(|entry| !old(entry));
                count = count.saturating_add(before - entries.len());
            }
            before == 0 || !entries.is_empty()
        });
        let (labels, time) = first?;
        Some(PushError::TooOld {
            of: format!("{what} {labels}"),
            age: age(
                time.saturating_mul(T::UNIT_NS),
                oldest.saturating_mul(T::UNIT_NS),
            ),
            count,
        })
    }
}

/// What is said of a time that is too old, in nanoseconds since the Unix epoch.
pub(crate) fn age(time_ns: i64, oldest_ns: i64) -> String {
    let shown = |time_ns: i64| Timestamp::from_nanosecond(time_ns.into()).unwrap_or_default();
    format!(
        "timestamp too old: {}, oldest acceptable timestamp is: {}",
        shown(time_ns),
        shown(oldest_ns)
    )
}
