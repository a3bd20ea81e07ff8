//! What a request is answered with: shapes as clients may rely on them, and no more exact than what
//! Loki and Prometheus promise.

use http::{Method, StatusCode};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::schema::{AnyOfBuilder, Array, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, Response, ResponseBuilder};

use super::management;
use super::refusal::request_id;
use crate::routes::{Answer, Backend, Endpoint, Filter, Local, Part, Probe, Reader, Route, Serves};

/// The schema of every error.
pub(super) const ERROR: &str = "Error";
/// The status of an answer that is one.
const OK: StatusCode = StatusCode::OK;
const HEALTH: &str = "Health";

/// What a request is answered with, where it is not refused.
pub(super) fn responses(route: &Route, method: &Method) -> Vec<(StatusCode, Response)> {
    let answer = |description: &str, schema: &str| {
        let response = response(description);
        // HEAD is answered without a body.
        if method == Method::HEAD {
            return response.build();
        }
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema)));
        response
            .content("application/json", content.build())
            .build()
    };
    match &route.serves {
        Serves::Probe(Probe::Live) => vec![(OK, answer("The process runs.", HEALTH))],
        Serves::Probe(Probe::Ready) => vec![
            (OK, answer("Requests can be decided.", HEALTH)),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                answer(
                    "Requests cannot be decided; `checks` says what is down.",
                    HEALTH,
                ),
            ),
        ],
        Serves::OpenApi => vec![
            (OK, answer("This document.", "Document")),
            (
                StatusCode::NOT_MODIFIED,
                response("The caller has this document already.").build(),
            ),
        ],
        Serves::Explore(part) => explore(*part, method),
        Serves::Management(managed) => management::responses(managed.task),
        Serves::Tenant(Endpoint {
            answer: Answer::Tail(Reader::Socket, _),
            ..
        }) => vec![(
            StatusCode::SWITCHING_PROTOCOLS,
            response("The tail begins, as a WebSocket.").build(),
        )],
        Serves::Tenant(Endpoint {
            answer: Answer::Tail(Reader::Events, _),
            ..
        }) => {
            let content = ContentBuilder::new().schema(Some(text()));
            let events = response("The tail, as server-sent events.");
            let events = events.content("text/event-stream", content.build());
            vec![(OK, events.build())]
        }
        Serves::Tenant(Endpoint {
            answer: Answer::Ingested(..),
            ..
        }) => [OK, StatusCode::NO_CONTENT]
            .map(|status| {
                let stored = response("The backend has stored the batch.");
                (status, stored.build())
            })
            .to_vec(),
        Serves::Tenant(endpoint) => {
            let schema = shape(endpoint);
            vec![(OK, answer("What was asked for.", schema))]
        }
    }
}

/// A part of the Explore page, which is for browsers: no more is said of it than what kind it is.
fn explore(part: Part, method: &Method) -> Vec<(StatusCode, Response)> {
    let (status, description, kind) = match part {
        Part::Door => (
            StatusCode::PERMANENT_REDIRECT,
            "The page is at the same path with a slash at its end.",
            None,
        ),
        Part::Page => (OK, "The page.", Some("text/html")),
        Part::Config => (
            OK,
            "The issuer, the client's id and the scopes.",
            Some("application/json"),
        ),
        Part::File => (OK, "The file, of whatever type it is.", Some("*/*")),
    };
    let mut response = response(description);
    if let Some(kind) = kind.filter(|_| method != Method::HEAD) {
        let schema = ObjectBuilder::new().schema_type(match part {
            Part::Config => Type::Object,
            Part::Door | Part::Page | Part::File => Type::String,
        });
        let content = ContentBuilder::new().schema(Some(schema));
        response = response.content(kind, content.build());
    }
    vec![(status, response.build())]
}

pub(super) fn response(description: &str) -> ResponseBuilder {
    let name = crate::forward::REQUEST_ID;
    ResponseBuilder::new()
        .description(description)
        .header(name.as_str(), request_id())
}

