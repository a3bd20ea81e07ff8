//! A proxy before a PostgreSQL server, which can swallow what is said without closing anything.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "support for tests, of which not every one uses all"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::postgres::{Cluster, ENCODED_PASSWORD};

/// Listens on loopback, and forwards to the cluster's socket.
pub struct Proxy {
    address: SocketAddr,
    silences: Arc<Silences>,
}

#[derive(Default)]
struct Silences {
    all: AtomicBool,
    listeners: AtomicBool,
}

/// Listens as a pooler does that lends connections for a transaction: what the server says while the
/// client asks nothing is dropped.
pub fn pooler(cluster: &Cluster, database: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let socket = cluster.socket();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = UnixStream::connect(&socket) else {
                continue;
            };
            // A client asks something from the start: to be let in.
            let asks = Arc::new(AtomicBool::new(true));
            let (mut up, mut to_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            let asked = Arc::clone(&asks);
            thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(length @ 1..) = up.read(&mut buffer) {
                    asked.store(true, Ordering::SeqCst);
                    if to_server.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
            });
            thread::spawn(move || lend(server, client, &asks));
        }
    });
    format!("postgres://ktrlplane:{ENCODED_PASSWORD}@{address}/{database}?sslmode=disable")
}

/// Copies the server's messages: a letter, a length that counts itself, and the rest.
fn lend(mut server: impl Read, mut client: impl Write, asks: &AtomicBool) {
    let mut head = [0; 5];
    while server.read_exact(&mut head).is_ok() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
        if server.read_exact(&mut rest).is_err() {
            break;
        }
        let (notification, ready) = (head[0] == b'A', head[0] == b'Z');
        if notification && !asks.load(Ordering::SeqCst) {
            continue;
        }
        if ready {
            asks.store(false, Ordering::SeqCst);
        }
        if client.write_all(&[&head[..], &rest[..]].concat()).is_err() {
            break;
        }
    }
}

impl Proxy {
    pub fn before(cluster: &Cluster) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let silences = Arc::new(Silences::default());
        let (socket, shared) = (cluster.socket(), Arc::clone(&silences));
        // The threads end with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = UnixStream::connect(&socket) else {
                    continue;
                };
                let listens = Arc::new(AtomicBool::new(false));
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (silences, watches) = (Arc::clone(&shared), Arc::clone(&listens));
                thread::spawn(move || forward(up, server, &silences, &watches));
                let (silences, watches) = (Arc::clone(&shared), listens);
                thread::spawn(move || forward(down, client, &silences, &watches));
            }
        });
        Self { address, silences }
    }

    pub fn url(&self, database: &str) -> String {
        let address = self.address;
        format!("postgres://ktrlplane:{ENCODED_PASSWORD}@{address}/{database}?sslmode=disable")
    }

    /// Whether everything is swallowed.
    pub fn silence(&self, silent: bool) {
        self.silences.all.store(silent, Ordering::SeqCst);
    }

    /// Whether everything is swallowed on connections that listen for notifications.
    pub fn silence_listeners(&self, silent: bool) {
        self.silences.listeners.store(silent, Ordering::SeqCst);
    }
}

/// Copies one direction. What is swallowed stays so: the connection never works again.
fn forward(mut from: impl Read, mut to: impl Write, silences: &Silences, listens: &AtomicBool) {
    let mut buffer = [0; 8192];
    let mut swallows = false;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..length];
        if bytes.windows(6).any(|word| word == b"LISTEN") {
            listens.store(true, Ordering::SeqCst);
        }
        swallows |= silences.all.load(Ordering::SeqCst)
            || listens.load(Ordering::SeqCst) && silences.listeners.load(Ordering::SeqCst);
        if !swallows && to.write_all(bytes).is_err() {
            break;
        }
    }
}
