//! Why tails end, and how that is said.

use std::borrow::Cow;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long either side may take to answer a farewell.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

/// The longest reason that a close frame can carry, in bytes (RFC 6455, section 5.5).
const MAX_REASON_LENGTH: usize = 123;

/// Why a tail ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The caller's token has ended.
    Expired,
    /// The caller's role was withdrawn or has ended.
    Withdrawn,
    /// The resource is no longer in the project.
    ResourceGone,
    /// The directory could not be asked for too long.
    Undecidable,
    /// The gateway stops.
    Stopping,
    /// The caller closed the connection, or it broke.
    ReaderGone,
    /// The caller answers nothing any more.
    ReaderSilent,
    /// The caller takes too long for what there is to read.
    ReaderSlow,
    /// The caller sent more than a tail has a use for.
    ReaderTooLoud,
    /// The backend ended the tail, with its own words.
    Backend(CloseFrame),
    /// The backend's connection broke, or says nothing any more.
    BackendGone,
    /// The backend sent what is no frame of a tail.
    BackendUnusable,
}

impl End {
    /// The table: close code (RFC 6455, section 7.4) and reason of each. The code 1013 is in IANA's
    /// registry: try again later.
    pub(super) fn close(&self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Expired => (CloseCode::Policy, "the token has expired"),
            Self::Withdrawn => (
                CloseCode::Policy,
                "you have no read permission on this project any more",
            ),
            Self::ResourceGone => (
                CloseCode::Policy,
                "the resource is no longer in this project",
            ),
            Self::Undecidable => (
                CloseCode::Again,
                "permissions cannot be checked at the moment",
            ),
            Self::Stopping => (CloseCode::Away, "the gateway stops: connect again"),
            Self::ReaderGone => (CloseCode::Normal, ""),
            Self::ReaderSilent => (CloseCode::Policy, "pings were not answered"),
            Self::ReaderSlow => (CloseCode::Policy, "the lines were not read fast enough"),
            Self::ReaderTooLoud => (CloseCode::Size, "a tail reads no messages of this size"),
            Self::Backend(frame) => return passed_on(frame),
            Self::BackendGone => (CloseCode::Error, "the logs backend broke off"),
            Self::BackendUnusable => (
                CloseCode::Error,
                "the logs backend sent what is no frame of a tail",
            ),
        };
        CloseFrame {
            code,
            reason: reason.into(),
        }
    }
}

impl End {
    /// What the log calls it. The backend's own words are for the caller alone: they may quote a
    /// query.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Expired => "token expired",
            Self::Withdrawn => "role withdrawn",
            Self::ResourceGone => "resource gone",
            Self::Undecidable => "directory unreachable",
            Self::Stopping => "gateway stops",
            Self::ReaderGone => "reader gone",
            Self::ReaderSilent => "reader silent",
            Self::ReaderSlow => "reader slow",
            Self::ReaderTooLoud => "message too long",
            Self::Backend(_) => "backend ended it",
            Self::BackendGone => "backend gone",
            Self::BackendUnusable => "backend unusable",
        }
    }
}

/// The backend's own farewell, with a code that may be sent: some only ever stand for a frame that
/// was not there.
fn passed_on(frame: &CloseFrame) -> CloseFrame {
    let code = if frame.code.is_allowed() {
        frame.code
    } else {
        CloseCode::Error
    };
    let reason: &str = &frame.reason;
    let reason: Cow<'_, str> = if reason.len() > MAX_REASON_LENGTH {
        reason
            .get(..reason.floor_char_boundary(MAX_REASON_LENGTH))
            .unwrap_or_default()
            .into()
    } else {
        reason.into()
    };
    CloseFrame {
        code,
        reason: Utf8Bytes::from(reason.as_ref()),
    }
}
