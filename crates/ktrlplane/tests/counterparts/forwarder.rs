//! Adds a bearer token to what a client sends that has no way to send one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use url::Url;

/// Listens on loopback; each connection carries one request.
pub(crate) struct Forwarder {
    port: u16,
}

impl Forwarder {
    /// Forwards to the server at `url`.
    pub(crate) fn start(url: &str, token: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("an address").port();
        let url = Url::parse(url).expect("a URL");
        let server = (
            url.host_str().expect("a host").to_owned(),
            url.port().expect("a port"),
        );
        let token = token.to_owned();
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&server).expect("the server listens");
                let header = format!("Authorization: Bearer {token}\r\nConnection: close\r\n");
                thread::spawn(move || {
                    // A side that has gone ends the exchange, and the test sees what came of it.
                    let _ = exchange(&client, &server, &header);
                });
            }
        });
        Self { port }
    }

    /// What to ask in place of `url`.
    pub(crate) fn url(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("a URL");
        url.set_port(Some(self.port)).expect("a URL with a port");
        url.into()
    }
}

fn exchange(client: &TcpStream, server: &TcpStream, header: &str) -> std::io::Result<()> {
    let mut from_client = BufReader::new(client.try_clone()?);
    let mut line = String::new();
    from_client.read_line(&mut line)?;
    let mut to_server = server.try_clone()?;
    to_server.write_all(format!("{line}{header}").as_bytes())?;
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    let mut answer = Vec::new();
    let mut from_server = server;
    from_server.read_to_end(&mut answer)?;
    let mut to_client = client;
    to_client.write_all(&answer)?;
    client.shutdown(Shutdown::Both)
}
