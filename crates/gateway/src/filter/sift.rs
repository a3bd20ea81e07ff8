//! What of an answer is the resource's: from text to text.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pieces::{Text, copy, each_field, each_item, field, separate, write_fields, write_name};
use crate::scope::RESOURCE_LABEL;

/// An answer that says that it is one.
#[derive(Deserialize)]
struct Success<'a, T> {
    #[serde(borrow)]
    status: Text<'a>,
    data: T,
}

/// The data of an answer, whatever they are.
pub(super) fn data(answer: &[u8]) -> Option<&RawValue> {
    let answer: Success<'_, &RawValue> = serde_json::from_slice(answer).ok()?;
    (answer.status.0 == "success").then_some(answer.data)
}

/// The names of metrics, in their order.
pub(super) struct Names<'a>(Vec<Text<'a>>);

impl<'a> Names<'a> {
    /// The names in an answer.
    pub(super) fn read(answer: &'a [u8]) -> Option<Self> {
        let mut names = Vec::new();
        each_item(data(answer)?, |name| {
            names.push(Text::of(name)?);
            Some(())
        })?;
        names.sort_unstable();
        Some(Self(names))
    }

    fn contain(&self, metric: &str) -> bool {
        let found = self.0.binary_search_by(|name| name.0.as_ref().cmp(metric));
        found.is_ok()
    }

    /// Whether a metric has a series among the names: one of its own name, or one of those that its
    /// type is made of.
    fn have_series_of(&self, metric: &str, entries: &RawValue) -> bool {
        if self.contain(metric) {
            return true;
        }
        let mut found = false;
        let seen = each_item(entries, |entry| {
            let kind = field(entry, "type").and_then(Text::of);
            let suffixes = kind.map_or(&[][..], |kind| made_of(&kind.0));
            let mut series = suffixes.iter().map(|suffix| format!("{metric}{suffix}"));
            found |= series.any(|name| self.contain(&name));
            Some(())
        });
        found && seen.is_some()
    }
}

/// The suffixes of the series that a metric of this type is made of.
fn made_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "histogram" | "gaugehistogram" => &["_bucket", "_count", "_sum", "_gcount", "_gsum"],
        "summary" => &["_count", "_sum"],
        "counter" => &["_total"],
        "info" => &["_info"],
        _ => &[],
    }
}

/// Appends the metadata of metrics of which the resource has a series; of at most `limit` metrics, 0
/// for all.
pub(super) fn metadata(out: &mut Vec<u8>, data: &RawValue, names: &Names<'_>, limit: usize) {
    let mut left = if limit == 0 { usize::MAX } else { limit };
    out.push(b'{');
    let start = out.len();
    let written = each_field(data, |metric, entries| {
        if left > 0 && names.have_series_of(&metric.0, entries) {
            left -= 1;
            separate(out, start);
            write_name(out, &metric)?;
            copy(out, entries);
        }
        Some(())
    });
    close(out, start, written, b'}');
}

/// Appends the groups with the rules that carry the resource's label, and of these the alerts that do.
pub(super) fn rules(out: &mut Vec<u8>, data: &RawValue, resource: &str) {
    list_of(out, data, "groups", |out, group| {
        let mut is_kept = false;
        write_fields(out, group, |out, name, value| {
            if name == "rules" {
                is_kept |= labelled(out, value, resource, |out, rule| {
                    write_fields(out, rule, |out, name, value| {
                        if name == "alerts" {
                            labelled(out, value, resource, copied);
                        } else {
                            copy(out, value);
                        }
                    })
                });
            } else {
                copy(out, value);
            }
        })?;
        is_kept.then_some(())
    });
}

/// Appends the alerts that carry the resource's label.
pub(super) fn alerts(out: &mut Vec<u8>, data: &RawValue, resource: &str) {
    list_of(out, data, "alerts", |out, alert| {
        is_labelled(alert, resource).then_some(())?;
        copied(out, alert)
    });
}

