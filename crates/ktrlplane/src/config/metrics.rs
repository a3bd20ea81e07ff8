//! `metrics`: where the gateway tells of itself.

use std::net::SocketAddr;

use super::layers::Layers;
use super::problem::Problem;

/// Reads where metrics are served; nowhere where nothing is said, or where it is wrong. `server` is where
/// tenants come in.
pub(crate) fn read(
    layers: &Layers,
    server: Option<SocketAddr>,
    problems: &mut Vec<Problem>,
) -> Option<SocketAddr> {
    layers.given("metrics.listen")?;
    layers.require("metrics.listen", problems, |given| {
        let address = given.text.trim().parse::<SocketAddr>();
        let address = address.map_err(|_| format!("is {}, which is no address", given.shown()))?;
        if server.is_some_and(|server| is_same(address, server)) {
            return Err(format!(
                "is {}, where tenants come in (server.host and server.port)",
                given.shown()
            ));
        }
        Ok(address)
    })
}

/// Whether one listener would be in the way of the other, or be taken for it.
fn is_same(one: SocketAddr, other: SocketAddr) -> bool {
    let either_is_everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && (either_is_everywhere || one.ip() == other.ip())
}
