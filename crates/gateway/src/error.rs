//! One enum of all that a request can end in, and one table to its answers.

mod flaw;

use std::borrow::Cow;

use directory::policy::Action;
use http::header::{
    ALLOW, CONNECTION, RETRY_AFTER, SEC_WEBSOCKET_VERSION, UPGRADE, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Response, StatusCode};
use serde::Serialize;

use crate::ingest::Refusal;
use crate::limit::Exceeded;
use crate::routes::Backend;
use crate::stream::Body;
pub use flaw::Flaw;

/// Why a request was not answered by a backend.
///
/// What the caller caused says what to do. What they did not cause says only that it happened; the
/// cause is logged with the request's id, where it is noticed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No route has this path.
    #[error("there is nothing at this path")]
    UnknownPath,
    /// A route has this path, with other methods.
    #[error("this path does not answer the method of the request")]
    MethodNotAllowed {
        /// The methods it answers.
        allowed: Vec<&'static Method>,
    },
    /// A request to a WebSocket that does not ask for one.
    #[error(
        "this is a WebSocket: send Connection: Upgrade, Upgrade: websocket, \
         Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key; if they were sent, a proxy on the way \
         has dropped them. A resource's logs/tail needs none of them: it sends events"
    )]
    NotAWebSocket,
    /// A URI beyond the limit, in bytes.
    #[error("the URI is too long: at most {0} bytes are read; send long parameters as a form")]
    UriTooLong(usize),
    /// A head beyond the limit, in bytes.
    #[error("request line and headers are too long together: at most {0} bytes are read")]
    HeadTooLong(usize),
    /// A body where none belongs: the usual carrier of request smuggling.
    #[error("a request of this method carries no body")]
    UnexpectedBody,
    /// A body of another kind than a form.
    #[error(
        "send parameters in the URL, or as a form: Content-Type: application/x-www-form-urlencoded"
    )]
    NoForm,
    /// A body of another kind than JSON.
    #[error("send a JSON object: Content-Type: application/json, and no Content-Encoding")]
    NotJson,
    /// A body beyond the limit.
    #[error(
        "the body is too large: at most {} bytes are read",
        crate::body::MAX_LENGTH
    )]
    TooLarge,
    /// A body that took too long to arrive.
    #[error("the body did not arrive in time")]
    SlowBody,
    /// A batch that took too long to arrive. Senders drop what a 408 is answered to.
    #[error("the batch did not arrive in time: send it again, or in smaller batches")]
    SlowWrite,
    /// A body that broke off.
    #[error("the body broke off")]
    BrokenBody,

    /// No token was sent.
    #[error("send a token of the configured issuer: Authorization: Bearer <token>")]
    NoToken,
    /// The token is not accepted; the reason, never the token.
    #[error("{0}")]
    InvalidToken(&'static str),
    /// The issuer's keys could not be fetched yet.
    #[error("tokens cannot be checked yet: the issuer's keys could not be fetched")]
    NoKeys,

    /// No permission, or no such project: the two are not to be told apart (threat 22).
    #[error("you have no read permission on this project, or it does not exist")]
    Forbidden,
    /// No permission to manage a place, or no such place.
    #[error("you have no {action} permission on this {place}, or it does not exist")]
    NotPermitted {
        /// What was to be done.
        action: Action,
        /// What kind of place it is.
        place: &'static str,
    },
    /// The directory's own refusal, in a sentence.
    #[error("{0}")]
    Denied(String),
    /// What anybody could create is the operators' alone here.
    #[error("{0} are created by the operators of this installation alone: ask them")]
    CreationClosed(&'static str),
    /// A tenant that the directory does not know has this id.
    #[error(
        "this id is reserved: only the operators of this installation give it to a project; ask them, \
         or choose another"
    )]
    IdReserved,
    /// The caller may read the project, and the resource is not in it.
    #[error("there is no such resource in this project")]
    UnknownResource,
    /// The caller may know that something is not there. The text is a sentence.
    #[error("{0}")]
    NotFound(String),
    /// What is there does not permit a write. The text is a sentence.
    #[error("{0}")]
    Conflict(String),
    /// The record is not one of those that the caller has named.
    #[error("it has changed meanwhile: read it again and decide anew")]
    PreconditionFailed,
    /// An idempotency key was used for another write.
    #[error("this Idempotency-Key was used for another request: choose a new one")]
    KeyReused,
    /// The directory belongs to another program.
    #[error("the directory is managed elsewhere and is only read here (database.managed is false)")]
    ReadOnly,
    /// The directory did not say whether it has written.
    #[error(
        "the directory did not answer, and it is not known whether this was written: read it, or \
         send the same again with the same Idempotency-Key"
    )]
    WriteUnknown,
    /// The directory cannot be asked.
    #[error("permissions cannot be checked at the moment")]
    DirectoryUnavailable,
    /// What is answered could not be audited.
    #[error("nothing is answered at the moment, because the audit cannot be written")]
    AuditUnavailable,

    /// This backend is not configured.
    #[error("the {} backend is not configured", .0.name())]
    NotConfigured(Backend),
    /// A parameter or the query is not acceptable: of what kind that is, and the sentence.
    #[error("{1}")]
    BadData(Flaw, String),

    /// As many bodies are on their way as there is room for.
    #[error("too many forms and JSON texts are on their way: send this one again")]
    NoRoom,
    /// As much is asked for as may be.
    #[error(transparent)]
    Limited(#[from] Exceeded),

    /// A batch is not taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// As many writes are on their way as there is room for.
    #[error("too many writes are on their way: send this one again")]
    Busy,

    /// As many answers are held to be sifted as there is room for, of the project or of all.
    #[error(
        "this answer has to be held to be sifted, and those that are held at the moment leave no room \
         for it: ask again"
    )]
    NoRoomToSift,

    /// The backend cannot be reached, broke off before its headers, or answered something that is
    /// not for the caller.
    #[error("the {} backend did not give a usable answer", .0.name())]
    BadGateway(Backend),
    /// None of the backend's URLs is asked for a while, since none of them answered.
    #[error(
        "the {} backend does not answer, and is not asked again for {} s: try again then",
        .backend.name(), .seconds
    )]
    BackendAway {
        /// The backend.
        backend: Backend,
        /// The time until it is asked again, in seconds.
        seconds: u64,
    },
    /// The gateway has no file descriptor left for a connection to the backend.
    #[error("as many connections are open as there may be: try again")]
    OutOfConnections,
    /// As many tails as one reader may have.
    #[error("you have {0} tails open in this project, and may have no more: close one")]
    TooManyTails(usize),
    /// Loki makes no label of the attribute by which records belong to a resource.
    #[error(
        "the logs backend makes no label of resource_id, and nobody would find these log records: \
         its operator has to name resource_id in limits_config.otlp_config.resource_attributes \
         with the action index_label"
    )]
    NotIndexed,
    /// The backend has no such endpoint, or it is switched off there.
    #[error("the {} backend does not serve this, or it is not enabled there", .0.name())]
    NotServed(Backend),
    /// The backend's storage is full (507).
    #[error(
        "the {} backend has no room left to store this: send it again later; whoever runs the \
         backend has to make room", .0.name()
    )]
    StorageFull(Backend),
    /// The backend's answer did not begin in time.
    #[error("the {} backend did not answer in time", .0.name())]
    GatewayTimeout(Backend),

    /// What should not happen.
    #[error("the request failed for a reason of the gateway's own")]
    Internal,
}

