//! The closed lists that labels are taken from.

use http::StatusCode;

use super::closed::closed;
use crate::error::Error;
use crate::ingest::Refusal;
use crate::limit::{Exceeded, Limit, Whose};
use crate::stream::Broken;

closed! {
    /// What has become of a request.
    pub(crate) enum Outcome {
        /// Answered: any status below 400.
        Ok = "ok",
        /// 400.
        BadRequest = "bad_request",
        /// 401.
        Unauthorized = "unauthorized",
        /// 403.
        Forbidden = "forbidden",
        /// 404.
        NotFound = "not_found",
        /// 429.
        TooManyRequests = "too_many_requests",
        /// Every other status from 400 to 499.
        ClientError = "client_error",
        /// 500, and whatever else is no status of the gateway.
        Internal = "internal",
        /// 501: the backend or this installation does not have it.
        NotImplemented = "not_implemented",
        /// 502.
        BadGateway = "bad_gateway",
        /// 503.
        Unavailable = "unavailable",
        /// 504.
        Timeout = "timeout",
        /// An answer that began and broke off, by the backend or by the gateway.
        BrokenOff = "broken_off",
        /// The caller went before the answer was out.
        CallerGone = "caller_gone",
    }
}

impl Outcome {
    /// What this status says.
    pub(super) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            ..400 => Self::Ok,
            400 => Self::BadRequest,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            429 => Self::TooManyRequests,
            402..500 => Self::ClientError,
            501 => Self::NotImplemented,
            502 => Self::BadGateway,
            503 => Self::Unavailable,
            504 => Self::Timeout,
            500.. => Self::Internal,
        }
    }

    /// What a broken answer is.
    pub(super) const fn of_broken(broken: &Broken) -> Self {
        match broken {
            Broken::Upstream(_) | Broken::Paused(_) | Broken::Events => Self::BrokenOff,
            Broken::Slow => Self::CallerGone,
        }
    }
}

closed! {
    /// What has become of a request to a backend, up to the head of its answer.
    pub(crate) enum Sent {
        /// A status below 400.
        Ok = "ok",
        /// 400 to 499.
        ClientError = "client_error",
        /// 500 and above.
        ServerError = "server_error",
        /// No connection, or one that broke.
        Unreachable = "unreachable",
        /// No answer in time.
        Timeout = "timeout",
        /// Nobody was asked: no URL of the backend is, at the moment.
        Away = "away",
        /// The gateway could not send it.
        Own = "not_sent",
        /// The caller went first.
        CallerGone = "caller_gone",
    }
}

impl Sent {
    /// What this status says.
    pub(crate) fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            ..400 => Self::Ok,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }

    /// Whether somebody was waited for.
    pub(super) const fn was_waited_for(self) -> bool {
        match self {
            Self::Ok
            | Self::ClientError
            | Self::ServerError
            | Self::Unreachable
            | Self::Timeout
            | Self::CallerGone => true,
            Self::Away | Self::Own => false,
        }
    }
}

closed! {
    /// A limit that was reached, by the key that sets it where there is one.
    pub(crate) enum Limited {
        SubjectInFlight = "limits.subject.in_flight",
        SubjectRequests = "limits.subject.requests_per_second",
        SubjectQueries = "limits.subject.queries",
        SubjectBytes = "limits.subject.bytes_per_minute",
        ProjectRequests = "limits.project.requests_per_second",
        ProjectQueries = "limits.project.queries",
        ProjectBytes = "limits.project.bytes_per_minute",
        IngestRate = "ingest.rate_bytes",
        IngestRoom = "ingest.in_flight_bytes",
        IngestProjectRoom = "ingest.project_in_flight_bytes",
        /// Bodies of forms and management.
        Bodies = "bodies",
        /// Answers that are held to be sifted.
        Sifted = "sifted",
        /// Tails of one reader.
        Tails = "tails",
    }
}

impl Limited {
    /// The limit that a request was refused by, if it was one.
    pub(super) fn of(error: &Error) -> Option<Self> {
        if let Error::Limited(exceeded) = error {
            Some(Self::exceeded(exceeded))
        } else if let Error::Refused(Refusal::RateLimited { .. }) = error {
            Some(Self::IngestRate)
        } else if let Error::Refused(Refusal::NoRoom { .. }) = error {
            Some(Self::IngestProjectRoom)
        } else if *error == Error::Busy {
            Some(Self::IngestRoom)
        } else if *error == Error::NoRoom {
            Some(Self::Bodies)
        } else if *error == Error::NoRoomToSift {
            Some(Self::Sifted)
        } else if let Error::TooManyTails(_) = error {
            Some(Self::Tails)
        } else {
            None
        }
    }

    const fn exceeded(exceeded: &Exceeded) -> Self {
        match (exceeded.whose, exceeded.limit) {
            // Of a project none are counted.
            (Whose::Subject | Whose::Project, Limit::InFlight(_)) => Self::SubjectInFlight,
            (Whose::Subject, Limit::Requests(_)) => Self::SubjectRequests,
            (Whose::Subject, Limit::Waited(..) | Limit::Queue(..)) => Self::SubjectQueries,
            (Whose::Subject, Limit::Bytes(_)) => Self::SubjectBytes,
            (Whose::Project, Limit::Requests(_)) => Self::ProjectRequests,
            (Whose::Project, Limit::Waited(..) | Limit::Queue(..)) => Self::ProjectQueries,
            (Whose::Project, Limit::Bytes(_)) => Self::ProjectBytes,
            (Whose::Subject | Whose::Project, Limit::Bodies(_)) => Self::Bodies,
        }
    }
}