/// Appends an item as it is.
#[allow(
    clippy::unnecessary_wraps,
    reason = "other items may turn out to be none"
)]
fn copied(out: &mut Vec<u8>, item: &RawValue) -> Option<()> {
    copy(out, item);
    Some(())
}

/// Appends an object with this list alone, of the items of the same list that `item` writes.
fn list_of<'a>(
    out: &mut Vec<u8>,
    data: &'a RawValue,
    name: &'static str,
    item: impl FnMut(&mut Vec<u8>, &'a RawValue) -> Option<()>,
) {
    out.extend_from_slice(format!("{{\"{name}\":").as_bytes());
    match field(data, name) {
        Some(items) => {
            list(out, items, item);
        }
        None => out.extend_from_slice(b"[]"),
    }
    out.push(b'}');
}

/// Appends the items that carry the resource's label, as `item` writes them. Answers whether there is
/// one.
fn labelled<'a>(
    out: &mut Vec<u8>,
    items: &'a RawValue,
    resource: &str,
    mut item: impl FnMut(&mut Vec<u8>, &'a RawValue) -> Option<()>,
) -> bool {
    list(out, items, |out, one| {
        is_labelled(one, resource).then_some(())?;
        item(out, one)
    })
}

/// Appends a list of the items that `item` writes; of the others nothing stays. Answers whether there
/// is one.
fn list<'a>(
    out: &mut Vec<u8>,
    items: &'a RawValue,
    mut item: impl FnMut(&mut Vec<u8>, &'a RawValue) -> Option<()>,
) -> bool {
    out.push(b'[');
    let start = out.len();
    let written = each_item(items, |one| {
        let before = out.len();
        separate(out, start);
        if item(out, one).is_none() {
            out.truncate(before);
        }
        Some(())
    });
    close(out, start, written, b']')
}

/// Ends what began at `start`, of which nothing stays where it could not be written. Answers whether
/// something is in it.
fn close(out: &mut Vec<u8>, start: usize, written: Option<()>, end: u8) -> bool {
    if written.is_none() {
        out.truncate(start);
    }
    let is_some = out.len() > start;
    out.push(end);
    is_some
}

/// Whether an object carries the resource's label.
fn is_labelled(item: &RawValue, resource: &str) -> bool {
    let labels = field(item, "labels");
    let label = labels.and_then(|labels| field(labels, RESOURCE_LABEL));
    let value = label.and_then(Text::of);
    value.is_some_and(|value| value.0 == resource)
}

#[cfg(test)]
mod tests {
    use serde_json::value::to_raw_value;
    use serde_json::{Value, json};

    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn metadata_of(data: &Value, names: &[&str], limit: usize) -> String {
        let answer = json!({ "status": "success", "data": names }).to_string();
        let names = Names::read(answer.as_bytes()).unwrap();
        let data = to_raw_value(data).unwrap();
        written(|out| metadata(out, &data, &names, limit))
    }

    fn rules_of(data: &Value) -> Value {
        let data = to_raw_value(data).unwrap();
        serde_json::from_str(&written(|out| rules(out, &data, "r1"))).unwrap()
    }

