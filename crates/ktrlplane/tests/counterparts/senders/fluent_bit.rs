//! What the output `loki` of Fluent Bit 5.1 sends, which no package registry has: a stream for each
//! record once it has structured metadata, all with the same labels, and `\u` escapes.

use serde_json::{Value, json};

use super::stored::{backends, lines, read, run};
use crate::http::post;
use crate::world::{PROJECT, RESOURCE, World};

/// Records of one chunk.
const RECORDS: u16 = 500;

/// The body, in Fluent Bit's way of writing: no space, and what is not ASCII escaped in the line.
fn body(run: &str) -> String {
    let now = jiff::Timestamp::now().as_nanosecond();
    let stream = |number: u16| {
        let time = now + i128::from(number);
        let line = format!(
            r#"{{\"message\":\"zw\\u00f6lf \\\"of\\\" them\",\"number\":{number},\"resource_id\":\"shop-db\"}}"#
        );
        format!(
            r#"{{"stream":{{"app":"shop","run":"{run}","resource_id":"shop-db"}},"values":[["{time}","{line}",{{"pod":"p-1","n":"{number}"}}]]}}"#
        )
    };
    let streams: Vec<String> = (0..RECORDS).map(stream).collect();
    format!(r#"{{"streams":[{}]}}"#, streams.join(","))
}

#[test]
fn a_chunk_of_fluent_bit_is_stored_record_for_record() {
    for backend in backends() {
        let Some(mut world) = World::new() else {
            return;
        };
        let gateway = world.gateway(Some(&backend), None);
        let (alice, victor) = (world.issuer.token("alice"), world.issuer.token("victor"));
        let url = format!(
            "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/loki/api/v1/push",
            gateway.url
        );
        let run = run();
        let headers = [
            ("user-agent", "Fluent-Bit"),
            ("authorization", &format!("Bearer {alice}")),
        ];
        post(&url, "application/json", &headers, body(&run)).expect(204);

        let streams = read(
            &gateway,
            &format!("{{run=\"{run}\"}}"),
            usize::from(RECORDS),
            &victor,
        );
        for stream in &streams {
            let labels = &stream["stream"];
            assert_eq!(labels["resource_id"], RESOURCE, "{stream}");
            assert_eq!(labels["pod"], "p-1", "{stream}");
        }
        let mut numbers: Vec<Value> = Vec::new();
        for line in lines(&streams) {
            assert_eq!(line["message"], "zwölf \"of\" them");
            numbers.push(line["number"].clone());
        }
        numbers.sort_by_key(Value::as_u64);
        let wanted: Vec<Value> = (0..RECORDS).map(|number| json!(number)).collect();
        assert_eq!(numbers, wanted);
    }
}
