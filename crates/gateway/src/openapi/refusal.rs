//! What a request can be refused with, from the error table.

use std::num::NonZeroU32;
use std::time::Duration;

use directory::policy::Action;
use http::{Method, StatusCode};
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Header, Ref, Response, ResponseBuilder};

use super::answer::ERROR;
use crate::body::{SHARE, Takes};
use crate::error::{Error, Flaw};
use crate::ingest::{Limits, Refusal};
use crate::limit::{Exceeded, Limit, Queue, Quota, Whose};
use crate::routes::{Answer, Backend, Effect, Filter, Mount, Reader, Route, Serves, Task};
use crate::settings::ConnectionSettings;

/// What the backends' own refusals are called, which pass with their bodies.
const BACKENDS: [(StatusCode, &str, &str); 3] = [
    (
        StatusCode::BAD_REQUEST,
        "BadRequestOrBackends",
        "The request cannot be understood or scoped, as below; or the backend refuses it, in its own \
         words.",
    ),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "BackendsUnprocessable",
        "The backend understands the query and cannot run it, and says why in its own words.",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "BackendsTooManyRequests",
        "The backend's own limit is reached; `Retry-After` says when to come back, if it knows.",
    ),
];

/// One of each kind of error.
fn errors() -> Vec<Error> {
    let mut errors = vec![
        Error::UnknownPath,
        Error::MethodNotAllowed {
            allowed: Vec::new(),
        },
        Error::UriTooLong(ConnectionSettings::default().max_uri_bytes),
        Error::HeadTooLong(ConnectionSettings::default().max_head_bytes),
        Error::UnexpectedBody,
        Error::NoForm,
        Error::NotJson,
        Error::TooLarge,
        Error::SlowBody,
        Error::BrokenBody,
        Error::NoToken,
        Error::InvalidToken("the token has expired"),
        Error::NoKeys,
        Error::Forbidden,
        Error::NotPermitted {
            action: Action::Write,
            place: "project",
        },
        Error::Denied("nobody gives a role that holds more than they hold there".to_owned()),
        Error::CreationClosed("organizations"),
        Error::IdReserved,
        Error::UnknownResource,
        Error::NotFound("there is no such role".to_owned()),
        Error::Conflict("there is already an organization of this id".to_owned()),
        Error::PreconditionFailed,
        Error::KeyReused,
        Error::ReadOnly,
        Error::WriteUnknown,
        Error::DirectoryUnavailable,
        Error::AuditUnavailable,
        Error::NotConfigured(Backend::Loki),
        Error::BadData(Flaw::Parameter, "start: is after end".to_owned()),
        Error::Refused(Refusal::UnsupportedMedia(
            "send another content type or encoding",
        )),
        Error::Refused(Refusal::TooLarge {
            what: "the body",
            limit: Limits::default().compressed,
        }),
        Error::Refused(Refusal::Bad {
            reason: "bad timestamp",
            sentence: "entry 1 of stream \"{app=\\\"shop\\\"}\" has no timestamp".to_owned(),
        }),
        Error::Refused(Refusal::RateLimited {
            limit: 1_000_000,
            bytes: 2_000_000,
            retry_after: Duration::from_secs(1),
        }),
        Error::Refused(Refusal::NoRoom {
            limit: Limits::default().project_room,
        }),
        Error::Busy,
        Error::NoRoom,
        Error::Limited(Exceeded {
            whose: Whose::Subject,
            limit: Limit::Bodies(SHARE),
            retry_after: Duration::from_secs(1),
        }),
        Error::SlowWrite,
        Error::NotIndexed,
        Error::BadGateway(Backend::Loki),
        Error::BackendAway {
            backend: Backend::Loki,
            seconds: 1,
        },
        Error::OutOfConnections,
        Error::NoRoomToSift,
        Error::StorageFull(Backend::Loki),
        Error::NotServed(Backend::Loki),
        Error::NotAWebSocket,
        Error::TooManyTails(4),
        Error::GatewayTimeout(Backend::Loki),
        Error::Internal,
    ];
    errors.extend(limited(Whose::Subject, Quota::SUBJECT));
    errors.extend(limited(Whose::Project, Quota::PROJECT));
    errors
}

/// One of each kind of limit, of a subject or of a project, as they are by default.
fn limited(whose: Whose, quota: Quota) -> Vec<Error> {
    let queue = Queue::default();
    let queries = quota.queries.map(NonZeroU32::get);
    let limits = [
        quota.in_flight.map(|most| Limit::InFlight(most.get())),
        quota.requests.map(Limit::Requests),
        queries.map(|queries| Limit::Waited(queries, queue.timeout)),
        queries.map(|queries| Limit::Queue(queries, queue.length)),
        quota
            .bytes_per_minute
            .map(|bytes| Limit::Bytes(bytes.get())),
    ];
    let exceeded = |limit| Exceeded {
        whose,
        limit,
        retry_after: Duration::from_secs(1),
    };
    let limits = limits.into_iter().flatten();
    limits
        .map(|limit| Error::Limited(exceeded(limit)))
        .collect()
}

