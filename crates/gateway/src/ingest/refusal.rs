//! Why a batch is not taken.

use std::time::Duration;

use http::StatusCode;

/// Why a batch is not taken. Nothing of it has been forwarded.
///
/// What was sent wrongly is a 400, which senders do not send again; what may go through later is a
/// 429, which they do (Prometheus' remote write specification, and OTLP/HTTP's section on
/// failures).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The content type or encoding is none that this path takes.
    #[error("{0}")]
    UnsupportedMedia(&'static str),
    /// The body is longer than it may be, as it was sent or decompressed.
    #[error("{what} is too large: at most {limit} bytes are taken; send smaller batches")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it may be, in bytes.
        limit: usize,
    },
    /// The body does not decompress or decode, or something in it is not acceptable; the text says
    /// which entry, and why.
    #[error("{sentence}")]
    Bad {
        /// In a few words, for the log, where nothing of what a sender sent may stand.
        reason: &'static str,
        /// For the sender.
        sentence: String,
    },
    /// The project has sent too much in too short a time.
    #[error(
        "ingestion rate limit exceeded (limit: {limit} bytes/sec) while attempting to ingest {bytes} \
         bytes: send less, or later"
    )]
    RateLimited {
        /// The limit, in bytes per second.
        limit: u32,
        /// The length of the batch, in bytes.
        bytes: usize,
        /// When it would be taken.
        retry_after: Duration,
    },
    /// The project's writes that are on their way hold all that they may.
    #[error(
        "the writes of this project that are on their way hold {limit} bytes, and may hold no more: send \
         this one again later, and fewer at the same time"
    )]
    NoRoom {
        /// What they may hold, in bytes.
        limit: usize,
    },
}

impl Refusal {
    /// Why, in a few words that are always the same, for the log.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::UnsupportedMedia(_) => "content type or encoding not supported",
            Self::TooLarge { .. } => "too large",
            Self::Bad { reason, .. } => reason,
            Self::RateLimited { .. } => "rate limit",
            Self::NoRoom { .. } => "the project's writes on their way hold all they may",
        }
    }

    /// What the batch is refused with, and the error's type.
    #[must_use]
    pub const fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnsupportedMedia(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::Bad { .. } => (StatusCode::BAD_REQUEST, "bad_data"),
            Self::RateLimited { .. } | Self::NoRoom { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
            }
        }
    }
}

/// A refusal of a batch for what is in it.
pub(super) fn bad(reason: &'static str, sentence: impl Into<String>) -> Refusal {
    Refusal::Bad {
        reason,
        sentence: sentence.into(),
    }
}

/// Something of the sender's in a sentence: quoted, and cut where it is long.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.len() <= LONGEST {
        return format!("{text:?}");
    }
    let end = text.floor_char_boundary(LONGEST);
    format!("{:?}…", text.get(..end).unwrap_or_default())
}
