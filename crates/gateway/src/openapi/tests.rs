use std::collections::BTreeSet;

use serde_json::Value;

use super::describe;
use crate::routes::{self, Absent, Serves};

fn document() -> Value {
    serde_json::to_value(describe(5000)).unwrap()
}

/// All operations of the document: method, path and operation.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    found
}

#[test]
fn the_document_has_every_row_and_method_of_the_table_and_nothing_else() {
    let rows = routes::all().flat_map(|route| {
        let paths = route.paths();
        paths.flat_map(|(_, path)| {
            let methods = route.methods.iter();
            methods.map(move |method| (method.to_string(), path.clone()))
        })
    });
    let document = document();
    let described = operations(&document).into_iter();
    let described: BTreeSet<(String, String)> =
        described.map(|(method, path, _)| (method, path)).collect();
    assert_eq!(described, rows.collect());
}

#[test]
fn every_operation_has_its_words_and_an_id_of_its_own() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap()),
            "{name}"
        );
        assert!(
            operation["summary"].is_string(),
            "{name} has no summary: add one in words.rs"
        );
        for parameter in parameters(operation) {
            let text = parameter["description"].as_str().unwrap();
            let said = text.starts_with(char::is_uppercase);
            assert!(
                said,
                "{name}: a parameter has no meaning: add one in words.rs: {parameter}"
            );
        }
    }
}

/// The parameters of an operation, in its path, its query and its form.
fn parameters(operation: &Value) -> Vec<Value> {
    let mut found = operation["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let form = &operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"];
    for (name, schema) in form["properties"].as_object().into_iter().flatten() {
        let mut schema = schema.clone();
        schema["name"] = name.clone().into();
        found.push(schema);
    }
    found
}

#[test]
fn every_parameter_of_the_table_is_there_and_is_required_where_its_absence_is_refused() {
    let document = document();
    for route in routes::all() {
        let Serves::Tenant(endpoint) = &route.serves else {
            continue;
        };
        for (_, path) in route.paths() {
            for method in route.methods {
                let operation = &document["paths"][&path][method.as_str().to_lowercase()];
                let content = &operation["requestBody"]["content"];
                let form = &content["application/x-www-form-urlencoded"]["schema"]["required"];
                let form = form.as_array().cloned().unwrap_or_default();
                let described: Vec<(String, bool)> = parameters(operation)
                    .iter()
                    .filter(|parameter| parameter["in"] != "path")
                    .map(|parameter| {
                        let required =
                            parameter["required"] == true || form.contains(&parameter["name"]);
                        (parameter["name"].as_str().unwrap().to_owned(), required)
                    })
                    .collect();
                let mut described: BTreeSet<(String, bool)> = described.into_iter().collect();
                for parameter in endpoint.parameters {
                    let required = parameter.absent == Absent::Refused;
                    let known = described.remove(&(parameter.name.to_owned(), required));
                    assert!(known, "{method} {path}: {}", parameter.name);
                }
                assert_eq!(described, BTreeSet::new(), "{method} {path}");
            }
        }
    }
}

#[test]
fn only_what_is_open_to_everybody_needs_no_token() {
    let document = document();
    let open: Vec<String> = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| operation["security"] == serde_json::json!([]))
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    insta::assert_snapshot!(open.join("\n"), @r"
    GET /explore
    HEAD /explore
    GET /explore/
    HEAD /explore/
    GET /explore/assets/{file}
    HEAD /explore/assets/{file}
    GET /explore/config.json
    HEAD /explore/config.json
    GET /health
    HEAD /health
    GET /livez
    HEAD /livez
    GET /openapi.json
    HEAD /openapi.json
    GET /readyz
    HEAD /readyz
    ");
    for (method, path, operation) in operations(&document) {
        let refused = operation["responses"].get("401").is_some();
        assert_eq!(
            refused,
            !open.contains(&format!("{method} {path}")),
            "{method} {path}"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| walk(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    walk(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

/// The routes by which data come in, and which are answered with nothing.
const WRITES: [&str; 4] = ["loki_push", "remote_write", "otlp_logs", "otlp_metrics"];

#[test]
fn every_answer_has_a_shape_but_for_limits_that_are_the_backends_own() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        if path.ends_with("/tail") {
            // A WebSocket, or events: their messages have a shape, and the answer has none.
            continue;
        }
        if operation["operationId"]
            .as_str()
            .is_some_and(|id| WRITES.iter().any(|write| id.ends_with(write)))
        {
            assert_eq!(operation["responses"]["204"]["content"], Value::Null);
            continue;
        }
        // A page for people: what it consists of is its own affair.
        if path.starts_with("/explore") {
            continue;
        }
        // A removal is answered with nothing.
        if method == "DELETE" {
            assert_eq!(operation["responses"]["204"]["content"], Value::Null);
            continue;
        }
        let made = &operation["responses"]["201"];
        let answer = if made.is_null() {
            &operation["responses"]["200"]
        } else {
            made
        };
        let schema = &answer["content"]["application/json"]["schema"];
        let shapeless = schema["$ref"] == "#/components/schemas/Object";
        let limits = path.ends_with("/drilldown-limits");
        assert_eq!(
            shapeless, limits,
            "{method} {path}: add its shape in answer.rs"
        );
        assert_eq!(schema.is_null(), method == "HEAD", "{method} {path}");
    }
}

/// What each operation can answer: a reviewed list, one line for each kind of operation.
#[test]
fn what_an_operation_can_answer() {
    let document = document();
    let mut lines: Vec<(String, usize)> = Vec::new();
    for (_, _, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let line: Vec<&str> = responses.keys().map(String::as_str).collect();
        let line = line.join(" ");
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, times)) => *times += 1,
            None => lines.push((line, 1)),
        }
    }
    lines.sort();
    let lines = lines
        .iter()
        .map(|(line, times)| format!("{times} × {line}"));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    2 × 101 400 401 403 404 414 422 426 429 431 500 501 502 503 504
    4 × 200 204 400 401 403 404 408 413 414 415 422 429 431 500 501 502 503 504
    3 × 200 304 400 401 403 404 412 414 429 431 500 503
    2 × 200 304 400 414 431
    6 × 200 400 401 403 404 408 409 412 413 414 415 422 429 431 500 501 503
    40 × 200 400 401 403 404 408 413 414 415 422 429 431 500 501 502 503 504
    10 × 200 400 401 403 404 408 413 414 415 429 431 500 503
    48 × 200 400 401 403 404 414 422 429 431 500 501 502 503 504
    1 × 200 400 401 403 404 414 429 431 500 501 502 503 504
    2 × 200 400 401 403 404 414 429 431 500 502 503 504
    19 × 200 400 401 403 404 414 429 431 500 503
    1 × 200 400 401 404 414 429 431 500 503
    6 × 200 400 401 414 429 431 500 503
    6 × 200 400 404 414 431
    2 × 200 400 414 431
    4 × 200 400 414 431 503
    5 × 201 400 401 403 404 408 409 413 414 415 422 429 431 500 501 503
    1 × 201 400 401 403 408 409 413 414 415 422 429 431 500 501 503
    6 × 204 400 401 403 404 409 412 414 422 429 431 500 501 503
    2 × 308 400 404 414 431
    ");
}
