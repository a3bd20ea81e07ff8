//! The connections of one thread to one backend, and what became of a request that got no answer.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::authenticate::with_causes;
use crate::connector::{Connector, Progress, Said};

/// How long an unused connection is kept; shorter than the servers do.
const IDLE: Duration = Duration::from_secs(30);

/// How long connections are used again at the most. A name may have another address by then, and the
/// one before may still answer.
const LIFE: Duration = Duration::from_mins(1);

/// Connections, which are all replaced after a while: names are resolved for each new one.
pub(super) struct Pool {
    connector: Connector,
    current: ArcSwap<Generation>,
}

struct Generation {
    client: Client<Connector, Full<Bytes>>,
    born: Instant,
}

/// What became of a request that got no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing of it was written: no connection came about.
    NotSent,
    /// It was written on a connection that had been used before, and not a byte came of an answer: the
    /// server closed it as unused before it saw the request, as servers do, or it went away.
    Stale,
    /// It may have been read, or half answered.
    Unknown,
    /// The gateway itself is out of file descriptors, and nothing was written.
    NoFile,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        let current = ArcSwap::from_pointee(Generation::new(&connector));
        Self { connector, current }
    }

    /// Sends, and waits until the answer begins.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        now: Instant,
    ) -> Result<Response<Incoming>, (Fate, String)> {
        let mut current = self.current.load();
        if now.saturating_duration_since(current.born) > LIFE {
            // What is on its way on one of the old ones comes to its end there.
            self.current
                .store(Arc::new(Generation::new(&self.connector)));
            current = self.current.load();
        }
        let sent = current.client.request(request);
        drop(current);
        sent.await
            .map_err(|error| (fate(&error), with_causes(&error)))
    }
}

impl Generation {
    fn new(connector: &Connector) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector.clone());
        Self {
            client,
            born: Instant::now(),
        }
    }
}

/// What became of the request, from what was written and read on its connection.
fn fate(error: &Error) -> Fate {
    if error.is_connect() {
        return if is_out_of_files(error) {
            Fate::NoFile
        } else {
            Fate::NotSent
        };
    }
    let mut extras = Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut extras);
    }
    match extras.get::<Progress>().map(Progress::said) {
        Some(Said::Nothing) => Fate::NotSent,
        Some(Said::AskedAgain) => Fate::Stale,
        Some(Said::Asked | Said::Answered) | None => Fate::Unknown,
    }
}

/// Whether the process (`EMFILE`) or the system (`ENFILE`) has no file descriptor left.
fn is_out_of_files(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(error.raw_os_error(), Some(23 | 24))
        {
            return true;
        }
        cause = error.source();
    }
    false
}
