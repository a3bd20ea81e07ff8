//! Writes: who may, what reaches the backends, and what the senders are told.

mod answers;

mod encodings;

mod fair;

mod logs;

mod metrics;

mod otlp;

use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;

/// The resource that the tests write to.
const RESOURCE: &str = "/api/v1/projects/acme-shop/resources/shop-api";

fn snappy(plain: &[u8]) -> Bytes {
    let compressed = snap::raw::Encoder::new().compress_vec(plain);
    compressed.unwrap().into()
}

fn unsnappy(compressed: &[u8]) -> Vec<u8> {
    let plain = snap::raw::Decoder::new().decompress_vec(compressed);
    plain.unwrap()
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap().into()
}
