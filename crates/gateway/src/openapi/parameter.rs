//! Parameters and their kinds, as schemas.

use serde_json::{Map, Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter as Described, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{
    AnyOfBuilder, ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};

use super::words;
use crate::routes::{Absent, Endpoint, Kind, Mount, Parameter};
use crate::scope::parameters::{MAX_NAMES_LENGTH, MOST_REPEATED};

/// Of a project or a resource: a DNS label (RFC 1123).
pub(super) const ID: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_NAME: &str = "[A-Za-z_][A-Za-z0-9_]*";
const LABEL_NAMES: &str = "[A-Za-z_][A-Za-z0-9_]*(,[A-Za-z_][A-Za-z0-9_]*)*";
const NUMBER: &str = r"-?[0-9]+(\.[0-9]+)?";
const DURATION: &str = r"[0-9]+(\.[0-9]+)?|([0-9]+(y|w|d|h|ms?|s))+";
const SIZE: &str = "[0-9]{1,15}(([kKmMgGtT][iI]?)?[bB])?";

/// What stands in the path's braces.
pub(super) fn in_path(mount: Mount, path: &str) -> Vec<Described> {
    let of_the_mount: &[&str] = match mount {
        Mount::Root => &[],
        Mount::Organization => &["orgId"],
        Mount::Project => &["projectId"],
        Mount::Resource => &["projectId", "resourceId"],
    };
    let id = |name: &&str| {
        let (description, example) = words::in_path(name);
        in_braces(
            name,
            description,
            example,
            any_text().pattern(Some(whole(ID))).max_length(Some(63)),
        )
    };
    let mut described: Vec<Described> = of_the_mount.iter().map(id).collect();
    for name in ["assignmentId", "roleId", "file"] {
        if path.contains(&format!("{{{name}}}")) {
            let (description, example) = words::in_path(name);
            let schema = any_text().min_length(Some(1));
            described.push(in_braces(name, description, example, schema));
        }
    }
    if path.contains("{name}") {
        let (description, example) = words::in_path("name");
        let schema = any_text()
            .pattern(Some(whole(LABEL_NAME)))
            .max_length(Some(MAX_NAMES_LENGTH));
        described.push(in_braces("name", description, example, schema));
    }
    described
}

fn in_braces(name: &str, description: &str, example: &str, schema: ObjectBuilder) -> Described {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema.build()))
        .example(Some(example.into()))
        .build()
}

/// A parameter in the URL.
pub(super) fn in_query(endpoint: &Endpoint, parameter: &Parameter, most_lines: u32) -> Described {
    let required = match parameter.absent {
        Absent::Refused => Required::True,
        Absent::Omitted | Absent::Default(_) | Absent::Everything => Required::False,
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(ParameterIn::Query)
        .required(required)
        .description(Some(words::parameter(endpoint, parameter)))
        .schema(Some(schema(parameter, most_lines, None)))
        .example(words::example(parameter).map(|text| value(parameter.kind, text)))
        .build()
}

/// Whether a request without parameters is refused.
pub(super) fn some_is_required(endpoint: &Endpoint) -> bool {
    let mut parameters = endpoint.parameters.iter();
    parameters.any(|parameter| parameter.absent == Absent::Refused)
}

/// All parameters in a form.
pub(super) fn form(endpoint: &Endpoint, most_lines: u32) -> Schema {
    let mut form = ObjectBuilder::new();
    for parameter in endpoint.parameters {
        let description = words::parameter(endpoint, parameter);
        let schema = schema(parameter, most_lines, Some(description));
        form = form.property(parameter.name, schema);
        if parameter.absent == Absent::Refused {
            form = form.required(parameter.name);
        }
    }
    form.into()
}

/// A form with an example of each parameter that has to be there; without one, of what is asked for.
pub(super) fn form_example(endpoint: &Endpoint) -> Option<Value> {
    let shown = |parameter: &&Parameter| match parameter.absent {
        Absent::Refused | Absent::Everything => true,
        Absent::Omitted | Absent::Default(_) => false,
    };
    let form: Map<String, Value> = endpoint
        .parameters
        .iter()
        .filter(shown)
        .filter_map(|parameter| {
            let example = value(parameter.kind, words::example(parameter)?);
            Some((parameter.name.to_owned(), example))
        })
        .collect();
    (!form.is_empty()).then_some(Value::Object(form))
}

/// An example or a default, as JSON has it.
fn value(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Lines | Kind::Integer(..) => text
            .parse::<u32>()
            .map_or_else(|_| text.into(), Value::from),
        Kind::StreamSelectors | Kind::VectorSelectors => json!([text]),
        Kind::Logql
        | Kind::LogqlOnResource
        | Kind::Promql
        | Kind::Time
        | Kind::Duration
        | Kind::Word(_)
        | Kind::LabelNames
        | Kind::MetricName
        | Kind::Bytes => text.into(),
    }
}

/// What a parameter's value must be. Queries are texts here: their grammar is in no schema.
fn schema(parameter: &Parameter, most_lines: u32, description: Option<String>) -> Schema {
    let plain = match parameter.kind {
        Kind::StreamSelectors | Kind::VectorSelectors => {
            let selectors = ArrayBuilder::new().items(any_text().build());
            return selectors
                .max_items(Some(MOST_REPEATED))
                .description(description)
                .into();
        }
        Kind::Time => {
            let rfc_3339 = SchemaFormat::KnownFormat(KnownFormat::DateTime);
            let rfc_3339 = any_text().format(Some(rfc_3339));
            let either = AnyOfBuilder::new()
                .item(rfc_3339)
                .item(text(parameter, NUMBER));
            return either.description(description).into();
        }
        Kind::Logql | Kind::LogqlOnResource | Kind::Promql => {
            any_text().min_length(least_length(parameter))
        }
        Kind::Duration => text(parameter, DURATION),
        Kind::Lines => integer(1, most_lines),
        Kind::Integer(least, most) => integer(least, most),
        Kind::Word(words) => any_text().enum_values(Some(words.iter().copied())),
        Kind::LabelNames => text(parameter, LABEL_NAMES).max_length(Some(MAX_NAMES_LENGTH)),
        Kind::MetricName => any_text().max_length(Some(MAX_NAMES_LENGTH)),
        Kind::Bytes => text(parameter, SIZE),
    };
    let default = match parameter.absent {
        Absent::Default(text) if parameter.kind == Kind::Lines => {
            let most = text.parse().unwrap_or(u32::MAX).min(most_lines);
            Some(Value::from(most))
        }
        Absent::Default(text) => Some(value(parameter.kind, text)),
        Absent::Omitted | Absent::Everything | Absent::Refused => None,
    };
    plain.default(default).description(description).into()
}

pub(super) fn any_text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text of this pattern, or none at all where it may be absent: what is empty counts as absent.
fn text(parameter: &Parameter, pattern: &str) -> ObjectBuilder {
    any_text().pattern(Some(match least_length(parameter) {
        Some(_) => whole(pattern),
        None => format!("^({pattern})?$"),
    }))
}

/// A pattern of the whole text.
pub(super) fn whole(pattern: &str) -> String {
    format!("^({pattern})$")
}

/// Of a parameter that must be there, and so must not be empty.
fn least_length(parameter: &Parameter) -> Option<usize> {
    match parameter.absent {
        Absent::Refused => Some(1),
        Absent::Omitted | Absent::Default(_) | Absent::Everything => None,
    }
}

pub(super) fn integer(least: u32, most: u32) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most))
}
