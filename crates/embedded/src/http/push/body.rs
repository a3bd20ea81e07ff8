//! A write as it came in: read to its end before anything is said about it, and decompressed within
//! a limit.

use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, HeaderName, StatusCode, header};
use http_body_util::BodyExt as _;

use super::{Refused, bad};
use crate::http::tenant;

/// The longest body, and the longest that it may decompress to, in bytes.
pub(super) const LONGEST: usize = 64 << 20;

/// How much of a body that is not wanted is read, in bytes, and for how long.
const DRAINED: usize = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

/// A body with what its head says of it.
pub(super) struct Write {
    pub(super) tenant: String,
    /// The content type without its parameters, in lower case.
    pub(super) essence: String,
    /// The parameter `proto`, in lower case; empty if there is none.
    pub(super) message: String,
    compression: String,
    body: Bytes,
}

impl Write {
    /// Reads the body. It is refused only when it was read: whoever is still sending when the
    /// connection closes may never see the answer.
    pub(super) async fn read(request: Request) -> Result<Self, Refused> {
        let (head, body) = request.into_parts();
        let body = collect(body).await?;
        let tenant = tenant(&head.headers)?;
        let kind = one(&head.headers, &header::CONTENT_TYPE)?;
        let (essence, parameters) = kind.split_once(';').unwrap_or((&kind, ""));
        let message = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == "proto").then(|| value.trim().trim_matches('"'))
        });
        Ok(Self {
            tenant,
            essence: essence.trim().to_owned(),
            message: message.unwrap_or_default().to_owned(),
            compression: one(&head.headers, &header::CONTENT_ENCODING)?,
            body,
        })
    }

    /// The body as it was before it was compressed with snappy, in its block format; many senders
    /// do not say that it is.
    pub(super) fn snappy(&self) -> Result<Vec<u8>, Refused> {
        if !matches!(&*self.compression, "" | "snappy") {
            return Err(unsupported("expected Content-Encoding: snappy"));
        }
        let length = snap::raw::decompress_len(&self.body).map_err(bad)?;
        if length > LONGEST {
            return Err(too_large());
        }
        // No element of the format yields more than 64 bytes, and none is shorter than two: a
        // length beyond that takes no memory.
        if length > self.body.len().saturating_mul(32) {
            return Err(bad(
                "snappy: the body is too short for what it says it holds",
            ));
        }
        let plain = snap::raw::Decoder::new().decompress_vec(&self.body);
        plain.map_err(bad)
    }

    /// The body as it was before it was compressed with gzip, if it was.
    pub(super) fn plain(self) -> Result<Bytes, Refused> {
        match &*self.compression {
            "" | "identity" => Ok(self.body),
            "gzip" => {
                let mut plain = Vec::new();
                // One byte more than may be, so that what is too long does not look like what fits.
                let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
                let mut gzip = MultiGzDecoder::new(&*self.body).take(most);
                gzip.read_to_end(&mut plain)
                    .map_err(|error| bad(format!("gzip: {error}")))?;
                if plain.len() > LONGEST {
                    return Err(too_large());
                }
                Ok(plain.into())
            }
            _ => Err(unsupported("expected Content-Encoding: gzip, or none")),
        }
    }
}

/// The only value of a header, in lower case; empty if there is none.
fn one(headers: &HeaderMap, name: &HeaderName) -> Result<String, Refused> {
    let mut values = headers.get_all(name).iter();
    let (first, more) = (values.next(), values.next());
    let text = first.map_or(Ok(""), |value| value.to_str());
    match (text, more) {
        (Ok(text), None) => Ok(text.trim().to_ascii_lowercase()),
        (Ok(_) | Err(_), _) => Err(unsupported(
            "expected one Content-Type and at most one Content-Encoding",
        )),
    }
}

pub(super) fn unsupported(sentence: &str) -> Refused {
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence.to_owned())
}

fn too_large() -> Refused {
    let sentence = format!("request body too large: the limit is {LONGEST} bytes");
    (StatusCode::PAYLOAD_TOO_LARGE, sentence)
}

/// Reads a body, of which nothing is kept when it is too long.
async fn collect(mut body: Body) -> Result<Bytes, Refused> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(bad)?.into_data() else {
            continue;
        };
        if data.len() > LONGEST.saturating_sub(read.len()) {
            drop(read);
            drain(body).await;
            return Err(too_large());
        }
        read.extend_from_slice(&data);
    }
    Ok(read.into())
}

/// Reads what is left of a body that is not wanted, so that its sender gets to read the answer. One
/// that goes on for too long is left to find its connection closed.
pub(in crate::http) async fn drain(mut body: Body) {
    let read = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(less) = left.checked_sub(length) else {
                return;
            };
            left = less;
        }
    };
    // Whether it came to its end is nothing to anybody.
    let _ = tokio::time::timeout(PATIENCE, read).await;
}
