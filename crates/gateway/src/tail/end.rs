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

/// What is said where the backend failed.
const FAILED: &str = "the logs backend ended the tail";

/// What Loki refuses a tail with after it has agreed to it: the statuses that come through as answers,
/// too. All else that it says with the same close code is an error from its inside, with addresses of
/// its own machines in it.
fn refusal(reason: &str) -> Option<&str> {
    const PASSED_ON: [&str; 3] = ["400", "422", "429"];
    let (status, reason) = reason
        .strip_prefix("rpc error: code = Code(")?
        .split_once(") desc = ")?;
    PASSED_ON.contains(&status).then_some(reason)
}

/// The backend's own farewell, with a code that may be sent: some only ever stand for a frame that
/// was not there.
fn passed_on(frame: &CloseFrame) -> CloseFrame {
    let code = if frame.code.is_allowed() {
        frame.code
    } else {
        CloseCode::Error
    };
    let reason: &str = if code == CloseCode::Error {
        refusal(&frame.reason).unwrap_or(FAILED)
    } else {
        &frame.reason
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backends_refusal_is_passed_on_and_what_failed_inside_it_is_not() {
        let told = |code: u16, reason: &str| {
            let close = End::Backend(CloseFrame {
                code: code.into(),
                reason: reason.into(),
            })
            .close();
            (u16::from(close.code), close.reason.to_string())
        };
        let limit = "max concurrent tail requests limit exceeded";
        let refused = format!("rpc error: code = Code(400) desc = {limit}");
        assert_eq!(told(1011, &refused), (1011, limit.to_owned()));
        for inside in [
            "rpc error: code = Unavailable desc = dial tcp 10.0.0.7:9095: connection refused",
            "rpc error: code = Code(500) desc = chunks of bucket loki-prod",
            "write tcp 10.0.0.3:3100->10.0.0.9:41000: broken pipe",
        ] {
            assert_eq!(told(1011, inside), (1011, FAILED.to_owned()));
            // A code that may not be sent stands for the same.
            assert_eq!(told(1006, inside), (1011, FAILED.to_owned()));
        }
        assert_eq!(told(1001, "restarting"), (1001, "restarting".to_owned()));
    }
}
