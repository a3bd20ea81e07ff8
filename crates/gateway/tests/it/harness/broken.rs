//! A backend that does on each connection what the test says, byte by byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What is done on a connection.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// Reads a request, with its body.
    Read,
    /// Writes this.
    Write(&'static [u8]),
    /// Closes the connection with a reset.
    Reset,
    /// Says and does nothing more, and keeps it open.
    Hang,
}

/// A whole answer.
pub(crate) const OK: Step = Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");

/// The backend. It has counted connections and requests.
pub(crate) struct Broken {
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl Broken {
    /// Does these steps on each connection, and then closes it.
    pub(crate) async fn start(steps: &'static [Step]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, steps)
    }

    /// The same at the address to which this socket is bound.
    pub(crate) fn at(socket: TcpSocket, steps: &'static [Step]) -> Self {
        Self::on(socket.listen(64).unwrap(), steps)
    }

    fn on(listener: TcpListener, steps: &'static [Step]) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(AtomicUsize::new(0));
        let counters = (Arc::clone(&connections), Arc::clone(&requests));
        tokio::spawn(async move {
            let (connections, requests) = counters;
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(play(stream, steps, Arc::clone(&requests)));
            }
        });
        Self {
            url,
            connections,
            requests,
        }
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many requests it has read.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn play(mut stream: TcpStream, steps: &[Step], requests: Arc<AtomicUsize>) {
    for step in steps {
        match step {
            Step::Read => {
                if !read(&mut stream).await {
                    return;
                }
                requests.fetch_add(1, Ordering::SeqCst);
            }
            Step::Write(bytes) => {
                if stream.write_all(bytes).await.is_err() {
                    return;
                }
            }
            Step::Reset => {
                // Whatever was written is given the time to arrive: a reset overtakes it.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                stream.set_zero_linger().unwrap();
                return;
            }
            Step::Hang => std::future::pending::<()>().await,
        }
    }
}

/// Whether a whole request came.
async fn read(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= head.len() + 4 + length {
                return true;
            }
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return false;
        }
    }
}
