//! The keys of writes.

use super::{Key, bytes, key, time};

const COUNT: &str = "a number from 1 to 10000000";
const ROOM: &str = "a size from 1 to 4294967295 bytes, such as 512MiB";
const BYTES: &str = "a size from 1 byte to 1GiB, such as 64MiB";

pub(super) const INGEST: [Key; 14] = [
    bytes("ingest.max_body_bytes", Some("10MiB"), BYTES),
    bytes("ingest.max_decompressed_bytes", Some("32MiB"), BYTES),
    key("ingest.max_streams", Some("50000"), COUNT),
    key("ingest.max_entries", Some("200000"), COUNT),
    key("ingest.max_labels", Some("40"), COUNT),
    bytes("ingest.max_label_name_bytes", Some("1KiB"), BYTES),
    bytes("ingest.max_label_value_bytes", Some("2KiB"), BYTES),
    bytes("ingest.max_line_bytes", Some("256KiB"), BYTES),
    time(
        "ingest.max_age",
        None,
        "a time from 1m to 36500d, such as 7d: how old what is written may be",
    ),
    time(
        "ingest.max_ahead",
        Some("10m"),
        "a time from 0s to 36500d, such as 10m: how far ahead of the gateway's clock what is written \
         may be",
    ),
    bytes("ingest.rate_bytes", None, BYTES),
    bytes("ingest.burst_bytes", None, BYTES),
    bytes("ingest.in_flight_bytes", Some("512MiB"), ROOM),
    bytes("ingest.project_in_flight_bytes", None, ROOM),
];
