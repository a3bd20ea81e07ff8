//! Routes as operations.

use http::Method;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, PathItemBuilder};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{HttpMethod, PathItem, Ref, Required, SecurityRequirement};

use super::{TOKEN, answer, management, parameter, refusal, words};
use crate::ingest::Protocol;
use crate::routes::{Answer, Endpoint, Local, Mount, Reader, Route, Serves};

/// The operations of a route at one of its mounts.
pub(super) fn item(route: &Route, mount: Mount, most_lines: u32) -> PathItem {
    let operations = route.methods.iter().filter_map(|method| {
        let operation = operation(route, mount, method, most_lines);
        Some((known(method)?, operation))
    });
    let item = operations.fold(PathItemBuilder::new(), |item, (method, operation)| {
        item.operation(method, operation)
    });
    item.build()
}

/// The method, if it is one that a path item has a field for.
fn known(method: &Method) -> Option<HttpMethod> {
    match method.as_str() {
        "GET" => Some(HttpMethod::Get),
        "HEAD" => Some(HttpMethod::Head),
        "POST" => Some(HttpMethod::Post),
        "PUT" => Some(HttpMethod::Put),
        "PATCH" => Some(HttpMethod::Patch),
        "DELETE" => Some(HttpMethod::Delete),
        "OPTIONS" => Some(HttpMethod::Options),
        "TRACE" => Some(HttpMethod::Trace),
        _ => None,
    }
}

fn operation(route: &Route, mount: Mount, method: &Method, most_lines: u32) -> Operation {
    let of_the_mount = match mount {
        Mount::Root => "",
        Mount::Organization => "_organization",
        Mount::Project => "_project",
        Mount::Resource => "_resource",
    };
    let id = format!("{method}{of_the_mount}_{}", route.name).to_lowercase();
    let mut operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(words::summary(route.name))
        .tag(words::tag(route));
    for parameter in parameter::in_path(mount, route.path) {
        operation = operation.parameter(parameter);
    }
    match &route.serves {
        // Said explicitly: nothing is asked for.
        Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) => {
            operation = operation.securities(Some(Vec::<SecurityRequirement>::new()));
        }
        Serves::Management(managed) => {
            let token = SecurityRequirement::new(TOKEN, Vec::<String>::new());
            operation = operation
                .security(token)
                .description(Some(management::description(managed, mount)))
                .request_body(management::body(managed.task));
            for parameter in management::parameters(managed) {
                operation = operation.parameter(parameter);
            }
        }
        Serves::Tenant(endpoint) => {
            let read = SecurityRequirement::new(TOKEN, Vec::<String>::new());
            operation = operation
                .security(read)
                .description(Some(description(endpoint, mount, method)));
            if let Answer::Ingested(protocol, _) = endpoint.answer {
                operation = operation.request_body(Some(batch(protocol)));
            } else if method == Method::POST {
                operation = operation.request_body(Some(form(endpoint, most_lines).build()));
            } else {
                for parameter in endpoint.parameters {
                    let parameter = parameter::in_query(endpoint, parameter, most_lines);
                    operation = operation.parameter(parameter);
                }
            }
        }
    }
    for (status, response) in answer::responses(route, method) {
        operation = operation.response(status.as_str(), response);
    }
    for (status, name) in refusal::of(route, mount, method) {
        operation = operation.response(status.as_str(), Ref::from_response_name(name));
    }
    operation.build()
}

/// What is done with the request, from what the route table says of it.
fn description(endpoint: &Endpoint, mount: Mount, method: &Method) -> String {
    let backend = endpoint.backend.name();
    let whose = match mount {
        Mount::Root | Mount::Organization => "nobody's data",
        Mount::Project => "all of the project's data",
        Mount::Resource => "the resource's data alone",
    };
    let mut text = match endpoint.answer {
        Answer::Forwarded(path) => format!(
            "Needs `{}` on the project. Asked of the {backend} backend at `{path}`, about {whose}.",
            endpoint.action
        ),
        Answer::Filtered(_, path) => format!(
            "Needs `{}` on the project. Asked of the {backend} backend at `{path}`; what is not \
             {whose} is left out of the answer.",
            endpoint.action
        ),
        Answer::Tail(Reader::Socket, path) => format!(
            "Needs `{}` on the project. A WebSocket in Loki's protocol: after the upgrade, text \
             messages of the schema `Tail` come as lines are logged. Asked of the {backend} backend \
             at `{path}`, about {whose}.",
            endpoint.action
        ),
        Answer::Tail(Reader::Events, path) => format!(
            "Needs `{}` on the project. Server-sent events, of which the data are of the schema \
             `Tail`, come as lines are logged; `Last-Event-ID` goes on where a tail broke off. Asked \
             of the {backend} backend at `{path}`, about {whose}.",
            endpoint.action
        ),
        Answer::Ingested(_, path) => format!(
            "Needs `{}` on the project. Decoded, stamped with the resource's label, which takes the \
             place of a `resource_id` of the sender's, and sent on to the {backend} backend at \
             `{path}`. All of a batch goes there, or nothing.",
            endpoint.action
        ),
        Answer::Local(Local::Scope) => format!(
            "Needs `{}` on the project. Answered by the gateway itself: the query is scoped as for \
             the {backend} backend, to {whose}, and is not sent.",
            endpoint.action
        ),
        Answer::Local(_) => format!(
            "Needs `{}` on the project. Answered by the gateway itself.",
            endpoint.action
        ),
    };
    if method == Method::POST && !matches!(endpoint.answer, Answer::Ingested(..)) {
        text.push_str(
            " The parameters are the form's; they may be in the URL as well, but each in one place \
             only.",
        );
    }
    text
}

/// The body of a write.
fn batch(protocol: Protocol) -> RequestBody {
    let any = || {
        let text = ObjectBuilder::new().schema_type(Type::String);
        ContentBuilder::new().schema(Some(text)).build()
    };
    let json = || {
        let object = ObjectBuilder::new().schema_type(Type::Object);
        ContentBuilder::new().schema(Some(object)).build()
    };
    let mut body = RequestBodyBuilder::new()
        .required(Some(Required::True))
        .content("application/x-protobuf", any());
    if protocol.has_json() {
        body = body.content("application/json", json());
    }
    body.build()
}

fn form(endpoint: &Endpoint, most_lines: u32) -> RequestBodyBuilder {
    let needed = parameter::some_is_required(endpoint);
    let schema = parameter::form(endpoint, most_lines);
    let mut content = ContentBuilder::new().schema(Some(schema));
    if let Some(example) = parameter::form_example(endpoint) {
        content = content.example(Some(example));
    }
    RequestBodyBuilder::new()
        .required(Some(if needed {
            Required::True
        } else {
            Required::False
        }))
        .content("application/x-www-form-urlencoded", content)
}
