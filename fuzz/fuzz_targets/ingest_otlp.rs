#![no_main]

use gateway::ingest::Protocol;
use libfuzzer_sys::fuzz_target;

#[path = "ingest/stamped.rs"]
mod stamped;

fuzz_target!(|data: &[u8]| {
    for protocol in [Protocol::OtlpLogs, Protocol::OtlpMetrics] {
        stamped::check(protocol, "application/json", "identity", data);
        stamped::check(protocol, "application/x-protobuf", "identity", data);
    }
});
