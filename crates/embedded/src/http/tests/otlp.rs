//! OTLP: what comes in is what is found.

pub(super) mod json;
mod logs;
mod metrics;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use prost::Message as _;
use tower::ServiceExt as _;

use super::super::push::proto::otlp::{ExportResponse, PartialSuccess, Status};
use super::NOW;
use crate::{Backend, Limits};

/// The beginning of all times in the data.
pub(super) const BEGINNING: i64 = NOW - 600_000_000_000;

fn empty() -> Backend {
    Backend::with_clock(Limits::default(), std::sync::Arc::new(|| NOW))
}

/// What the backend says to a batch: what of it was refused, or why all of it was.
async fn export(
    backend: &Backend,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<PartialSuccess, (StatusCode, String)> {
    let mut request = Request::post(path).header("x-scope-orgid", "acme");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).unwrap();
    let response = backend.router(None).oneshot(request).await.unwrap();
    let status = response.status();
    let kind = response.headers().get("content-type").cloned();
    assert_eq!(kind.unwrap(), "application/x-protobuf");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    if status == StatusCode::OK {
        let response = ExportResponse::decode(body).unwrap();
        return Ok(response.partial_success.unwrap_or_default());
    }
    Err((status, Status::decode(body).unwrap().message))
}

async fn get(backend: &Backend, path: &str, parameters: &[(&str, &str)]) -> serde_json::Value {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let uri = format!("{path}?{}", query.finish());
    let request = Request::get(uri).header("x-scope-orgid", "acme");
    let (status, body) = super::send(backend, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn other_forms_are_refused() {
    let backend = empty();
    let protobuf = ("content-type", "application/x-protobuf");
    let long = gzip(&vec![0; (64 << 20) + 1]);
    for (headers, body, wanted) in [
        (&[protobuf][..], Vec::new(), 200),
        (&[("content-type", "application/protobuf")], Vec::new(), 200),
        (&[protobuf, ("content-encoding", "gzip")], gzip(b""), 200),
        (
            &[protobuf, ("content-encoding", "identity")],
            Vec::new(),
            200,
        ),
        (&[("content-type", "application/json")], b"{}".to_vec(), 415),
        (&[], Vec::new(), 415),
        (&[protobuf, ("content-encoding", "zstd")], Vec::new(), 415),
        (&[protobuf, protobuf], Vec::new(), 415),
        (
            &[protobuf, ("content-encoding", "gzip")],
            b"x".to_vec(),
            400,
        ),
        (&[protobuf, ("content-encoding", "gzip")], long, 413),
        (&[protobuf], b"no protobuf".to_vec(), 400),
    ] {
        for path in ["/otlp/v1/logs", "/otlp/v1/metrics"] {
            let said = export(&backend, path, headers, body.clone()).await;
            let status = said
                .as_ref()
                .map_or_else(|(status, _)| *status, |_| StatusCode::OK);
            assert_eq!(status, wanted, "{path} {headers:?} {said:?}");
        }
    }
}
