//! The body of a write: read within a limit, and within what all writes together may hold.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::error::Error;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the head says about the length: the length, or the longest that may be where it is not
/// known in advance. Refuses what the head already says to be too long.
pub(crate) fn length(headers: &HeaderMap, limit: usize) -> Result<usize, Error> {
    let Some(length) = headers.get(CONTENT_LENGTH) else {
        let chunked = headers.contains_key(TRANSFER_ENCODING);
        return Ok(if chunked { limit } else { 0 });
    };
    let length = length.to_str().ok().and_then(|length| length.parse().ok());
    match length {
        Some(length) if length <= limit => Ok(length),
        Some(_) | None => Err(too_large(limit)),
    }
}

/// Reads the body, of at most `limit` bytes.
pub(crate) async fn read<B>(body: B, limit: usize) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match timeout(PATIENCE, Limited::new(body, limit).collect()).await {
        Err(_) => Err(Error::SlowBody),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        // The sender has gone, or chunks are no chunks.
        Ok(Err(_)) => Err(Error::BrokenBody),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
    }
}

fn too_large(limit: usize) -> Error {
    Error::Refused(Refusal::TooLarge {
        what: "the body",
        limit,
    })
}
