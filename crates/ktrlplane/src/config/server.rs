//! `server`: where to listen, and what callers' connections may take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use gateway::ConnectionSettings;

use super::layers::{Layers, Wrong};
use super::problem::Problem;
use super::units;
use crate::process;

const LEAST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_hours(1);
const MOST: usize = 1_000_000;

/// Reads where to listen.
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

/// Reads what callers' connections may take.
pub(crate) fn connections(
    layers: &Layers,
    problems: &mut Vec<Problem>,
) -> Option<ConnectionSettings> {
    let most = match layers.given("server.max_connections") {
        None => Some(process::connections()),
        Some(_) => layers.require("server.max_connections", problems, |given| {
            let most = given.text.trim().parse::<usize>().ok();
            let most = most.filter(|most| (1..=MOST).contains(most));
            most.ok_or_else(|| format!("is {}", given.shown()))
        }),
    };
    let mut time = |path, limits: RangeInclusive<Duration>| {
        layers.require(path, problems, |given| given.time(limits))
    };
    let header = time("server.header_timeout", LEAST..=Duration::from_mins(10));
    let idle = time("server.idle_timeout", LEAST..=LONGEST);
    let body = time("server.body_timeout", LEAST..=LONGEST);
    let send = time("server.send_timeout", LEAST..=LONGEST);
    let drain = time("server.drain", Duration::ZERO..=Duration::from_mins(1));
    let mut size = |path, limits: RangeInclusive<usize>| {
        layers.require(path, problems, |given| {
            let bytes = units::parse_bytes(&given.text).and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.filter(|bytes| limits.contains(bytes));
            bytes.ok_or_else(|| format!("is {}", given.shown()))
        })
    };
    let head = size("server.max_head_bytes", 4 << 10..=1 << 20);
    let uri = size("server.max_uri_bytes", 1 << 10..=63 << 10);
    let (head, uri) = (head?, uri?);
    if let Some(given) = layers.given("server.max_uri_bytes")
        && uri > head
    {
        problems.push(given.problem_of(Wrong::beside(
            format!(
                "is {}, which is more than server.max_head_bytes, of which the URI is a part",
                given.shown()
            ),
            format!(
                "at most {} (server.max_head_bytes)",
                units::bytes(head as u64)
            ),
        )));
        return None;
    }
    Some(ConnectionSettings {
        most: most?,
        header_timeout: header?,
        idle_timeout: idle?,
        body_timeout: body?,
        send_timeout: send?,
        max_head_bytes: head,
        max_uri_bytes: uri,
        drain: drain?,
    })
}
