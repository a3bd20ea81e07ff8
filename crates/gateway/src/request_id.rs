//! The id of a request, by which its lines in the log and the audit, its answer and what the backend
//! was sent are found.

use http::HeaderValue;
use jiff::Timestamp;
use tokio::task::futures::TaskLocalFuture;
use uuid::fmt::Hyphenated;
use uuid::{NoContext, Uuid};

tokio::task_local! {
    /// The request that the task is busy with.
    static CURRENT: RequestId;
}

/// A UUID of version 7. A caller's own is not taken: it would end up in the log.
#[derive(Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// A new id, of a request that comes now.
    pub(crate) fn new(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos));
        let mut digits = [0; Hyphenated::LENGTH];
        let header = HeaderValue::from_str(id.hyphenated().encode_lower(&mut digits));
        Self(header.unwrap_or_else(|_| HeaderValue::from_static("-")))
    }

    /// As a header has it.
    pub(crate) fn header(&self) -> &HeaderValue {
        &self.0
    }

    /// As a text: its digits are plain ASCII.
    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// Does `work` for this request: what is logged meanwhile has the id.
    ///
    /// It is a value of the task and no span, for nearly all requests log nothing but their own line,
    /// and a span costs more than that.
    pub(crate) fn during<F: Future>(self, work: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self, work)
    }

    /// The id of the request that the task is busy with, for a task that goes on with it.
    pub(crate) fn current() -> Self {
        let none = |_| Self(HeaderValue::from_static("-"));
        CURRENT.try_with(Clone::clone).unwrap_or_else(none)
    }
}

/// Shows the id of the request that the task is busy with, if it is with one: for whoever writes the
/// log, since it is in no span.
pub fn with_current<T>(show: impl FnOnce(&str) -> T) -> Option<T> {
    CURRENT.try_with(|id| show(id.as_str())).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_the_same_moment_are_all_different() {
        let now = Timestamp::now();
        let ids: HashSet<String> = (0..10_000)
            .map(|_| RequestId::new(now).as_str().to_owned())
            .collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let id = Uuid::try_parse(&id).unwrap();
            assert_eq!(id.get_version_num(), 7);
        }
    }

    #[tokio::test]
    async fn what_is_logged_is_known_to_be_of_the_request_and_of_no_other() {
        fn shown() -> Option<String> {
            with_current(str::to_owned)
        }
        assert_eq!(shown(), None);
        let id = RequestId::new(Timestamp::now());
        let text = id.as_str().to_owned();
        let (here, spawned) = id
            .during(async {
                let tail = RequestId::current().during(async { shown() });
                (shown(), tokio::spawn(tail))
            })
            .await;
        assert_eq!(here.as_ref(), Some(&text));
        assert_eq!(spawned.await.unwrap(), Some(text));
        assert_eq!(shown(), None);
    }
}