/// The shape of every error, which Prometheus clients, Loki clients and people can all read.
#[derive(Serialize)]
struct Shape<'a> {
    status: &'static str,
    #[serde(rename = "errorType")]
    error_type: &'static str,
    error: &'a str,
}

impl Error {
    /// The table: status and `errorType` of each.
    #[must_use]
    pub fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::UnexpectedBody | Self::BrokenBody | Self::BadData(..) => {
                (StatusCode::BAD_REQUEST, "bad_data")
            }
            Self::UriTooLong(_) => (StatusCode::URI_TOO_LONG, "too_large"),
            Self::HeadTooLong(_) => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large"),
            Self::NotAWebSocket => (StatusCode::UPGRADE_REQUIRED, "upgrade_required"),
            Self::NoForm | Self::NotJson => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::SlowBody => (StatusCode::REQUEST_TIMEOUT, "timeout"),
            Self::TooManyTails(_) | Self::Limited(_) => {
                (StatusCode::TOO_MANY_REQUESTS, "too_many_requests")
            }
            Self::NoToken | Self::InvalidToken(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden
            | Self::NotPermitted { .. }
            | Self::Denied(_)
            | Self::CreationClosed(_)
            | Self::IdReserved => (StatusCode::FORBIDDEN, "forbidden"),
            Self::UnknownPath | Self::UnknownResource | Self::NotFound(_) => {
                (StatusCode::NOT_FOUND, "not_found")
            }
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
            Self::NotServed(_) | Self::ReadOnly => (StatusCode::NOT_IMPLEMENTED, "not_implemented"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            Self::BadGateway(_) => (StatusCode::BAD_GATEWAY, "bad_gateway"),
            Self::Refused(refusal) => refusal.status(),
            Self::NoKeys
            | Self::DirectoryUnavailable
            | Self::NotIndexed
            | Self::Busy
            | Self::NoRoom
            | Self::StorageFull(_)
            | Self::SlowWrite
            | Self::WriteUnknown
            | Self::AuditUnavailable
            | Self::BackendAway { .. }
            | Self::OutOfConnections
            | Self::NoRoomToSift
            | Self::NotConfigured(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::GatewayTimeout(_) => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
        }
    }

    /// Whether it says that the caller may not: because of who they are, and of nothing else.
    #[must_use]
    pub const fn is_a_refusal(&self) -> bool {
        match self {
            Self::NoToken
            | Self::InvalidToken(_)
            | Self::Forbidden
            | Self::NotPermitted { .. }
            | Self::Denied(_)
            | Self::CreationClosed(_)
            | Self::IdReserved => true,
            Self::UnknownPath
            | Self::MethodNotAllowed { .. }
            | Self::NotAWebSocket
            | Self::UriTooLong(_)
            | Self::HeadTooLong(_)
            | Self::UnexpectedBody
            | Self::NoForm
            | Self::NotJson
            | Self::TooLarge
            | Self::SlowBody
            | Self::SlowWrite
            | Self::BrokenBody
            | Self::NoKeys
            | Self::UnknownResource
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::PreconditionFailed
            | Self::KeyReused
            | Self::ReadOnly
            | Self::WriteUnknown
            | Self::DirectoryUnavailable
            | Self::AuditUnavailable
            | Self::NotConfigured(_)
            | Self::BadData(..)
            | Self::Refused(_)
            | Self::Limited(_)
            | Self::Busy
            | Self::NoRoom
            | Self::StorageFull(_)
            | Self::NotIndexed
            | Self::BadGateway(_)
            | Self::BackendAway { .. }
            | Self::OutOfConnections
            | Self::NoRoomToSift
            | Self::TooManyTails(_)
            | Self::NotServed(_)
            | Self::GatewayTimeout(_)
            | Self::Internal => false,
        }
    }

    /// What is said. Unexpected errors name the request, so that their cause is found in the log.
    pub(crate) fn sentence(&self, request_id: &str) -> String {
        let (status, _) = self.status();
        let is_configured = matches!(self, Self::NotConfigured(_) | Self::ReadOnly);
        if status.is_server_error() && !is_configured {
            format!("{self} (request {request_id})")
        } else {
            self.to_string()
        }
    }

    /// The answer.
    #[must_use]
    pub fn into_response(self, request_id: &str) -> Response<Body> {
        let (status, error_type) = self.status();
        let sentence = self.sentence(request_id);
        let shape = Shape {
            status: "error",
            error_type,
            error: &sentence,
        };
        let mut response = crate::stream::json(status, &shape);
        let headers = response.headers_mut();
        match &self {
            Self::MethodNotAllowed { allowed } => {
                let allowed: Vec<&str> = allowed.iter().map(|method| method.as_str()).collect();
                headers.extend(value(allowed.join(", ")).map(|value| (ALLOW, value)));
            }
            Self::NotAWebSocket => {
                // RFC 9110, section 15.5.22, and RFC 6455, section 4.4.
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            Self::UriTooLong(_)
            | Self::HeadTooLong(_)
            | Self::UnexpectedBody
            | Self::NoForm
            | Self::NotJson
            | Self::TooLarge
            | Self::SlowBody
            | Self::BrokenBody => {
                // The body is not read, so nothing after it can be taken for a request.
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::SlowWrite => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::NoToken | Self::InvalidToken(_) => {
                headers.extend(value(self.challenge()).map(|value| (WWW_AUTHENTICATE, value)));
            }
            Self::Refused(Refusal::TooLarge { .. }) => {
                // Perhaps the body is not read.
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Refused(Refusal::RateLimited { retry_after, .. }) => {
                // Rounded up: what is sent a moment too early is refused again.
                let seconds = retry_after.as_secs().saturating_add(1);
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Limited(exceeded) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(exceeded.retry_after()));
            }
            Self::BackendAway { seconds, .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::OutOfConnections | Self::NoRoomToSift => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // Senders of writes wait for as long as this says before they send again.
            Self::NoKeys
            | Self::DirectoryUnavailable
            | Self::TooManyTails(_)
            | Self::Busy
            | Self::NoRoom
            | Self::Refused(Refusal::NoRoom { .. })
            | Self::NotIndexed
            | Self::BadGateway(_)
            | Self::GatewayTimeout(_)
            | Self::StorageFull(_)
            | Self::WriteUnknown
            | Self::AuditUnavailable => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Self::UnknownPath
            | Self::Forbidden
            | Self::NotPermitted { .. }
            | Self::Denied(_)
            | Self::CreationClosed(_)
            | Self::IdReserved
            | Self::UnknownResource
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::PreconditionFailed
            | Self::KeyReused
            | Self::ReadOnly
            | Self::NotConfigured(_)
            | Self::BadData(..)
            | Self::NotServed(_)
            | Self::Refused(Refusal::UnsupportedMedia(_) | Refusal::Bad { .. })
            | Self::Internal => {}
        }
        response
    }

    /// The challenge of RFC 6750, section 3: without an error code where no token was sent. Reasons
    /// are the gateway's own words, which hold nothing that a quoted string would have to escape.
    fn challenge(&self) -> Cow<'static, str> {
        const REALM: &str = "Bearer realm=\"ktrlplane\"";
        if let Self::InvalidToken(reason) = self {
            format!("{REALM}, error=\"invalid_token\", error_description=\"{reason}\"").into()
        } else {
            REALM.into()
        }
    }
}

fn value(text: impl AsRef<str>) -> Option<HeaderValue> {
    HeaderValue::from_str(text.as_ref()).ok()
}
