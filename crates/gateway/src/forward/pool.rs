//! The connections of one thread to one URL of a backend, and what became of a request that got no
//! answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant as Deadline, timeout_at};
use tower::ServiceExt;

use super::line::{Line, Received};
use crate::authenticate::with_causes;
use crate::breaker::{Breaker, CONNECTS_WITHIN};
use crate::connector::{Connector, Progress, Said, Stream, is_out_of_files};

/// How long an unused connection is kept; shorter than the servers do.
const IDLE: Duration = Duration::from_secs(30);

/// How long connections are used again at the most. A name may have another address by then, and the
/// one before may still answer; certificates and credentials for TLS may be others, too.
const LIFE: Duration = Duration::from_mins(1);

/// How often unused connections are looked at.
const SWEEP: Duration = Duration::from_secs(3);

/// How many unused connections are kept.
const MOST: usize = 512;

/// Connections to one URL.
pub(super) struct Pool {
    connector: Connector,
    url: Uri,
    breaker: Arc<Breaker>,
    shelf: Arc<Shelf>,
}

/// The unused ones. Only one thread takes and puts, so that nobody ever waits for the lock.
#[derive(Default)]
pub(super) struct Shelf(Mutex<Unused>);

#[derive(Default)]
struct Unused {
    /// The one used last is at the end, and is used next: what is not needed any more gets old.
    #[expect(
        clippy::vec_box,
        reason = "they are moved to requests and back, as a pointer"
    )]
    lines: Vec<Box<Line>>,
    /// Whether a task looks after them.
    is_swept: bool,
}

/// What became of a request that got no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing of it was written: no connection came about.
    NotSent,
    /// Nothing of it was written: the connection had been used before, and was closed since.
    Closed,
    /// It was written on a connection that had been used before, which broke at once and without a byte
    /// of an answer: the server closed it as unused before it saw the request, as servers do.
    Stale,
    /// It may have been read, or half answered.
    Unknown,
    /// The gateway itself is out of file descriptors, and nothing was written.
    NoFile,
    /// No answer began in time.
    Late,
}

/// Its fate, and why.
pub(super) type Failure = (Fate, String);

/// A new connection, which nobody drives yet.
struct Fresh {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Stream>, Full<Bytes>>,
    progress: Progress,
}

impl Pool {
    pub(super) fn new(connector: Connector, url: Uri, breaker: Arc<Breaker>) -> Self {
        Self {
            connector,
            url,
            breaker,
            shelf: Arc::default(),
        }
    }

    /// A connection: one that is not used, unless it has to be fresh, or a new one.
    pub(super) async fn line(
        &self,
        is_fresh: bool,
        now: Instant,
        deadline: Deadline,
    ) -> Result<Box<Line>, Failure> {
        let unused = if is_fresh { None } else { self.shelf.take(now) };
        match unused {
            Some(line) => Ok(line),
            // Seldom, and large.
            None => Box::pin(self.new_line(deadline)).await,
        }
    }

    /// Sends what asks for another protocol, on a connection of its own, and waits until the answer
    /// begins.
    pub(super) async fn upgrade(
        &self,
        request: Request<Full<Bytes>>,
        deadline: Deadline,
    ) -> Result<Response<Received>, Failure> {
        let Fresh {
            mut sender,
            connection,
            progress,
        } = self.connect(deadline).await?;
        // Its end is known from the answer, or from what it has become.
        tokio::spawn(connection.with_upgrades());
        match timeout_at(deadline, sender.send_request(request)).await {
            Err(_) => {
                progress.abandon();
                Err(late())
            }
            Ok(Ok(answer)) => {
                // However the caller's end of it goes.
                progress.abandon();
                Ok(answer.map(Received::elsewhere))
            }
            Ok(Err(error)) => Err((fate(progress.said()), with_causes(&error))),
        }
    }

    async fn new_line(&self, deadline: Deadline) -> Result<Box<Line>, Failure> {
        let Fresh {
            sender,
            connection,
            progress,
        } = self.connect(deadline).await?;
        let breaker = Arc::clone(&self.breaker);
        let shelf = Arc::downgrade(&self.shelf);
        let line = Line::new(sender, connection, progress, breaker, shelf);
        Ok(Box::new(line))
    }

    async fn connect(&self, deadline: Deadline) -> Result<Fresh, Failure> {
        let mut connecting = self.connector.clone().oneshot(self.url.clone());
        let soon = deadline.min(Deadline::now() + CONNECTS_WITHIN);
        let connected = if let Ok(connected) = timeout_at(soon, &mut connecting).await {
            Ok(connected)
        } else {
            self.breaker.suspect();
            timeout_at(deadline, connecting).await
        };
        let stream = match connected {
            Err(_) => return Err(late()),
            Ok(Err(error)) if is_out_of_files(&*error) => {
                return Err((Fate::NoFile, with_causes(&*error)));
            }
            Ok(Err(error)) => return Err((Fate::NotSent, with_causes(&*error))),
            Ok(Ok(stream)) => stream,
        };
        let progress = stream.inner().progress();
        let handshake = handshake(stream).await;
        let (sender, connection) =
            handshake.map_err(|error| (Fate::NotSent, with_causes(&error)))?;
        Ok(Fresh {
            sender,
            connection,
            progress,
        })
    }
}

