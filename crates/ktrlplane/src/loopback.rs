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
    Ok(BackendSettings { url, timeout })
}
