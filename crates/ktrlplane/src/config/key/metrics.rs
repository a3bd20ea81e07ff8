//! The key of the gateway's own metrics.

use super::{Key, key};

pub(super) const METRICS: [Key; 1] = [key(
    "metrics.listen",
    None,
    "an IP address and a port that are not those of server, such as 127.0.0.1:9464 or \"[::1]:9464\"; \
     without it the gateway's own metrics are not served",
)];
