//! The keys of the listener.

use super::{Key, bytes, key, time};

pub(super) const SERVER: [Key; 15] = [
    key(
        "server.host",
        Some("0.0.0.0"),
        "an IP address, such as 0.0.0.0, 127.0.0.1 or \"::\"",
    ),
    key(
        "server.port",
        Some("8080"),
        "a port number from 0 to 65535 (0: any free port)",
    ),
    key(
        "server.tls.certificate",
        None,
        "a PEM file with the gateway's certificate, followed by intermediate ones",
    ),
    key(
        "server.tls.key",
        None,
        "a PEM file with the certificate's private key, not encrypted",
    ),
    key(
        "server.tls.min_version",
        Some("1.2"),
        "1.2 or 1.3: the oldest version of TLS that is spoken",
    ),
    key(
        "server.tls.client_ca",
        None,
        "a PEM file with the authorities whose certificates callers may show",
    ),
    key(
        "server.tls.client_certificates",
        Some("required"),
        "required or optional: whether callers must show a certificate",
    ),
    key(
        "server.max_connections",
        None,
        "how many connections of callers may be open, from 1 to 1000000",
    ),
    time(
        "server.header_timeout",
        Some("10s"),
        "a time from 100ms to 10m: how long a request's head may take to arrive",
    ),
    time(
        "server.idle_timeout",
        Some("75s"),
        "a time from 100ms to 1h: how long a connection may be without a request",
    ),
    time(
        "server.body_timeout",
        Some("30s"),
        "a time from 100ms to 1h: how long a request's body may take to arrive",
    ),
    time(
        "server.send_timeout",
        Some("60s"),
        "a time from 100ms to 1h: how long a caller may take none of an answer",
    ),
    bytes(
        "server.max_head_bytes",
        Some("64KiB"),
        "a size from 4KiB to 1MiB: the longest request line and headers together",
    ),
    bytes(
        "server.max_uri_bytes",
        Some("63KiB"),
        "a size from 1KiB to 63KiB: the longest URI",
    ),
    time(
        "server.drain",
        Some("1s"),
        "a time from 0s to 1m: how long a shutdown goes on accepting before it closes connections",
    ),
];
