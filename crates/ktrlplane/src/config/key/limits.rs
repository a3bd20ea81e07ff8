//! The keys of limits.

use super::{Key, bytes, key, time};

const RATE: &str = "a number from 1 to 1000000, or off: how many requests a second may come";
const BURST: &str = "a number from 1 to 10000000: how many requests may come at once";
const QUERIES: &str = "a number from 1 to 1000000, or off: how many queries may run at a time";
const BYTES: &str = "a size from 1KiB to 1PiB, such as 8GiB, or off: how many bytes of answers may go \
                     out in a minute";

pub(super) const LIMITS: [Key; 15] = [
    key(
        "limits.subject.in_flight",
        None,
        "a number from 1 to 1000000, or off: how many requests of every kind may be on their way",
    ),
    key("limits.subject.requests_per_second", Some("500"), RATE),
    key("limits.subject.burst", None, BURST),
    key("limits.subject.queries", Some("64"), QUERIES),
    bytes("limits.subject.bytes_per_minute", Some("8GiB"), BYTES),
    key("limits.project.requests_per_second", Some("1000"), RATE),
    key("limits.project.burst", None, BURST),
    key("limits.project.queries", Some("128"), QUERIES),
    bytes("limits.project.bytes_per_minute", Some("16GiB"), BYTES),
    time(
        "limits.queue.timeout",
        Some("10s"),
        "a time from 0s to 5m, such as 10s: how long a query waits until it may run",
    ),
    key(
        "limits.queue.length",
        Some("512"),
        "a number from 0 to 1000000: how many queries may wait for one subject, or in one project",
    ),
    time(
        "limits.query.max_range",
        Some("off"),
        "a time from 1m to 36500d, such as 30d, or off: how much a query may look at",
    ),
    time(
        "limits.query.min_step",
        Some("off"),
        "a time from 1ms to 36500d, such as 15s, or off: the smallest step of a query",
    ),
    key(
        "limits.query.max_points",
        Some("11000"),
        "a number from 1 to 100000000, or off: how many steps a query may have",
    ),
    Key {
        list: true,
        ..key(
            "limits.projects",
            None,
            "projects and what is different for them, such as \"acme-shop queries=200 \
             bytes_per_minute=off\", as a list or with commas between them; the names are \
             requests_per_second, burst, queries, bytes_per_minute, max_range, min_step and max_points",
        )
    },
];
