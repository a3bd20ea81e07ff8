#![no_main]

use gateway::ingest::Protocol;
use libfuzzer_sys::fuzz_target;

#[path = "ingest/stamped.rs"]
mod stamped;

fuzz_target!(|data: &[u8]| {
    stamped::check(Protocol::LokiPush, "application/json", "identity", data);
    stamped::check(Protocol::LokiPush, "application/json", "gzip", data);
    stamped::check(Protocol::LokiPush, "application/x-protobuf", "snappy", data);
});
