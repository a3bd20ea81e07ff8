//! What is stamped, and what is refused.

use bytes::Bytes;
use jiff::Timestamp;

use super::proto::{self, PushRequest};
use super::*;
use crate::ingest::Limits;

const NOW: &str = "2026-03-01T12:00:00Z";
/// Ten seconds before, in nanoseconds.
const TIME: i64 = 1_772_366_390_000_000_000;

fn stamped(media: Media, body: impl Into<Bytes>) -> Result<(PushRequest, Counts), Refusal> {
    stamped_within(&Limits::default(), media, body)
}

fn stamped_within(
    limits: &Limits,
    media: Media,
    body: impl Into<Bytes>,
) -> Result<(PushRequest, Counts), Refusal> {
    let stamping = Stamping {
        resource: "r1",
        limits,
        now: NOW.parse::<Timestamp>().unwrap(),
    };
    let (bytes, counts) = stamp(media, &body.into(), &stamping)?;
    Ok((PushRequest::decode(&*bytes).unwrap(), counts))
}

fn json(streams: &str) -> String {
    format!(r#"{{"streams": [{streams}]}}"#)
}

fn stream(labels: &str) -> String {
    json(&format!(
        r#"{{"stream": {labels}, "values": [["{TIME}", "line"]]}}"#
    ))
}

fn entry(line: &'static [u8]) -> Entry {
    Entry {
        timestamp: Some(proto::Timestamp {
            seconds: TIME / 1_000_000_000,
            nanos: 5,
        }),
        line: Bytes::from_static(line),
        structured_metadata: Vec::new(),
    }
}

fn protobuf(labels: &str, entries: Vec<Entry>) -> Vec<u8> {
    let labels = labels.to_owned();
    PushRequest {
        streams: vec![Stream { labels, entries }],
    }
    .encode_to_vec()
}

#[test]
fn the_label_is_put_in_and_what_claims_to_be_it_is_replaced() {
    for (labels, stamped_labels, replaced) in [
        ("{}", r#"{resource_id="r1"}"#, 0),
        (r#"{"app": "x"}"#, r#"{app="x", resource_id="r1"}"#, 0),
        (
            r#"{"z": "\"}", "resource_id": "r2", "a": ""}"#,
            r#"{a="", resource_id="r1", z="\"}"}"#,
            1,
        ),
        (
            r#"{"resource_id": "r2", "resource_id": "r3"}"#,
            r#"{resource_id="r1"}"#,
            2,
        ),
        (r#"{"resource\u005fid": "r1"}"#, r#"{resource_id="r1"}"#, 1),
    ] {
        let (push, counts) = stamped(Media::Json, stream(labels)).unwrap();
        assert_eq!(push.streams[0].labels, stamped_labels);
        assert_eq!(
            (counts.replaced, counts.streams, counts.entries),
            (replaced, 1, 1)
        );
    }
    for (labels, stamped_labels, replaced) in [
        (r#"{app="x"}"#, r#"{app="x", resource_id="r1"}"#, 0),
        (
            r#"{ resource_id = "r2" ,app='x', resource_id=`r3` }"#,
            r#"{app="x", resource_id="r1"}"#,
            2,
        ),
    ] {
        let body = protobuf(labels, vec![entry(b"line")]);
        let (push, counts) = stamped(Media::Protobuf, body).unwrap();
        assert_eq!(push.streams[0].labels, stamped_labels);
        assert_eq!(counts.replaced, replaced);
    }
}

#[test]
fn lines_times_and_metadata_survive() {
    let body = json(&format!(
        r#"{{"stream": {{"app": "x"}}, "values": [
            ["{TIME}", "é \u0000 \"q\"\n", {{"trace_id": "1", "resource.id": "r2"}}],
            ["-1", ""]
        ]}}"#
    ));
    let (push, counts) = stamped(Media::Json, body).unwrap();
    let [first, second] = &push.streams[0].entries[..] else {
        panic!("two entries");
    };
    assert_eq!(first.line, "é \0 \"q\"\n");
    let metadata = &first.structured_metadata;
    assert_eq!((metadata.len(), &*metadata[0].name), (1, "trace_id"));
    assert_eq!(counts.replaced, 1);
    let time = |seconds, nanos| Some(proto::Timestamp { seconds, nanos });
    assert_eq!(first.timestamp, time(1_772_366_390, 0));
    assert_eq!(
        (second.timestamp, second.line.len()),
        (time(-1, 999_999_999), 0)
    );

    let mut whole = entry(b"no UTF-8: \xff");
    whole.structured_metadata.push(Label {
        name: "level".to_owned(),
        value: Bytes::from_static(b"\xfe"),
    });
    let (push, _) = stamped(Media::Protobuf, protobuf(r#"{a="b"}"#, vec![whole.clone()])).unwrap();
    assert_eq!(push.streams[0].entries, [whole]);
}

#[test]
fn a_refused_push_says_which_entry_and_why() {
    let limits = Limits {
        streams: 2,
        entries: 2,
        labels: 3,
        name: 11,
        value: 8,
        line: 8,
        max_age: Some(std::time::Duration::from_hours(1)),
        ..Limits::default()
    };
    let old = r#"{"stream": {"a": "b"}, "values": [["1", "line"]]}"#;
    let line = |values: &str| {
        json(&format!(
            r#"{{"stream": {{"a": "b"}}, "values": [{values}]}}"#
        ))
    };
    let new = TIME + 3_600_000_000_000;
    for (body, why) in [
        ("[]".to_owned(), "not understood"),
        (format!("{} {{}}", json("")), "behind the push"),
        (json("3"), "streams[0]"),
        (stream(r#"{"a": 1}"#), "streams[0].stream"),
        (stream(r#"{"a.b": "c"}"#), "\"a.b\""),
        (stream(r#"{"": "c"}"#), "without a name"),
        (stream(r#"{"a": "1", "a": "2"}"#), "duplicate label name a"),
        (
            stream(r#"{"a": "1", "b": "2", "c": "3"}"#),
            "4 label names; limit 3",
        ),
        (stream(r#"{"resource_ide": "1"}"#), "name that is too long"),
        (
            stream(r#"{"a": "123456789"}"#),
            "value that is too long for the label \"a\"",
        ),
        (
            line(&format!(r#"["{TIME}", "a"], ["{TIME}", "123456789"]"#)),
            "entry 1 of stream",
        ),
        (
            line(&format!(
                r#"["{TIME}", "a"], ["{TIME}", "b"], ["{TIME}", "c"]"#
            )),
            "more than 2 lines",
        ),
        (line(r#"["x", "a"]"#), "streams[0].values[0]"),
        (line(r#"["1.5", "a"]"#), "nanoseconds since 1970"),
        (line(r#"[1, "a"]"#), "streams[0].values[0]"),
        (line(&format!(r#"["{TIME}"]"#)), "streams[0].values[0]"),
        (
            line(&format!(r#"["{TIME}", "a", {{}}, {{}}]"#)),
            "streams[0].values[0]",
        ),
        (
            line(&format!(r#"["{TIME}", "a", {{"b": {{}}}}]"#)),
            "streams[0].values[0]",
        ),
        (
            line(&format!(r#"["{new}", "a"]"#)),
            "too new: 2026-03-01T12:59:50Z",
        ),
        (
            json(old),
            "entry 0 of stream \"{a=\\\"b\\\", resource_id=\\\"r1\\\"}\" has timestamp too old",
        ),
        (json(&[old; 3].join(",")), "3 streams"),
    ] {
        let refused = stamped_within(&limits, Media::Json, body.clone()).unwrap_err();
        let Refusal::Bad { sentence, .. } = refused else {
            panic!("{body}: {refused:?}");
        };
        assert!(sentence.contains(why), "{body}: {sentence}");
    }
    let internal = stamped(Media::Json, stream(r#"{"__pattern__": "x"}"#)).unwrap_err();
    assert!(internal.to_string().contains("Loki's own"));
}

#[test]
fn protobuf_that_is_not_understood_is_refused() {
    let timeless = Entry {
        timestamp: None,
        ..entry(b"x")
    };
    let mut odd = entry(b"x");
    odd.timestamp = Some(proto::Timestamp {
        seconds: 1,
        nanos: -1,
    });
    for body in [
        b"no protobuf".to_vec(),
        protobuf("", vec![]),
        protobuf(r#"{a="b"}, {resource_id="r2"}"#, vec![]),
        protobuf(r#"{a="b"}"#, vec![timeless]),
        protobuf(r#"{a="b"}"#, vec![odd]),
    ] {
        assert!(matches!(
            stamped(Media::Protobuf, body),
            Err(Refusal::Bad { .. })
        ));
    }
}

#[test]
fn stamping_twice_is_stamping_once() {
    let body = stream(r#"{"z": "1", "resource_id": "r2", "a": "b"}"#);
    let (once, _) = stamped(Media::Json, body).unwrap();
    let (twice, counts) = stamped(Media::Protobuf, once.encode_to_vec()).unwrap();
    assert_eq!(once, twice);
    assert_eq!(counts.replaced, 1);
}

#[test]
fn structured_metadata_are_bounded() {
    let with = |count: usize, length: usize| {
        let mut entry = entry(b"line");
        let label = |at: usize| proto::Label {
            name: format!("{at:04}"),
            value: Bytes::from(vec![b'x'; length]),
        };
        entry.structured_metadata = (0..count).map(label).collect();
        stamped(Media::Protobuf, protobuf("{}", vec![entry]))
    };
    assert!(with(128, 508).is_ok());
    for (refused, why) in [
        (
            with(1, 65_533),
            "structured metadata too large: 65537 bytes, limit: 65536 bytes",
        ),
        (
            with(129, 1),
            "too many structured metadata labels: 129, limit: 128",
        ),
    ] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.starts_with("entry 0 of stream"), "{refused}");
        assert!(refused.contains(why), "{refused}");
    }
}