/// Whether a request to this route by this method, with a path of this mount, can end in `error`. A
/// new error is put into [`errors`] as well.
fn occurs(error: &Error, route: &Route, mount: Mount, method: &Method) -> bool {
    let asks_the_backend = asks_the_backend(route);
    let tenant = matches!(route.serves, Serves::Tenant(_));
    let task = match &route.serves {
        Serves::Management(managed) => Some(managed.task),
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Tenant(_) => None,
    };
    let effect = task.map(Task::effect);
    let writes = effect.is_some_and(Effect::writes);
    let takes = route.takes(method);
    match error {
        // The operations of the document are those that are answered.
        Error::MethodNotAllowed { .. } => false,
        Error::UriTooLong(_) | Error::HeadTooLong(_) | Error::UnexpectedBody => true,
        Error::Refused(_) | Error::Busy | Error::SlowWrite | Error::StorageFull(_) => {
            is_a_write(route)
        }
        // Of a project nothing is sifted.
        Error::NoRoomToSift => is_sifted(route) && mount == Mount::Resource,
        Error::NotIndexed => route.name == "otlp_logs",
        Error::NoForm => takes == Takes::Form,
        Error::NotJson => takes == Takes::Json,
        Error::TooLarge | Error::NoRoom => matches!(takes, Takes::Form | Takes::Json),
        Error::SlowBody | Error::BrokenBody => takes != Takes::Nothing,
        // An id or a name with a character that none has makes the path that of nothing.
        // So does a page that is switched off.
        Error::UnknownPath => {
            let explore = matches!(route.serves, Serves::Explore(_));
            tenant || explore || mount != Mount::Root || route.path.contains('{')
        }
        Error::NoToken
        | Error::InvalidToken(_)
        | Error::NoKeys
        | Error::DirectoryUnavailable
        | Error::AuditUnavailable
        | Error::BadData(..)
        | Error::Internal => tenant || task.is_some(),
        Error::Forbidden | Error::NotConfigured(_) => tenant,
        Error::NotPermitted { .. } => task.is_some() && mount != Mount::Root,
        Error::CreationClosed(_) => matches!(
            task,
            Some(Task::CreateOrganization | Task::CreateProject | Task::UpdateProject)
        ),
        Error::IdReserved => task == Some(Task::CreateProject),
        Error::UnknownResource => mount == Mount::Resource,
        Error::NotFound(_) => {
            // A new organization is in nothing that could be missing.
            let refers = writes && task != Some(Task::CreateOrganization);
            task.is_some() && (mount != Mount::Root || route.path.contains('{') || refers)
        }
        Error::Denied(_)
        | Error::Conflict(_)
        | Error::KeyReused
        | Error::ReadOnly
        | Error::WriteUnknown => writes,
        Error::PreconditionFailed => matches!(
            effect,
            Some(Effect::Reads | Effect::Updates | Effect::Removes)
        ),
        Error::BadGateway(_)
        | Error::BackendAway { .. }
        | Error::OutOfConnections
        | Error::GatewayTimeout(_) => asks_the_backend,
        Error::NotAWebSocket => is_a_socket(route),
        Error::TooManyTails(_) => is_a_tail(route),
        Error::Limited(exceeded) => match (exceeded.limit, exceeded.whose) {
            (Limit::InFlight(_), _) => tenant || task.is_some(),
            (Limit::Bodies(_), _) => matches!(takes, Takes::Form | Takes::Json),
            (Limit::Requests(_), Whose::Subject) => {
                (tenant || task.is_some()) && !is_a_write(route)
            }
            (Limit::Requests(_) | Limit::Bytes(_), _) => tenant && !is_a_write(route),
            (Limit::Waited(..) | Limit::Queue(..), _) => {
                asks_the_backend && !is_a_write(route) && !is_a_tail(route)
            }
        },
        Error::NotServed(_) => asks_the_backend && !is_empty_without_the_backends(route, mount),
    }
}

fn asks_the_backend(route: &Route) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Forwarded(_)
            | Answer::Filtered(..)
            | Answer::Ingested(..)
            | Answer::Tail(..) => true,
            Answer::Local(_) => false,
        },
    }
}

fn is_sifted(route: &Route) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Filtered(..) => true,
            Answer::Forwarded(_) | Answer::Ingested(..) | Answer::Local(_) | Answer::Tail(..) => {
                false
            }
        },
    }
}

fn is_a_write(route: &Route) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Ingested(..) => true,
            Answer::Forwarded(_) | Answer::Filtered(..) | Answer::Local(_) | Answer::Tail(..) => {
                false
            }
        },
    }
}

fn is_a_tail(route: &Route) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Tail(..) => true,
            Answer::Forwarded(_)
            | Answer::Filtered(..)
            | Answer::Ingested(..)
            | Answer::Local(_) => false,
        },
    }
}

