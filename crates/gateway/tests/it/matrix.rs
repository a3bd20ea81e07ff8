//! Invariant 5: the route table is walked, and every row has its cases.

use std::fmt::Write;

use gateway::directory::policy::Action;
use gateway::routes::{self, Answer, Endpoint, Mount, Serves};
use http::Method;

use crate::harness::{RANGE, World, encoded};

/// An empty batch, in snappy.
const NOTHING: &str = "\0";

/// A row that serves tenants' data, at one of its paths.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) mount: Mount,
    pub(crate) pattern: String,
    pub(crate) methods: &'static [Method],
    pub(crate) endpoint: Endpoint,
}

impl Row {
    pub(crate) fn path(&self, project: &str, resource: &str) -> String {
        self.pattern
            .replace("{projectId}", project)
            .replace("{resourceId}", resource)
            .replace("{name}", "app")
    }

    /// The status of what is answered.
    fn answered(&self) -> u16 {
        match self.endpoint.answer {
            Answer::Tail(routes::Reader::Socket, _) => 101,
            Answer::Tail(routes::Reader::Events, _)
            | Answer::Forwarded(_)
            | Answer::Ingested(..)
            | Answer::Local(_)
            | Answer::Filtered(..) => 200,
        }
    }

    /// How many requests reach a backend for one that is answered.
    fn forwarded(&self) -> usize {
        match (self.endpoint.answer, self.mount) {
            (Answer::Forwarded(_) | Answer::Ingested(..) | Answer::Tail(..), _)
            | (Answer::Filtered(..), Mount::Project) => 1 + usize::from(self.name == "otlp_logs"),
            (Answer::Local(_), _) => 0,
            (Answer::Filtered(routes::Filter::Metadata, _), _) => 2,
            (Answer::Filtered(..), _) => 1,
        }
    }
}

/// Parameters with which the route answers. A new row fails here until it has some.
pub(crate) fn good_parameters(route: &str) -> String {
    match route {
        "metrics_query_range" | "prometheus_query_range" => format!("query=up&{RANGE}"),
        "prometheus_query"
        | "prometheus_query_exemplars"
        | "prometheus_format_query"
        | "prometheus_parse_query"
        | "metrics_scope" => "query=up".to_owned(),
        "loki_query" | "loki_query_range" | "loki_format_query" | "loki_tail" => {
            format!("query={}", encoded(r#"{app="x"}"#))
        }
        "logs"
        | "logs_scope"
        | "logs_tail"
        | "loki_labels"
        | "loki_label"
        | "loki_label_values"
        | "loki_series"
        | "loki_index_stats"
        | "loki_index_volume"
        | "loki_index_volume_range"
        | "loki_index_shards"
        | "loki_detected_labels"
        | "loki_detected_fields"
        | "loki_detected_field_values"
        | "loki_patterns"
        | "loki_drilldown_limits"
        | "loki_buildinfo"
        | "prometheus_series"
        | "prometheus_labels"
        | "prometheus_label_values"
        | "prometheus_metadata"
        | "prometheus_rules"
        | "prometheus_alerts"
        | "prometheus_buildinfo" => String::new(),
        "loki_push" => {
            r#"{"streams": [{"stream": {"app": "x"}, "values": [["1", "line"]]}]}"#.to_owned()
        }
        "remote_write" => NOTHING.to_owned(),
        "otlp_logs" => r#"{"resourceLogs": []}"#.to_owned(),
        "otlp_metrics" => r#"{"resourceMetrics": []}"#.to_owned(),
        _ => panic!("the route {route} has no cases: add parameters with which it answers 200"),
    }
}

/// Every path that serves tenants' data.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for route in routes::all() {
        match &route.serves {
            Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Management(_) => {}
            Serves::Tenant(endpoint) => rows.extend(route.paths().map(|(mount, pattern)| Row {
                name: route.name,
                mount,
                pattern,
                methods: route.methods,
                endpoint: *endpoint,
            })),
        }
    }
    rows
}

