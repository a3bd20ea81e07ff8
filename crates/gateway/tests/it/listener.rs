//! TLS towards callers, with real handshakes.

mod broken;
mod clients;
mod rotation;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::{ListenerTls, Settings, TlsVersion};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::tls::{Authority, Files};
use crate::harness::{LOGS, World, eventually};

/// More than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The time that runs out.
const SHORT: Duration = Duration::from_millis(300);

/// A gateway over TLS, and who signed its certificate.
struct Secured {
    world: World,
    authority: Authority,
}

/// TLS with these files.
fn with(files: &Files) -> ListenerTls {
    ListenerTls {
        certificate: files.cert.clone(),
        key: files.key.clone(),
        least: TlsVersion::Tls12,
        clients: None,
    }
}

impl Secured {
    async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let authority = Authority::new("ours");
        let files = authority.server_files(("first", "localhost"), |_| {});
        let world = World::with(|settings| {
            settings.tls = Some(with(&files));
            change(settings);
        })
        .await;
        Self { world, authority }
    }

    fn address(&self) -> SocketAddr {
        self.world.server.local_addr()
    }

    /// A client that trusts the gateway.
    fn client(&self) -> ClientConfig {
        self.authority.trusting(&[&TLS13, &TLS12], None)
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        connect(self.address(), self.client()).await.unwrap()
    }

    fn request(&self, path: &str, headers: &str) -> String {
        request(&self.world, path, headers)
    }

    /// The answer to a request on a connection of its own.
    async fn get(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        let request = self.request(path, "connection: close\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await.unwrap()
    }
}

fn request(world: &World, path: &str, headers: &str) -> String {
    let token = world.token("victor");
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n{headers}\r\n")
}

async fn connect(address: SocketAddr, client: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(client)).connect(name, stream);
    timeout(PATIENCE, connecting).await.expect("it hangs")
}

/// Reads to the end. One without TLS's own farewell is an error.
async fn rest<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> io::Result<String> {
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .expect("it hangs")?;
    Ok(String::from_utf8_lossy(&rest).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_tls_is_answered_as_one_in_the_clear_and_its_connection_ends_in_order() {
    let secured = Secured::new(|settings| settings.workers = 2).await;
    for version in [&TLS12, &TLS13] {
        let mut client = secured.authority.trusting(&[version], None);
        client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut stream = connect(secured.address(), client).await.unwrap();
        assert_eq!(
            stream.get_ref().1.alpn_protocol(),
            Some(b"http/1.1".as_slice())
        );
        let request = secured.request(LOGS, "");
        // The second one on the same connection is the last.
        let last = secured.request(LOGS, "connection: close\r\n");
        let both = format!("{request}{last}");
        stream.write_all(both.as_bytes()).await.unwrap();
        let answers = rest(&mut stream).await.unwrap();
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    }
    let client = secured.client();
    let mut h2 = client.clone();
    h2.alpn_protocols = vec![b"h2".to_vec()];
    assert!(connect(secured.address(), h2).await.is_err());
    // Who trusts somebody else does not get as far as to a request.
    let stranger = Authority::new("other").trusting(&[&TLS13], None);
    assert!(connect(secured.address(), stranger).await.is_err());
    assert_eq!(secured.world.loki.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_in_the_clear_to_a_port_with_tls_is_told_so_at_once() {
    let secured = Secured::new(|_| {}).await;
    let mut stream = TcpStream::connect(secured.address()).await.unwrap();
    let request = secured.request(LOGS, "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let told = rest(&mut stream).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 400 "), "{told}");
    assert!(told.contains("the URL needs https"), "{told}");
    assert_eq!(secured.world.loki.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_below_the_least_is_refused() {
    let secured = Secured::new(|settings| {
        settings.tls.as_mut().unwrap().least = TlsVersion::Tls13;
    })
    .await;
    let old = secured.authority.trusting(&[&TLS12], None);
    let refused = connect(secured.address(), old).await.unwrap_err();
    assert!(refused.to_string().contains("ProtocolVersion"), "{refused}");
    assert!(secured.get(LOGS).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_does_not_come_or_stops_in_its_middle_is_cut() {
    let secured = Secured::new(|settings| settings.connections.header_timeout = SHORT).await;
    // Nothing, a byte, and the head of a record that never comes.
    for begun in [b"".as_slice(), b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"] {
        let mut stream = TcpStream::connect(secured.address()).await.unwrap();
        stream.write_all(begun).await.unwrap();
        // Closed, in whichever way.
        let _ = rest(&mut stream).await;
    }
    assert!(secured.get(LOGS).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_that_say_nothing_keep_nobody_out() {
    let secured = Secured::new(|settings| settings.connections.most = 8).await;
    let mut silent = Vec::new();
    for index in 0..100 {
        let mut stream = TcpStream::connect(secured.address()).await.unwrap();
        if index % 2 == 0 {
            stream.write_all(b"\x16\x03\x01").await.unwrap();
        }
        silent.push(stream);
    }
    for _ in 0..3 {
        assert!(secured.get(LOGS).await.starts_with("HTTP/1.1 200"));
    }
    // The first of them has made room.
    assert!(rest(&mut silent[0]).await.unwrap_or_default().is_empty());
}

/// Has the backend answer once it is told to.
fn held(secured: &Secured) -> tokio::sync::watch::Sender<bool> {
    let (end, ended) = tokio::sync::watch::channel(false);
    secured.world.loki.answers(move || {
        let mut ended = ended.clone();
        let body = async move {
            let _ = ended.wait_for(|end| *end).await;
            Ok::<_, std::convert::Infallible>("all of it")
        };
        axum::response::Response::new(axum::body::Body::from_stream(futures_util::stream::once(
            body,
        )))
    });
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_place_is_busy_the_next_is_told_over_tls_and_probes_are_answered() {
    let secured = Secured::new(|settings| settings.connections.most = 2).await;
    let end = held(&secured);
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut stream = secured.connect().await;
        let request = secured.request(LOGS, "connection: close\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        busy.push(stream);
    }
    eventually(async || secured.world.loki.count() == 2).await;
    let told = secured.get(LOGS).await;
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    assert!(secured.get("/livez").await.starts_with("HTTP/1.1 200 "));
    end.send_replace(true);
    for mut stream in busy {
        assert!(rest(&mut stream).await.unwrap().contains("all of it"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_waits_for_answers_over_tls() {
    let secured = Secured::new(|_| {}).await;
    let end = held(&secured);
    let mut stream = secured.connect().await;
    let request = secured.request(LOGS, "");
    stream.write_all(request.as_bytes()).await.unwrap();
    eventually(async || secured.world.loki.count() == 1).await;
    let down = tokio::spawn(secured.world.server.shutdown());
    end.send_replace(true);
    assert!(rest(&mut stream).await.unwrap().contains("all of it"));
    timeout(PATIENCE, down).await.unwrap().unwrap();
}