fn is_a_socket(route: &Route) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Tail(Reader::Socket, _) => true,
            Answer::Tail(Reader::Events, _)
            | Answer::Forwarded(_)
            | Answer::Ingested(..)
            | Answer::Filtered(..)
            | Answer::Local(_) => false,
        },
    }
}

/// Whether a backend that has no such endpoint is one that has nothing there.
fn is_empty_without_the_backends(route: &Route, mount: Mount) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Forwarded(_)
            | Answer::Ingested(..)
            | Answer::Local(_)
            | Answer::Tail(..)
            | Answer::Filtered(Filter::Metadata, _) => false,
            Answer::Filtered(Filter::Rules | Filter::Alerts, _) => mount == Mount::Resource,
        },
    }
}

/// Whether the backend's own refusals come through: not where its answer is sifted.
fn backends_pass(route: &Route, mount: Mount) -> bool {
    match &route.serves {
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => false,
        Serves::Tenant(endpoint) => match endpoint.answer {
            Answer::Forwarded(_) | Answer::Ingested(..) | Answer::Tail(..) => true,
            Answer::Filtered(..) => mount == Mount::Project,
            Answer::Local(_) => false,
        },
    }
}

/// The statuses that a request can be refused with, each with the name of its response.
pub(super) fn of(route: &Route, mount: Mount, method: &Method) -> Vec<(StatusCode, String)> {
    let mut found: Vec<(StatusCode, String)> = Vec::new();
    if backends_pass(route, mount) {
        let own = BACKENDS
            .iter()
            .map(|(status, name, _)| (*status, (*name).to_owned()));
        found.extend(own);
    }
    for error in errors() {
        let (status, _) = error.status();
        let is_new = found.iter().all(|(known, _)| *known != status);
        if is_new && occurs(&error, route, mount, method) {
            found.push((status, name(status)));
        }
    }
    found
}

/// What the document calls the refusals of a status: its reason phrase as one word.
fn name(status: StatusCode) -> String {
    let phrase = status.canonical_reason().unwrap_or("Refused");
    phrase.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// All refusals, by name.
pub(super) fn components() -> Vec<(String, Response)> {
    let mut components: Vec<(String, Response)> = Vec::new();
    for (index, error) in errors().iter().enumerate() {
        let (status, _) = error.status();
        let is_first = errors()[..index]
            .iter()
            .all(|earlier| earlier.status().0 != status);
        if is_first {
            components.push((name(status), refusal(status).build()));
        }
    }
    for (status, name, description) in BACKENDS {
        let text =
            ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        let mut response = refusal(status).content("text/plain", text.build());
        let reasons = reasons(status);
        response = response.description(if reasons.is_empty() {
            description.to_owned()
        } else {
            format!("{description}\n\n{reasons}")
        });
        components.push((name.to_owned(), response.build()));
    }
    components
}

/// Why a request is refused with this status, one reason a line.
fn reasons(status: StatusCode) -> String {
    let of_the_status = errors()
        .into_iter()
        .filter(|error| error.status().0 == status);
    let lines: Vec<String> = of_the_status
        .map(|error| {
            // The sentences of these are the request's own.
            if matches!(error, Error::BadData(..)) {
                "- a parameter or the query is not acceptable; the sentence says where and why"
                    .to_owned()
            } else if matches!(error, Error::InvalidToken(_)) {
                "- the token is not accepted; the sentence says why".to_owned()
            } else if let Error::Denied(_) | Error::NotFound(_) | Error::Conflict(_) = error {
                format!(
                    "- what is there does not permit it; the sentence says why, such as: {error}"
                )
            } else {
                format!("- {error}")
            }
        })
        .collect();
    lines.join("\n")
}

/// A refusal in the one shape, with an example.
fn refusal(status: StatusCode) -> ResponseBuilder {
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ERROR)));
    let mut first = errors()
        .into_iter()
        .filter(|error| error.status().0 == status);
    if let Some(error) = first.next() {
        let (_, word) = error.status();
        let example = json!({ "status": "error", "errorType": word, "error": error.to_string() });
        content = content.example(Some(example));
    }
    let response = ResponseBuilder::new()
        .description(reasons(status))
        .header(crate::forward::REQUEST_ID.as_str(), request_id())
        .content("application/json", content.build());
    let header = |description: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String);
        HeaderBuilder::new()
            .schema(Some(text))
            .description(Some(description))
            .build()
    };
    match status {
        StatusCode::UNAUTHORIZED => response.header(
            "WWW-Authenticate",
            header("The challenge of RFC 6750, with the reason if a token was sent."),
        ),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            response.header("Retry-After", header("Seconds to wait, if that may help."))
        }
        _ => response,
    }
}

/// The header that every answer has.
pub(super) fn request_id() -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some("The request's id, to quote when something is wrong."))
        .build()
}
