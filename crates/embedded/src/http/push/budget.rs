//! What a batch may become in memory. What is said once in a batch may hold for everything in it: a
//! resource's attributes for all of its records, a symbol for all labels. So a small body can become
//! more than there is memory for.

use std::cell::Cell;

use http::StatusCode;

use super::Refused;

/// What one batch may become, in bytes.
const MOST: usize = 256 << 20;

/// The bytes that a batch may yet become.
pub(super) struct Budget(Cell<usize>);

impl Default for Budget {
    fn default() -> Self {
        Self(Cell::new(MOST))
    }
}

impl Budget {
    /// Takes so many bytes, if there are as many.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Refused> {
        let Some(left) = self.0.get().checked_sub(bytes) else {
            return Err((
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the batch becomes more than {MOST} bytes when its labels and attributes are \
                     written out: send smaller batches"
                ),
            ));
        };
        self.0.set(left);
        Ok(())
    }

    /// Takes what these pairs have in memory.
    pub(super) fn take_pairs(&self, pairs: &[(String, String)]) -> Result<(), Refused> {
        let one = |(name, value): &(String, String)| {
            let length = name.len().saturating_add(value.len());
            length.saturating_add(size_of::<(String, String)>())
        };
        let all = pairs.iter().map(one);
        self.take(all.fold(0, usize::saturating_add))
    }
}