/// The schema of an endpoint's answer: by the backend's own path where it is the backend's answer.
fn shape(endpoint: &Endpoint) -> &'static str {
    match (endpoint.answer, endpoint.backend) {
        (Answer::Forwarded(path), Backend::Loki) => lokis(path),
        (Answer::Forwarded(path), Backend::Mimir) => prometheus(path),
        (Answer::Local(Local::BuildInfo), Backend::Loki) => "Build",
        (Answer::Local(Local::BuildInfo), Backend::Mimir) => "PrometheusBuild",
        (Answer::Local(Local::FormatQuery), Backend::Loki | Backend::Mimir) => "Query",
        (Answer::Local(Local::ParseQuery), Backend::Loki | Backend::Mimir) => "Tree",
        (Answer::Local(Local::Scope), Backend::Loki | Backend::Mimir) => "Scope",
        (Answer::Tail(..), _) => "Tail",
        // Has no answer but its status.
        (Answer::Ingested(..), _) => "Object",
        (Answer::Filtered(Filter::Metadata, _), _) => "Metadata",
        (Answer::Filtered(Filter::Rules, _), _) => "Rules",
        (Answer::Filtered(Filter::Alerts, _), _) => "Alerts",
    }
}

fn lokis(path: &str) -> &'static str {
    match path.strip_prefix("/loki/api/v1/").unwrap_or(path) {
        "query" | "query_range" => "Logs",
        "labels" | "label" | "label/{name}/values" => "LokiLabels",
        "series" => "Series",
        "index/stats" => "IndexStats",
        "index/volume" | "index/volume_range" => "Samples",
        "index/shards" => "IndexShards",
        "detected_labels" => "DetectedLabels",
        "detected_fields" => "DetectedFields",
        "detected_field/{name}/values" => "DetectedValues",
        "patterns" => "Patterns",
        _ => "Object",
    }
}

fn prometheus(path: &str) -> &'static str {
    match path.strip_prefix("/prometheus/api/v1/").unwrap_or(path) {
        "query" | "query_range" => "Samples",
        "query_exemplars" => "Exemplars",
        "series" => "Series",
        "labels" | "label/{name}/values" => "Labels",
        _ => "Object",
    }
}

/// All schemas, by name.
pub(super) fn schemas() -> Vec<(&'static str, Schema)> {
    let counts = ["streams", "chunks", "entries", "bytes"];
    let counts = counts.map(|name| (name, simple(Type::Integer)));
    vec![
        (ERROR, error()),
        (HEALTH, health()),
        (
            "Document",
            described([("openapi", text())], &["openapi"], "An OpenAPI document."),
        ),
        ("Object", simple(Type::Object)),
        ("Query", success(text(), "The query in its canonical form.")),
        (
            "Tree",
            success(
                simple(Type::Object),
                "The query's tree, in Prometheus's JSON.",
            ),
        ),
        ("Scope", scope()),
        (
            "Tail",
            described(
                [("streams", list(simple(Type::Object)))],
                &["streams"],
                "Streams, each with its lines; and where lines were dropped, `dropped_entries`.",
            ),
        ),
        ("Build", build()),
        (
            "PrometheusBuild",
            success(build(), "The version whose API is spoken."),
        ),
        (
            "Logs",
            success(result(&["streams", "matrix", "vector", "scalar"]), LOGS),
        ),
        (
            "Samples",
            success(result(&["matrix", "vector", "scalar", "string"]), SAMPLES),
        ),
        ("Labels", success(list(text()), "Names, or values.")),
        (
            "LokiLabels",
            success_or_none(list(text()), "Names, or values."),
        ),
        (
            "Series",
            success(list(labels()), "The labels of each series or stream."),
        ),
        (
            "Exemplars",
            success_or_none(list(simple(Type::Object)), "Series with their exemplars."),
        ),
        (
            "Metadata",
            success(
                map(list(simple(Type::Object))),
                "Type, help and unit by metric.",
            ),
        ),
        (
            "Rules",
            success(
                object([("groups", list(simple(Type::Object)))], &["groups"]),
                RULES,
            ),
        ),
        (
            "Alerts",
            success(
                object([("alerts", list(simple(Type::Object)))], &["alerts"]),
                ALERTS,
            ),
        ),
        (
            "IndexStats",
            object(counts, &["streams", "chunks", "entries", "bytes"]),
        ),
        (
            "IndexShards",
            object([("shards", nullable(Type::Array))], &["shards"]),
        ),
        (
            "DetectedLabels",
            object([("detectedLabels", nullable(Type::Array))], &[]),
        ),
        (
            "DetectedFields",
            object([("fields", nullable(Type::Array))], &[]),
        ),
        (
            "DetectedValues",
            object([("values", nullable(Type::Array))], &[]),
        ),
        (
            "Patterns",
            success(nullable(Type::Array), "Patterns with their samples."),
        ),
    ]
}

