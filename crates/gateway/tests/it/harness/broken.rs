//! A backend that does on each connection what the test says, byte by byte.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// What is done on a connection.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Step {
    /// Reads a request, with its body.
    Read,
    /// Writes this.
    Write(&'static [u8]),
    /// Does nothing for so many milliseconds.
    Wait(u64),
    /// Closes the connection with a reset.
    Reset,
    /// Says and does nothing more, and keeps it open.
    Hang,
}

/// A whole answer.
pub(crate) const OK: Step = Step::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");

/// The backend. It has counted connections and requests, and apart from them the gateway's own probes,
/// to which it is as broken.
pub(crate) struct Broken {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: usize,
    /// Their heads.
    probes: Vec<String>,
}

/// How it comes by what it does.
#[derive(Clone, Copy)]
enum Script {
    /// These steps on each connection, and then it is closed.
    Steps(&'static [Step]),
    /// For each request, by its text; without steps the connection is closed.
    Choice(fn(&str) -> &'static [Step]),
}

impl Broken {
    /// Does these steps on each connection, and then closes it.
    pub(crate) async fn start(steps: &'static [Step]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Script::Steps(steps))
    }

    /// The same at the address to which this socket is bound.
    pub(crate) fn at(socket: TcpSocket, steps: &'static [Step]) -> Self {
        Self::on(socket.listen(64).unwrap(), Script::Steps(steps))
    }

    /// The same at this listener.
    pub(crate) fn listening(listener: TcpListener, steps: &'static [Step]) -> Self {
        Self::on(listener, Script::Steps(steps))
    }

    /// Reads request after request, and does with each what is chosen by its text.
    pub(crate) async fn by(choose: fn(&str) -> &'static [Step]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Script::Choice(choose))
    }

    fn on(listener: TcpListener, script: Script) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Seen>>::default();
        let sees = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mut stage = Stage {
                    stream,
                    is_new: true,
                    seen: Arc::clone(&sees),
                };
                tokio::spawn(async move { stage.play(script).await });
            }
        });
        Self { url, seen }
    }

    /// How many connections were made to it on which there was a request.
    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// How many requests it has read.
    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().requests
    }

    /// The heads of the probes that it has read.
    pub(crate) fn probes(&self) -> Vec<String> {
        self.seen.lock().unwrap().probes.clone()
    }
}

/// One connection.
struct Stage {
    stream: TcpStream,
    is_new: bool,
    seen: Arc<Mutex<Seen>>,
}

impl Stage {
    /// Nothing, where the connection is to be closed.
    async fn play(&mut self, script: Script) -> Option<()> {
        match script {
            Script::Steps(steps) => self.each(steps).await,
            Script::Choice(choose) => loop {
                let request = self.read().await?;
                match choose(&request) {
                    [] => return None,
                    steps => self.each(steps).await?,
                }
            },
        }
    }

    async fn each(&mut self, steps: &[Step]) -> Option<()> {
        for step in steps {
            match step {
                Step::Read => {
                    self.read().await?;
                }
                Step::Write(bytes) => self.stream.write_all(bytes).await.ok()?,
                Step::Wait(milliseconds) => {
                    tokio::time::sleep(std::time::Duration::from_millis(*milliseconds)).await;
                }
                Step::Reset => {
                    // Whatever was written is given the time to arrive: a reset overtakes it.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                    self.stream.set_zero_linger().unwrap();
                    return None;
                }
                Step::Hang => std::future::pending::<()>().await,
            }
        }
        Some(())
    }

    /// A whole request, counted.
    async fn read(&mut self) -> Option<String> {
        let request = read(&mut self.stream).await?;
        let mut seen = self.seen.lock().unwrap();
        if is_probe(request.split(' ').nth(1)?) {
            seen.probes.push(request.clone());
        } else {
            seen.connections += usize::from(self.is_new);
            seen.requests += 1;
        }
        self.is_new = false;
        Some(request)
    }
}

/// Whether the gateway asks this on its own, to know whether anybody is there.
pub(crate) fn is_probe(path: &str) -> bool {
    path.ends_with("/ready")
}

/// A whole request, if one comes.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= head.len() + 4 + length {
                return Some(text);
            }
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return None;
        }
    }
}
