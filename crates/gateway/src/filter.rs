//! What cannot carry a label on its way to the backend, and so is sifted on its way back.

use std::collections::HashSet;

use bytes::Bytes;
use directory::policy::{Action, ResourceId};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::forward::Upstream;
use crate::routes::parameter::{Absent, Kind, Parameter};
use crate::routes::{Answer, Backend, Endpoint, Filter};
use crate::scope::{RESOURCE_LABEL, Request, Scoped};
use crate::stream::{self, Body};

/// Where the names of a resource's metrics are asked for.
pub(crate) const NAMES_PATH: &str = "/prometheus/api/v1/label/__name__/values";

/// How they are asked for: scoped as everything is.
pub(crate) const NAMES: Endpoint = Endpoint {
    action: Action::Read,
    backend: Backend::Mimir,
    parameters: &[
        named("match[]", Kind::VectorSelectors, Absent::Everything),
        named("start", Kind::Time, Absent::Omitted),
        named("end", Kind::Time, Absent::Omitted),
    ],
    answer: Answer::Forwarded(NAMES_PATH),
};

const fn named(name: &'static str, kind: Kind, absent: Absent) -> Parameter {
    Parameter {
        name,
        upstream: name,
        kind,
        absent,
    }
}

/// What a filter has to ask: its own request, and for metadata also that for the names of the
/// resource's metrics.
pub(crate) struct Asked {
    pub(crate) request: Scoped<Request>,
    pub(crate) names: Option<Scoped<Request>>,
}

/// Asks, and answers with what is the resource's.
pub(crate) async fn filter(
    filter: Filter,
    resource: &ResourceId,
    mut asked: Asked,
    upstream: &Upstream,
    request_id: &HeaderValue,
) -> Result<Response<Body>, Error> {
    // A limit holds for what is left, and so it stays here.
    let limit = asked.request.take("limit");
    let unusable = || Error::BadGateway(upstream.backend());
    let data = match upstream.collect(asked.request, request_id).await {
        Ok(bytes) => data_of(&bytes).ok_or_else(unusable)?,
        // A backend without rules is one with none.
        Err(Error::NotServed(_)) => Value::Null,
        Err(error) => return Err(error),
    };
    let kept = match filter {
        Filter::Metadata => {
            let names = asked.names.ok_or(Error::Internal)?;
            let names = upstream.collect(names, request_id).await?;
            let names: HashSet<String> = data_of(&names).ok_or_else(unusable)?;
            let limit = limit.and_then(|limit| limit.parse().ok()).unwrap_or(0);
            metadata(data, &names, limit)
        }
        Filter::Rules => rules(data, resource),
        Filter::Alerts => json!({ "alerts": labelled(data, "alerts", resource) }),
    };
    let answer = json!({ "status": "success", "data": kept });
    Ok(stream::json(StatusCode::OK, &answer))
}

/// The data of an answer that says that it is one.
fn data_of<T: serde::de::DeserializeOwned>(bytes: &Bytes) -> Option<T> {
    #[derive(serde::Deserialize)]
    struct Success<T> {
        status: String,
        data: T,
    }
    let answer: Success<T> = serde_json::from_slice(bytes).ok()?;
    (answer.status == "success").then_some(answer.data)
}

/// The metadata of metrics of which the resource has a series; at most `limit` metrics, 0 for all.
fn metadata(data: Value, names: &HashSet<String>, limit: usize) -> Value {
    let Value::Object(metrics) = data else {
        return json!({});
    };
    let limit = if limit == 0 { usize::MAX } else { limit };
    let kept: Map<String, Value> = metrics
        .into_iter()
        .filter(|(metric, entries)| has_series(metric, entries, names))
        .take(limit)
        .collect();
    Value::Object(kept)
}