/// The status of the answer to `subject`, or to nobody, by this method. Every request asks for a
/// WebSocket, which only a row of a tail may give; a tail is left as soon as it is there.
pub(crate) async fn ask(
    world: &World,
    method: &Method,
    path: &str,
    form: &str,
    subject: &str,
) -> u16 {
    let ask = if form == NOTHING {
        world
            .ask(path)
            .post("application/x-protobuf", form.to_owned())
    } else if form.starts_with('{') {
        world.ask(path).post("application/json", form.to_owned())
    } else if *method == Method::POST {
        world.ask_tail(path).form(form)
    } else {
        world.ask_tail(&format!("{path}?{form}"))
    };
    let ask = match subject {
        "" => ask,
        subject => ask.token(&world.token(subject)),
    };
    ask.status().await.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_serves_data_without_token_permission_and_project() {
    let world = World::new().await;
    // Fits what is sifted, and anything else may be what it likes.
    for backend in [&world.loki, &world.mimir] {
        backend.answers(crate::harness::backend::any_list);
    }
    for row in rows() {
        let parameters = good_parameters(row.name);
        for method in row.methods {
            let name = format!("{method} {}", row.pattern);
            let own = row.path("acme-shop", "shop-api");
            let asked = async |path: &str, subject: &str| {
                ask(&world, method, path, &parameters, subject).await
            };
            assert_eq!(asked(&own, "").await, 401, "{name}");
            assert_eq!(asked(&own, "mallory").await, 403, "{name}");
            let other_project = row.path("globex-iot", "iot-graph");
            assert_eq!(asked(&other_project, "erin").await, 403, "{name}");
            if row.mount == Mount::Resource {
                let crossed = row.path("acme-shop", "iot-graph");
                assert_eq!(asked(&crossed, "erin").await, 404, "{name}");
            }
            assert_eq!(world.forwarded(), 0, "{name}");
            if row.endpoint.action == Action::Write {
                assert_eq!(asked(&own, "victor").await, 403, "{name}");
                assert_eq!(world.forwarded(), 0, "{name}");
            }
            assert_eq!(asked(&own, "erin").await, row.answered(), "{name}");
            assert_eq!(world.forwarded(), row.forwarded(), "{name}");
            for backend in [&world.loki, &world.mimir] {
                backend.forget();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_answers_a_method_that_is_not_its_own() {
    let world = World::new().await;
    for row in rows() {
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::HEAD,
            Method::OPTIONS,
        ] {
            if !row.methods.contains(&method) {
                let path = row.path("acme-shop", "shop-api");
                let token = world.token("victor");
                let answer = world.ask(&path).method(method.clone()).token(&token);
                assert_eq!(answer.send().await.status, 405, "{method} {path}");
            }
        }
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_must_be_there_is_missed_by_name() {
    let world = World::new().await;
    for row in rows() {
        for method in row.methods {
            let path = row.path("acme-shop", "shop-api");
            let needs = row.endpoint.parameters.iter();
            let needs = needs.filter(|parameter| parameter.absent == routes::Absent::Refused);
            for needed in needs {
                let others: Vec<String> = good_parameters(row.name)
                    .split('&')
                    .filter(|pair| !pair.starts_with(&format!("{}=", needed.name)))
                    .map(str::to_owned)
                    .collect();
                let form = others.join("&");
                let status = ask(&world, method, &path, &form, "victor").await;
                assert_eq!(status, 400, "{method} {path} without {}", needed.name);
            }
        }
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what() {
    let world = World::new().await;
    for backend in [&world.loki, &world.mimir] {
        backend.answers(crate::harness::backend::any_list);
    }
    // Rows of which everybody gets the same are one line.
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows() {
        let action: Action = row.endpoint.action;
        let mut line = format!("({action})");
        for subject in ["alice", "erin", "victor", "gina", "mallory"] {
            write!(line, " {subject}").unwrap();
            for (project, resource) in [
                ("acme-shop", "shop-api"),
                ("acme-lab", "lab-flow"),
                ("globex-iot", "iot-graph"),
            ] {
                let path = row.path(project, resource);
                let parameters = good_parameters(row.name);
                let status = ask(&world, &row.methods[0], &path, &parameters, subject).await;
                write!(line, " {status}").unwrap();
            }
        }
        let name = format!("{:?} {}", row.mount, row.name);
        match lines.iter_mut().find(|(known, _)| *known == line) {
            Some((_, names)) => names.push(name),
            None => lines.push((line, vec![name])),
        }
    }
    let mut matrix = String::new();
    for (line, names) in &lines {
        writeln!(matrix, "{line}\n  {}", names.join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(matrix);
}

/// Routes without a token are a list that is reviewed, here.
#[test]
fn what_is_open_to_everybody() {
    let open: Vec<&str> = routes::all()
        .filter(|route| !matches!(route.serves, Serves::Tenant(_) | Serves::Management(_)))
        .map(|route| route.path)
        .collect();
    assert_eq!(
        open,
        [
            "/health",
            "/livez",
            "/readyz",
            "/openapi.json",
            "/explore",
            "/explore/",
            "/explore/config.json",
            "/explore/assets/{file}",
        ]
    );
}
