//! The keys of writes.

use super::{Key, key};

const COUNT: &str = "a number from 1 to 10000000";
const ROOM: &str = "a number of bytes from 1 to 4294967295";
const BYTES: &str = "a number of bytes from 1 to 1073741824";

pub(super) const INGEST: [Key; 14] = [
    key("ingest.max_body_bytes", Some("10485760"), BYTES),
    key("ingest.max_decompressed_bytes", Some("33554432"), BYTES),
    key("ingest.max_streams", Some("50000"), COUNT),
    key("ingest.max_entries", Some("200000"), COUNT),
    key("ingest.max_labels", Some("40"), COUNT),
    key("ingest.max_label_name_bytes", Some("1024"), BYTES),
    key("ingest.max_label_value_bytes", Some("2048"), BYTES),
    key("ingest.max_line_bytes", Some("262144"), BYTES),
    key(
        "ingest.max_age",
        None,
        "a time from 1m to 876000h, such as 168h: how old what is written may be",
    ),
    key(
        "ingest.max_ahead",
        Some("10m"),
        "a time from 0s to 876000h, such as 10m: how far ahead of the gateway's clock what is written \
         may be",
    ),
    key("ingest.rate_bytes", None, BYTES),
    key("ingest.burst_bytes", None, BYTES),
    key("ingest.in_flight_bytes", Some("536870912"), ROOM),
    key("ingest.project_in_flight_bytes", None, ROOM),
];