    fn alerts_of(data: &str) -> String {
        written(|out| alerts(out, raw(data), "r1"))
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
        let has = ["x_bucket", "up", "took_bucket"];
        let kept = |limit| -> Vec<String> {
            let kept: Value = serde_json::from_str(&metadata_of(&data, &has, limit)).unwrap();
            kept.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(kept(0), ["up", "took"]);
        assert_eq!(kept(1), ["up"]);
        assert_eq!(metadata_of(&data, &[], 0), "{}");
        for strange in [json!(null), json!(["up"]), json!("up")] {
            assert_eq!(metadata_of(&strange, &has, 0), "{}");
        }
        // Names with escapes are the same names.
        let names = Names::read(br#"{"status":"success","data":["u\u0070"]}"#).unwrap();
        let kept = written(|out| metadata(out, raw(r#"{"up": [1.50], "q": []}"#), &names, 0));
        assert_eq!(kept, r#"{"up":[1.50]}"#);
    }

    #[test]
    fn only_rules_and_alerts_with_the_label_are_kept() {
        let alert = |id: &str| json!({ "labels": { "resource_id": id }, "state": "firing" });
        let data = json!({ "groups": [
            { "name": "mixed", "rules": [
                { "name": "a", "labels": { "resource_id": "r1" }, "alerts": [alert("r1"), alert("r2")] },
                { "name": "b", "labels": { "resource_id": "r2" }, "alerts": [alert("r1")] },
                { "name": "c", "labels": { "resource_id": ["r1"] } },
                { "name": "d" },
                { "name": "e", "labels": { "resource_id": "r1" }, "alerts": null },
            ], "interval": 60 },
            { "name": "others", "rules": [{ "name": "f", "labels": {} }] },
            { "name": "none" },
            "no group",
        ] });
        assert_eq!(
            rules_of(&data),
            json!({ "groups": [{ "name": "mixed", "rules": [
                { "name": "a", "labels": { "resource_id": "r1" }, "alerts": [alert("r1")] },
                { "name": "e", "labels": { "resource_id": "r1" }, "alerts": [] },
            ], "interval": 60 }] })
        );
        for strange in [json!(null), json!([]), json!({ "groups": {} })] {
            assert_eq!(rules_of(&strange), json!({ "groups": [] }));
        }
        let list = r#"{ "alerts": [{"labels":{"resource_id":"r11"}}, {"labels":{"resource_id":"r1"},"at":1e3}] }"#;
        assert_eq!(
            alerts_of(list),
            r#"{"alerts":[{"labels":{"resource_id":"r1"},"at":1e3}]}"#
        );
    }

    /// Of a name that is there twice one reader takes the first and another the last, so it is taken
    /// for neither.
    #[test]
    fn what_could_be_read_as_anothers_is_left_out() {
        for item in [
            r#"{"labels":{"resource_id":"r2"},"labels":{"resource_id":"r1"}}"#,
            r#"{"labels":{"resource_id":"r1"},"labels":{"resource_id":"r2"}}"#,
            r#"{"labels":{"resource_id":"r1","resource_id":"r2"}}"#,
            r#"{"labels":{"resource_id":"r1","resource_\u0069d":"r2"}}"#,
            r#"{"labels":[["resource_id","r1"]]}"#,
            r#"{"labels":"r1"}"#,
            r#"["labels"]"#,
        ] {
            let list = format!(r#"{{"alerts":[{item}]}}"#);
            assert_eq!(alerts_of(&list), r#"{"alerts":[]}"#, "{item}");
        }
        let twice = r#"{"alerts":[],"alerts":[{"labels":{"resource_id":"r1"}}]}"#;
        assert_eq!(alerts_of(twice), r#"{"alerts":[]}"#);
        // All lists of rules are sifted, however many there are.
        let group = r#"{"groups":[{"rules":[{"labels":{"resource_id":"r1"}}],"rules":[{"labels":{"resource_id":"r2"}}]}]}"#;
        assert!(!written(|out| rules(out, raw(group), "r1")).contains("r2"));
    }

    #[test]
    fn what_is_no_answer_has_no_data() {
        assert!(data(br#"{"status":"success","data":null}"#).is_some());
        for answer in [
            &br#"{"status":"error","data":[]}"#[..],
            br#"{"status":"success"}"#,
            br#"{"status":"success","data":["cpu""#,
            br#"{"status":"success","data":[]}x"#,
            b"{\"status\":\"success\",\"data\":\"\xff\"}",
            b"[]",
            b"",
        ] {
            assert!(data(answer).is_none(), "{answer:?}");
        }
        for names in ["{}", "[1]", "null", r#"["\ud800"]"#] {
            let answer = format!(r#"{{"status":"success","data":{names}}}"#);
            assert!(Names::read(answer.as_bytes()).is_none(), "{names}");
        }
    }
}
