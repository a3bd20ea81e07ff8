//! `server`: where to listen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::layers::Layers;
use super::problem::Problem;

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<SocketAddr> {
    let host = layers.require("server.host", problems, |given| {
        let text = given.text.trim();
        if text == "localhost" {
            return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>()
            .map_err(|_| format!("is {}, which is no IP address", given.shown()))
    });
    let port = layers.require("server.port", problems, |given| {
        let port = given.text.trim().parse::<u16>();
        port.map_err(|_| format!("is {}, which is no port", given.shown()))
    });
    Some(SocketAddr::new(host?, port?))
}