/// Whether a metric has a series among `names`: one of its own name, or one of those that its type
/// is made of.
fn has_series(metric: &str, entries: &Value, names: &HashSet<String>) -> bool {
    let made_of = |kind: &str| -> &[&str] {
        match kind {
            "histogram" | "gaugehistogram" => &["_bucket", "_count", "_sum", "_gcount", "_gsum"],
            "summary" => &["_count", "_sum"],
            "counter" => &["_total"],
            "info" => &["_info"],
            _ => &[],
        }
    };
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    let kinds = entries.iter().filter_map(|entry| entry["type"].as_str());
    names.contains(metric)
        || kinds
            .flat_map(made_of)
            .any(|suffix| names.contains(&format!("{metric}{suffix}")))
}

/// The groups with the rules that carry the resource's label, and of these the alerts that do.
fn rules(mut data: Value, resource: &ResourceId) -> Value {
    let mut kept = Vec::new();
    if let Some(Value::Array(groups)) = data.get_mut("groups").map(Value::take) {
        for mut group in groups {
            let mut rules = labelled(group.take_field("rules"), "", resource);
            for rule in &mut rules {
                if let Some(alerts) = rule.get_mut("alerts") {
                    *alerts = labelled(alerts.take(), "", resource).into();
                }
            }
            if !rules.is_empty() {
                group["rules"] = rules.into();
                kept.push(group);
            }
        }
    }
    json!({ "groups": kept })
}

/// Of a list, or of the list in this field of an object, what carries the resource's label.
fn labelled(mut data: Value, field: &str, resource: &ResourceId) -> Vec<Value> {
    let list = if field.is_empty() {
        data
    } else {
        data.take_field(field)
    };
    let Value::Array(mut list) = list else {
        return Vec::new();
    };
    list.retain(|item| item["labels"][RESOURCE_LABEL] == resource.as_str());
    list
}

trait TakeField {
    /// The field of an object, which it leaves as null; null where there is none.
    fn take_field(&mut self, field: &str) -> Value;
}

impl TakeField for Value {
    fn take_field(&mut self, field: &str) -> Value {
        self.get_mut(field).map(Self::take).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn metadata_is_that_of_metrics_with_a_series() {
        let data = json!({
            "up": [{ "type": "gauge", "help": "", "unit": "" }],
            "down": [{ "type": "gauge", "help": "", "unit": "" }],
            "took": [{ "type": "histogram", "help": "", "unit": "" }],
            "size": [{ "type": "summary", "help": "", "unit": "" }],
            "x": [{ "type": "gauge", "help": "", "unit": "" }],
        });
        let has = names(&["up", "took_bucket", "x_bucket"]);
        let kept = metadata(data.clone(), &has, 0);
        let kept: Vec<&String> = kept.as_object().unwrap().keys().collect();
        assert_eq!(kept, ["up", "took"]);
        assert_eq!(
            metadata(data.clone(), &has, 1).as_object().unwrap().len(),
            1
        );
        assert_eq!(metadata(data, &names(&[]), 0), json!({}));
        assert_eq!(metadata(Value::Null, &has, 0), json!({}));
    }

    #[test]
    fn only_rules_and_alerts_with_the_label_are_kept() {
        let r1 = ResourceId::new("r1").unwrap();
        let alert = |id: &str| json!({ "labels": { "resource_id": id }, "state": "firing" });
        let data = json!({ "groups": [
            { "name": "mixed", "rules": [
                { "name": "a", "labels": { "resource_id": "r1" }, "alerts": [alert("r1"), alert("r2")] },
                { "name": "b", "labels": { "resource_id": "r2" }, "alerts": [alert("r1")] },
                { "name": "c", "labels": { "resource_id": ["r1"] } },
                { "name": "d" },
            ] },
            { "name": "others", "rules": [{ "name": "e", "labels": {} }] },
        ] });
        assert_eq!(
            rules(data, &r1),
            json!({ "groups": [{ "name": "mixed", "rules": [
                { "name": "a", "labels": { "resource_id": "r1" }, "alerts": [alert("r1")] },
            ] }] })
        );
        assert_eq!(rules(Value::Null, &r1), json!({ "groups": [] }));
        let data = json!({ "alerts": [alert("r1"), alert("r11"), alert("")] });
        assert_eq!(labelled(data, "alerts", &r1), [alert("r1")]);
    }
}
