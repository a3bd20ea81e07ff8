#![no_main]

use gateway::ingest::Protocol;
use libfuzzer_sys::fuzz_target;

#[path = "ingest/stamped.rs"]
mod stamped;

const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

fuzz_target!(|data: &[u8]| {
    stamped::check(
        Protocol::RemoteWrite,
        "application/x-protobuf",
        "snappy",
        data,
    );
    stamped::check(Protocol::RemoteWrite, V2, "snappy", data);
});
