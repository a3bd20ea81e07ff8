//! What callers' connections may take, and for how long.

use std::time::Duration;

/// What callers' connections may take, and for how long. The defaults are those of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// How many may be open at a time, over all threads. Each may need one to a backend as well, and
    /// both are file descriptors.
    pub most: usize,
    /// How long a request's head may take from its first byte to its last.
    pub header_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a request's body may take from its head to its last byte, whatever trickles meanwhile.
    pub body_timeout: Duration,
    /// How long a caller may take none of an answer. A check that comes by at least every
    /// `header_timeout` notices, so that it may take as much longer.
    pub send_timeout: Duration,
    /// The longest head, in bytes: request line and headers. A longer one is a 431.
    pub max_head_bytes: usize,
    /// The longest URI, in bytes. A longer one is a 414.
    pub max_uri_bytes: usize,
    /// How long a shutdown goes on accepting, and asks callers to close their connections with each
    /// answer, before it closes them itself.
    pub drain: Duration,
}

impl ConnectionSettings {
    /// As many bytes of a URI as the HTTP library reads at the most.
    pub const MOST_URI_BYTES: usize = 65_534;
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            most: 4096,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_mins(1),
            max_head_bytes: 64 << 10,
            max_uri_bytes: 63 << 10,
            drain: Duration::ZERO,
        }
    }
}
