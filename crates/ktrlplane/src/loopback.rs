//! The embedded backend, behind HTTP on loopback like any other backend.

use std::net::Ipv4Addr;
use std::time::Duration;

use embedded::{Backend, Credentials};
use gateway::BackendSettings;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use url::Url;

/// The name in the credentials; the password is what counts.
const USER: &str = "gateway";

/// Serves `backend` on a free port of 127.0.0.1, and tells how to reach it.
///
/// Everybody on this machine can connect to the port, and the tenant is only a header: so the
/// backend answers nobody without a password that is made here and told to the gateway alone.
pub(crate) fn serve(
    backend: &Backend,
    runtime: &Handle,
    timeout: Duration,
) -> Result<BackendSettings, std::io::Error> {
    let password = format!("{:032x}", rand::random::<u128>());
    let router = backend.router(Some(Credentials::basic(USER, &password)));
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the embedded backend has stopped");
        }
    });
    let url = Url::parse(&format!("http://{USER}:{password}@{address}"))
        .map_err(std::io::Error::other)?;
    Ok(BackendSettings::new(url, timeout))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn nobody_reads_the_backend_without_the_password_that_was_made_for_the_gateway() {
        let runtime = crate::process::runtime("test").unwrap();
        let backend = Backend::new(embedded::Limits::default());
        let timeout = Duration::from_secs(1);
        let settings = serve(&backend, runtime.handle(), timeout).unwrap();
        let other = serve(&backend, runtime.handle(), timeout).unwrap();
        assert_ne!(settings.credentials, other.credentials);
        let address = settings.url().socket_addrs(|| None).unwrap();
        assert!(address.iter().all(|address| address.ip().is_loopback()));
        let mut stream = TcpStream::connect(&*address).unwrap();
        let request = "GET /loki/api/v1/query_range?query=%7Ba%3D%22b%22%7D HTTP/1.1\r\n\
                       host: a\r\nx-scope-orgid: acme-shop\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}
