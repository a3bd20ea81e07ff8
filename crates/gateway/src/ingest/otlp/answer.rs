//! Answers to senders of OTLP, in the encoding in which they have sent (OTLP/HTTP, "Response").
//!
//! The backends are sent protobuf whatever the sender sent, and so they answer in it, or in words of
//! their own. Senders decode what they get: SDKs and collectors show of a refusal what is in a
//! `google.rpc.Status`, and of other bodies nothing or raw bytes.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use prost::Message;
use serde_json::{Value, json};

use crate::error::Error;
use crate::ingest::Protocol;
use crate::routes::Backend;
use crate::stream::{Body, Broken};

/// How much of a backend's answer is read, in bytes.
const LONGEST: usize = 256 << 10;

/// The ends of the paths at which OTLP is spoken.
const PATHS: [&str; 2] = ["/otlp/v1/logs", "/otlp/v1/metrics"];

/// The encoding in which a sender speaks, and is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// `ExportLogsServiceResponse` and `ExportMetricsServiceResponse`, which differ in a name.
#[derive(Clone, PartialEq, Message)]
struct Exported {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    /// Log records or data points.
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`, without the details that no backend gives.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Encoding {
    /// In what whoever sends this is answered, if it is OTLP in one of its encodings.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let path = request.uri().path();
        if !PATHS.iter().any(|end| path.ends_with(end)) {
            return None;
        }
        Self::by(request.headers())
    }

    /// The encoding of a body, if it is one of OTLP's.
    pub(crate) fn by(headers: &HeaderMap) -> Option<Self> {
        let media_type = media_type(headers)?;
        if media_type.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else if is_protobuf(media_type) {
            Some(Self::Protobuf)
        } else {
            None
        }
    }

    /// A refusal of the gateway's: its status and headers, with the sentence as a `Status`.
    pub(crate) fn refusal(self, error: &Error, request_id: &str) -> Response<Body> {
        let (status, _) = error.status();
        let message = error.sentence(request_id);
        let mut response = error.clone().into_response(request_id);
        *response.body_mut() = self.status(status, message);
        self.describe(&mut response);
        response
    }

    /// A backend's answer to a batch of `protocol`, which has its status.
    pub(crate) async fn answer(
        self,
        protocol: Protocol,
        backend: Backend,
        answer: Response<Body>,
    ) -> Result<Response<Body>, Error> {
        let (mut parts, body) = answer.into_parts();
        let body = match beginning(body).await {
            Ok(body) => body,
            // What was acknowledged is stored, whatever else there is to say about it.
            Err(error) if parts.status.is_success() => {
                tracing::warn!(backend = backend.name(), %error, "an acknowledgement broke off");
                Vec::new()
            }
            Err(error) => {
                tracing::warn!(backend = backend.name(), %error, "a refusal broke off");
                return Err(Error::BadGateway(backend));
            }
        };
        let body = if parts.status.is_success() {
            // Loki's 204 has no body. By the specification it is a 200, and an empty message.
            parts.status = StatusCode::OK;
            self.exported(protocol, &exported(&parts.headers, &body))
        } else {
            self.status(parts.status, message(&parts.headers, &body))
        };
        let mut response = Response::from_parts(parts, body);
        self.describe(&mut response);
        Ok(response)
    }

    fn exported(self, protocol: Protocol, exported: &Exported) -> Body {
        let json = || {
            let Some(partial) = &exported.partial_success else {
                return json!({});
            };
            let rejected = if protocol == Protocol::OtlpLogs {
                "rejectedLogRecords"
            } else {
                "rejectedDataPoints"
            };
            json!({"partialSuccess": {
                // A 64-bit integer is a text.
                rejected: partial.rejected.to_string(),
                "errorMessage": partial.error_message,
            }})
        };
        self.body(exported, json)
    }

    fn status(self, status: StatusCode, message: String) -> Body {
        let status = Status {
            code: code(status),
            message,
        };
        let json = || json!({"code": status.code, "message": status.message});
        self.body(&status, json)
    }

    fn body(self, message: &impl Message, json: impl FnOnce() -> Value) -> Body {
        let bytes = match self {
            Self::Protobuf => message.encode_to_vec(),
            Self::Json => json().to_string().into_bytes(),
        };
        Body::Own(Full::new(bytes.into()))
    }

    fn describe(self, response: &mut Response<Body>) {
        let media_type = match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.remove(http::header::VARY);
    }
}

/// The beginning of a body, of at most [`LONGEST`] bytes: a refusal may name every entry.
async fn beginning(mut body: Body) -> Result<Vec<u8>, Broken> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame?.into_data().unwrap_or_default();
        let room = LONGEST.saturating_sub(read.len());
        read.extend_from_slice(data.get(..room).unwrap_or(&data));
        if read.len() >= LONGEST {
            break;
        }
    }
    Ok(read)
}

/// What a backend says of a batch that it has taken. What is not understood says nothing: the status
/// is what counts.
fn exported(headers: &HeaderMap, body: &[u8]) -> Exported {
    match media_type(headers) {
        Some(given) if is_protobuf(given) => Exported::decode(body).unwrap_or_default(),
        Some(_) | None => Exported::default(),
    }
}

/// What a backend says against a batch: a `Status`, a text, or JSON, which is a text as well.
fn message(headers: &HeaderMap, body: &[u8]) -> String {
    let given = media_type(headers).unwrap_or_default();
    if is_protobuf(given) || given.is_empty() || given == "application/octet-stream" {
        // What Go guesses where Loki says nothing, which also sends the one and the other.
        if let Ok(status) = Status::decode(body)
            && !status.message.is_empty()
        {
            return status.message;
        }
    }
    String::from_utf8_lossy(body).trim().to_owned()
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    text.split(';').next().map(str::trim)
}

fn is_protobuf(media_type: &str) -> bool {
    ["application/x-protobuf", "application/protobuf"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
}

/// The code of gRPC that is the nearest to a status. No sender decides anything by it: "the clients
/// are not expected to alter their behavior based on `Status.code`".
const fn code(status: StatusCode) -> i32 {
    match status {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::NOT_FOUND => 5,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => 12,
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => 14,
        StatusCode::GATEWAY_TIMEOUT => 4,
        StatusCode::INTERNAL_SERVER_ERROR => 13,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &'static str) -> HeaderMap {
        let value = HeaderValue::from_static(content_type);
        HeaderMap::from_iter([(CONTENT_TYPE, value)])
    }

    #[test]
    fn a_backends_refusal_is_read_in_whatever_form() {
        let status = Status {
            code: 3,
            message: "entry too far behind".to_owned(),
        };
        let status = status.encode_to_vec();
        for (content_type, body, expected) in [
            ("application/x-protobuf", &*status, "entry too far behind"),
            ("application/octet-stream", &status, "entry too far behind"),
            ("text/plain; charset=utf-8", b"too old\n", "too old"),
            ("application/json", br#"{"a": 1}"#, r#"{"a": 1}"#),
            ("application/octet-stream", b"too old", "too old"),
            ("application/x-protobuf", b"", ""),
        ] {
            assert_eq!(message(&headers(content_type), body), expected);
        }
        assert_eq!(message(&HeaderMap::new(), &status), "entry too far behind");
    }

    #[test]
    fn only_senders_of_otlp_are_answered_so() {
        let of = |path: &str, content_type: &str| {
            let request = Request::post(path).header(CONTENT_TYPE, content_type);
            Encoding::of(&request.body(()).unwrap())
        };
        let logs = "/api/v1/projects/p/resources/r/otlp/v1/logs";
        for (content_type, expected) in [
            ("application/json", Some(Encoding::Json)),
            ("Application/JSON; charset=utf-8", Some(Encoding::Json)),
            ("application/x-protobuf", Some(Encoding::Protobuf)),
            ("application/protobuf", Some(Encoding::Protobuf)),
            ("text/plain", None),
            ("", None),
        ] {
            assert_eq!(of(logs, content_type), expected, "{content_type}");
        }
        let push = "/api/v1/projects/p/resources/r/loki/api/v1/push";
        assert_eq!(of(push, "application/json"), None);
    }
}