fn scope() -> Schema {
    success(
        object(
            [("tenant", text()), ("query", text())],
            &["tenant", "query"],
        ),
        "The tenant in whose name, and the query with which a backend would be asked.",
    )
}

const LOGS: &str = "Streams of log lines, each line a pair of its time in nanoseconds and its text; \
    or, for a metric query, samples.";
const SAMPLES: &str = "Samples, each a pair of its time in seconds and its value as text.";
const RULES: &str = "Groups with the rules that carry the resource's label; of a project, all.";
const ALERTS: &str = "The alerts that carry the resource's label; of a project, all.";

fn error() -> Schema {
    let status = text_of(&["error"]);
    let properties = [("status", status), ("errorType", text()), ("error", text())];
    described(
        properties,
        &["status", "errorType", "error"],
        "Why a request was refused: a word for programs and a sentence for people.",
    )
}

fn health() -> Schema {
    let checks = map(text_of(&["UP", "DOWN"]));
    object(
        [("status", text_of(&["UP", "DOWN"])), ("checks", checks)],
        &["status"],
    )
}

fn build() -> Schema {
    object(
        [("version", text()), ("revision", text())],
        &["version", "revision"],
    )
}

/// Of Loki's names, and of exemplars to a query without a selector: `data` is left out where there is
/// none.
fn success_or_none(data: Schema, description: &str) -> Schema {
    let properties = [("status", text_of(&["success"])), ("data", data)];
    let description = format!("{description} `data` is left out where there is none.");
    described(properties, &["status"], &description)
}

/// How both backends wrap an answer.
fn success(data: Schema, description: &str) -> Schema {
    let properties = [
        ("status", text_of(&["success"])),
        ("data", data),
        ("warnings", list(text())),
        ("infos", list(text())),
    ];
    described(properties, &["status", "data"], description)
}

/// The result of a query: series or streams, or of a scalar or string its time and value.
fn result(types: &[&str]) -> Schema {
    let item = AnyOfBuilder::new()
        .item(simple(Type::Object))
        .item(simple(Type::Number))
        .item(text());
    let result = list(item.into());
    object(
        [("resultType", text_of(types)), ("result", result)],
        &["resultType", "result"],
    )
}

fn labels() -> Schema {
    map(text())
}

pub(super) fn text() -> Schema {
    simple(Type::String)
}

pub(super) fn text_of(words: &[&str]) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    text.enum_values(Some(words.iter().copied())).into()
}

pub(super) fn simple(kind: Type) -> Schema {
    ObjectBuilder::new().schema_type(kind).into()
}

pub(super) fn nullable(kind: Type) -> Schema {
    let kinds = SchemaType::from_iter([kind, Type::Null]);
    ObjectBuilder::new().schema_type(kinds).into()
}

pub(super) fn list(items: Schema) -> Schema {
    Schema::Array(Array::new(items))
}

fn map(values: Schema) -> Schema {
    ObjectBuilder::new()
        .additional_properties(Some(values))
        .into()
}

fn object<const N: usize>(properties: [(&str, Schema); N], required: &[&str]) -> Schema {
    fields(properties, required).into()
}

pub(super) fn described<const N: usize>(
    properties: [(&str, Schema); N],
    required: &[&str],
    description: &str,
) -> Schema {
    let fields = fields(properties, required);
    fields.description(Some(description)).into()
}

fn fields<const N: usize>(properties: [(&str, Schema); N], required: &[&str]) -> ObjectBuilder {
    let object = ObjectBuilder::new();
    let object = properties
        .into_iter()
        .fold(object, |object, (name, schema)| {
            object.property(name, schema)
        });
    required
        .iter()
        .fold(object, |object, name| object.required(*name))
}
