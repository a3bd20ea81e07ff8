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
