//! What Grafana sends, replayed: each request is answered, and with nothing of anybody else.
//!
//! The requests in `tests/data/grafana-requests.jsonl` are those of the Loki and Prometheus data
//! sources and of the two Drilldown apps, as their source says that they are sent.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::harness::{Request, ask, demo, last_hour, token};

const REQUESTS: &str = include_str!("../../../../tests/data/grafana-requests.jsonl");

/// One request, below the URL that a data source is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    name: String,
    /// The kind of data source.
    source: Source,
    method: String,
    path: String,
    /// In the URL of a GET and the form of a POST. `{start_ns}` and the like stand for times.
    parameters: Vec<(String, String)>,
    /// In the URL of a POST.
    #[serde(default)]
    url: Vec<(String, String)>,
    /// The header `X-Query-Tags`.
    tags: Option<String>,
    /// The status, 200 if none is named.
    #[serde(default = "ok")]
    status: u16,
    /// Why the gateway refuses it.
    refused: Option<String>,
    /// What the answer has in it, at every scope.
    shows: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Loki,
    Prometheus,
}

fn ok() -> u16 {
    200
}

impl Recorded {
    /// The path with its query, and the form.
    fn request(&self, mount: &str, end: Timestamp) -> (String, String) {
        let below = match self.source {
            Source::Loki => "",
            Source::Prometheus => "/prometheus",
        };
        let encode = |pairs: &[(String, String)]| {
            let pairs = pairs.iter().map(|(name, value)| (name, timed(value, end)));
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish()
        };
        let (in_url, form) = if self.method == "POST" {
            (encode(&self.url), encode(&self.parameters))
        } else {
            (encode(&self.parameters), String::new())
        };
        (format!("{mount}{below}{}?{in_url}", self.path), form)
    }
}

/// A value with its times filled in: the last half hour.
fn timed(value: &str, end: Timestamp) -> String {
    let start = end - jiff::SignedDuration::from_mins(30);
    let milliseconds = end.as_millisecond();
    value
        .replace("{start_ns}", &start.as_nanosecond().to_string())
        .replace("{end_ns}", &end.as_nanosecond().to_string())
        .replace("{start_iso}", &format!("{start:.3}"))
        .replace("{end_iso}", &format!("{end:.3}"))
        .replace("{start_s}", &start.as_second().to_string())
        .replace("{end_s}", &end.as_second().to_string())
        .replace(
            "{end_ms}",
            &format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000),
        )
}

fn recorded() -> Vec<Recorded> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    REQUESTS.lines().map(parse).collect()
}

/// What is the neighbour's in the same tenant: its names, and words of its lines alone.
const OF_SHOP_DB: &[&str] = &["shop-db", "/transaction", "deadlock", "could not serialize"];
/// What is in other tenants.
const OF_OTHERS: &[&str] = &["lab-flow", "acme-lab", "iot-graph", "globex"];

/// Asks for everything as `user`, and gives each answer with its request.
fn replay(told: &Value, user: &str, mount: &str) -> Vec<(Recorded, String)> {
    let url = told["url"].as_str().unwrap();
    let end = Timestamp::now();
    let mut answers = Vec::new();
    for recorded in recorded() {
        let name = &recorded.name;
        let (path, form) = recorded.request(mount, end);
        let answer = ask(
            url,
            &Request {
                method: &recorded.method,
                path: &path,
                token: Some(token(told, user)),
                form: &form,
                headers: &recorded
                    .tags
                    .iter()
                    .map(|tags| ("x-query-tags", tags.as_str()))
                    .collect::<Vec<_>>(),
            },
        );
        let (status, body) = (answer.0, answer.1.to_string());
        assert_eq!(status, recorded.status, "{name}: {path} {form}: {body}");
        assert_eq!(status != 200, recorded.refused.is_some(), "{name}");
        if let Some(shows) = &recorded.shows {
            assert!(body.contains(shows), "{name}: {path} {form}: {body:.300}");
        }
        answers.push((recorded, body));
    }
    answers
}