impl Shelf {
    /// A connection that can be used again.
    fn take(&self, now: Instant) -> Option<Box<Line>> {
        loop {
            let line = self.unused().lines.pop()?;
            if is_fit(&line, now) {
                return Some(line);
            }
            line.end();
        }
    }

    /// Keeps an unused connection.
    pub(super) fn put(self: &Arc<Self>, line: Box<Line>) {
        let mut unused = self.unused();
        if unused.lines.len() >= MOST {
            return;
        }
        unused.lines.push(line);
        if !unused.is_swept
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            unused.is_swept = true;
            runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Ends those that are old, or that the other side has closed, and says whether any is left.
    fn sweep(&self, now: Instant) -> bool {
        let mut unused = self.unused();
        let lines = std::mem::take(&mut unused.lines);
        for mut line in lines {
            if is_fit(&line, now) && line.is_quiet() {
                unused.lines.push(line);
            } else {
                line.end();
            }
        }
        unused.is_swept = !unused.lines.is_empty();
        unused.is_swept
    }

    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fit(line: &Line, now: Instant) -> bool {
    now.saturating_duration_since(line.used()) < IDLE
        && now.saturating_duration_since(line.born()) < LIFE
}

async fn sweep(shelf: Weak<Shelf>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(shelf) = shelf.upgrade() else { return };
        if !shelf.sweep(Instant::now()) {
            return;
        }
    }
}

pub(super) fn late() -> Failure {
    (Fate::Late, String::new())
}

/// What became of a request, from what was written and read on its connection.
pub(super) fn fate(said: Said) -> Fate {
    match said {
        Said::Nothing => Fate::NotSent,
        Said::AskedAgain => Fate::Stale,
        Said::Asked | Said::Answered => Fate::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn pool() -> (Pool, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let breaker = Arc::new(Breaker::new(url.clone()));
        (
            Pool::new(Connector::plain(), url.parse().unwrap(), breaker),
            listener,
        )
    }

    /// The server's end of a connection that has been used and put back.
    async fn used(pool: &Pool, listener: &TcpListener) -> TcpStream {
        let deadline = Deadline::now() + IDLE;
        let asking = async {
            let line = pool.line(false, Instant::now(), deadline).await.unwrap();
            let answer = line
                .send(Request::default(), Instant::now(), deadline)
                .await
                .unwrap();
            answer.into_body().collect().await.unwrap().to_bytes()
        };
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 1000]).await.unwrap() > 0);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
            stream.write_all(answer).await.unwrap();
            stream
        };
        let (body, stream) = tokio::join!(asking, answering);
        assert_eq!(body, "{}");
        stream
    }

    #[tokio::test]
    async fn an_old_connection_is_closed_and_not_used_again() {
        let (pool, listener) = pool().await;
        let mut stream = used(&pool, &listener).await;
        let line = pool.shelf.take(Instant::now()).unwrap();
        assert!(pool.shelf.take(Instant::now()).is_none(), "it is in use");
        pool.shelf.put(line);
        assert!(pool.shelf.take(Instant::now() + IDLE).is_none());
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn unused_connections_are_closed_when_they_are_old_or_the_server_closes_them() {
        let (pool, listener) = pool().await;
        let mut stream = used(&pool, &listener).await;
        assert!(pool.shelf.sweep(Instant::now()));
        assert!(!pool.shelf.sweep(Instant::now() + IDLE));
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        drop(used(&pool, &listener).await);
        while pool.shelf.sweep(Instant::now()) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_connection_whose_asker_has_gone_is_reset_and_leaves_no_port_taken() {
        let (pool, listener) = pool().await;
        let deadline = Deadline::now() + IDLE;
        let line = pool.line(false, Instant::now(), deadline).await.unwrap();
        let mut asking = Box::pin(line.send(Request::default(), Instant::now(), deadline));
        assert!((&mut asking).now_or_never().is_none());
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 1000]).await.unwrap() > 0);
        drop(asking);
        let end = stream.read(&mut [0]).await.unwrap_err();
        assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn no_more_than_the_most_are_kept() {
        let (pool, listener) = pool().await;
        let _stream = used(&pool, &listener).await;
        let line = pool.shelf.take(Instant::now()).unwrap();
        let deadline = Deadline::now() + IDLE;
        for _ in 0..MOST {
            let line = pool.new_line(deadline).await.unwrap();
            listener.accept().await.unwrap();
            pool.shelf.put(line);
        }
        pool.shelf.put(line);
        assert_eq!(pool.shelf.unused().lines.len(), MOST);
    }
}