#[track_caller]
fn assert_without(answers: &[(Recorded, String)], words: &[&str]) {
    for (recorded, body) in answers {
        for word in words {
            assert!(
                !body.contains(word),
                "{} shows {word}: {body:.500}",
                recorded.name
            );
        }
    }
}

#[test]
fn grafana_gets_everything_of_the_resource_and_nothing_else() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let resource = replay(
        &told,
        "victor",
        "/api/v1/projects/acme-shop/resources/shop-api",
    );
    assert_without(&resource, OF_SHOP_DB);
    assert_without(&resource, OF_OTHERS);
    // A project's readers see its other resource too, and so would the resource's without scoping.
    let project = replay(&told, "victor", "/api/v1/projects/acme-shop");
    assert_without(&project, OF_OTHERS);
    // What does not differ is the same for both resources: names of metrics and labels, versions.
    let differs = |(of_project, of_resource): &(&(Recorded, String), &(Recorded, String))| {
        of_project.1 != of_resource.1
    };
    let differing = project.iter().zip(&resource).filter(differs).count();
    assert!(differing > 50, "only {differing} answers differ");
    let sees_more = |(recorded, body): &&(Recorded, String)| {
        recorded.status == 200 && OF_SHOP_DB.iter().any(|word| body.contains(word))
    };
    let telling = project.iter().filter(sees_more).count();
    assert!(
        telling > 30,
        "only {telling} requests tell the scopes apart"
    );
}

/// The one whose role is in another organization gets the same 403 for all of it.
#[test]
fn a_stranger_gets_nothing_by_grafana_s_requests() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    for recorded in recorded() {
        for mount in [
            "/api/v1/projects/acme-shop/resources/shop-api",
            "/api/v1/projects/acme-shop",
        ] {
            for (user, status) in [(Some("gina"), 403), (None, 401)] {
                let (path, form) = recorded.request(mount, Timestamp::now());
                let (got, body) = ask(
                    url,
                    &Request {
                        method: &recorded.method,
                        path: &path,
                        token: user.map(|user| token(&told, user)),
                        form: &form,
                        headers: &[],
                    },
                );
                let status = if recorded.refused.is_some() {
                    404
                } else {
                    status
                };
                assert_eq!(got, status, "{}: {body}", recorded.name);
            }
        }
    }
}

/// Grafana shows the fields of a line by where they come from, and asks for that by a header.
#[test]
fn labels_come_by_category_to_who_asks_for_that() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let query = r#"{resource_id="shop-api"} | json | __error__="""#;
    let parameters = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(last_hour(query))
        .finish();
    for mount in [
        "/api/v1/projects/acme-shop/resources/shop-api",
        "/api/v1/projects/acme-shop",
    ] {
        let path = format!("{mount}/loki/api/v1/query_range?{parameters}");
        let by_category = |headers| {
            let request = Request {
                method: "GET",
                path: &path,
                token: Some(token(&told, "victor")),
                form: "",
                headers,
            };
            let (status, body) = ask(told["url"].as_str().unwrap(), &request);
            assert_eq!(status, 200, "{body}");
            body["data"].clone()
        };

        let plain = by_category(&[]);
        assert_eq!(plain["encodingFlags"], Value::Null);
        assert_eq!(plain["result"][0]["values"][0].as_array().unwrap().len(), 2);

        let data = by_category(&[("x-loki-response-encoding-flags", "categorize-labels")]);
        assert_eq!(data["encodingFlags"], json!(["categorize-labels"]));
        let streams = data["result"].as_array().unwrap();
        assert!(!streams.is_empty());
        for stream in streams {
            assert_eq!(stream["stream"]["resource_id"], "shop-api");
            assert_eq!(stream["stream"].get("trace_id"), None);
            for entry in stream["values"].as_array().unwrap() {
                assert!(entry[2]["structuredMetadata"]["trace_id"].is_string());
                assert!(!entry[2]["parsed"].as_object().unwrap().is_empty());
            }
        }
    }
}
