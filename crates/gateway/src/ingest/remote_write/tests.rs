//! What is stamped, what survives, and what is refused.

use jiff::Timestamp;
use prost::Message as _;

use super::proto::v1::{Exemplar, Label, Metadata, TimeSeries, WriteRequest};
use super::proto::{Count, Span, ZeroCount, v2};
use super::*;
use crate::ingest::Limits;

/// Ten seconds before now, in milliseconds.
const TIME: i64 = 1_772_366_390_000;

fn within(limits: &Limits) -> Stamping<'_> {
    Stamping {
        resource: "r1",
        limits,
        now: "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap(),
    }
}

fn stamped_v1(request: &WriteRequest) -> Result<(WriteRequest, Counts), Refusal> {
    let (bytes, counts) = stamp_v1(&request.encode_to_vec(), &within(&Limits::default()))?;
    Ok((WriteRequest::decode(&*bytes).unwrap(), counts))
}

fn stamped_v2(request: &v2::Request) -> Result<(v2::Request, Counts), Refusal> {
    let (bytes, counts) = stamp_v2(&request.encode_to_vec(), &within(&Limits::default()))?;
    Ok((v2::Request::decode(&*bytes).unwrap(), counts))
}

fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    let label = |(name, value): &(&str, &str)| Label {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    pairs.iter().map(label).collect()
}

fn sample(value: f64) -> Sample {
    Sample {
        value: Some(value),
        timestamp: TIME,
        start_timestamp: 0,
    }
}

fn series(pairs: &[(&str, &str)]) -> TimeSeries {
    TimeSeries {
        labels: labels(pairs),
        samples: vec![sample(1.0)],
        ..TimeSeries::default()
    }
}

fn one(series: TimeSeries) -> WriteRequest {
    WriteRequest {
        timeseries: vec![series],
        metadata: Vec::new(),
    }
}

/// One of each kind: integers, floats, and custom buckets.
fn histograms() -> Vec<Histogram> {
    let spans = vec![
        Span {
            offset: -3,
            length: 2,
        },
        Span {
            offset: 5,
            length: 1,
        },
    ];
    let integers = Histogram {
        count: Some(Count::Int(7)),
        sum: Some(-0.0),
        schema: -4,
        zero_threshold: Some(1e-128),
        zero_count: Some(ZeroCount::Int(0)),
        negative_spans: spans.clone(),
        negative_deltas: vec![1, -2, i64::MIN],
        positive_spans: spans.clone(),
        positive_deltas: vec![3, 0, i64::MAX],
        reset_hint: 3,
        timestamp: TIME,
        ..Histogram::default()
    };
    let floats = Histogram {
        count: Some(Count::Float(0.0)),
        zero_count: Some(ZeroCount::Float(-0.0)),
        negative_counts: vec![0.5, f64::INFINITY],
        positive_counts: vec![-0.0],
        timestamp: TIME,
        ..Histogram::default()
    };
    let custom = Histogram {
        schema: -53,
        positive_spans: spans,
        custom_values: vec![f64::NEG_INFINITY, 0.25, 1e300],
        timestamp: TIME,
        ..Histogram::default()
    };
    vec![integers, floats, custom]
}

#[test]
fn the_label_is_put_into_its_place() {
    for (given, stamped, replaced) in [
        (
            &[("__name__", "up")][..],
            &[("__name__", "up"), ("resource_id", "r1")][..],
            0,
        ),
        (
            &[("__name__", "up"), ("resource_id", "r2"), ("z", "1")],
            &[("__name__", "up"), ("resource_id", "r1"), ("z", "1")],
            1,
        ),
        // Unsorted and twice, which no honest sender sends.
        (
            &[
                ("resource_id", ""),
                ("z", "1"),
                ("resource_id", "r2"),
                ("a", "2"),
                ("__name__", "up"),
            ],
            &[
                ("__name__", "up"),
                ("a", "2"),
                ("resource_id", "r1"),
                ("z", "1"),
            ],
            2,
        ),
        // Names beyond ASCII are other names: no receiver of remote write sanitizes them.
        (
            &[("__name__", "up"), ("resource.id", "r2")],
            &[
                ("__name__", "up"),
                ("resource.id", "r2"),
                ("resource_id", "r1"),
            ],
            0,
        ),
    ] {
        let (request, counts) = stamped_v1(&one(series(given))).unwrap();
        assert_eq!(request, one(series(stamped)));
        assert_eq!((counts.replaced, counts.entries), (replaced, 1));

        let mut symbols = vec![String::new()];
        let mut references = Vec::new();
        for text in given.iter().flat_map(|(name, value)| [name, value]) {
            references.push(u32::try_from(symbols.len()).unwrap());
            symbols.push((*text).to_owned());
        }
        let request = v2::Request {
            symbols,
            timeseries: vec![v2::TimeSeries {
                labels_refs: references,
                samples: vec![sample(1.0)],
                ..v2::TimeSeries::default()
            }],
        };
        let (request, counts) = stamped_v2(&request).unwrap();
        let text = |at: &u32| request.symbols[usize::try_from(*at).unwrap()].as_str();
        let texts: Vec<&str> = request.timeseries[0].labels_refs.iter().map(text).collect();
        let pairs: Vec<(&str, &str)> = texts.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        assert_eq!(pairs, stamped);
        assert_eq!((counts.replaced, counts.entries), (replaced, 1));
    }
}

#[test]
fn everything_else_survives() {
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let exemplar = |value| Exemplar {
        labels: labels(&[("trace_id", "1"), ("resource.id", "another name")]),
        value: Some(value),
        timestamp: TIME,
    };
    let mut given = series(&[("__name__", "up")]);
    given.samples = vec![sample(-0.0), sample(stale), sample(f64::MIN_POSITIVE / 2.0)];
    given.exemplars = vec![exemplar(0.0), exemplar(f64::NAN)];
    given.histograms = histograms();
    let request = WriteRequest {
        timeseries: vec![given.clone()],
        metadata: vec![Metadata {
            kind: 2,
            metric_family_name: "up".to_owned(),
            help: "é\n".to_owned(),
            unit: "s".to_owned(),
        }],
    };
    let (stamped, _) = stamped_v1(&request).unwrap();
    // Compared as they are printed, since a NaN equals nothing, and bit by bit where it matters.
    given.labels = labels(&[("__name__", "up"), ("resource_id", "r1")]);
    assert_eq!(format!("{:?}", stamped.timeseries[0]), format!("{given:?}"));
    let bits = stamped.timeseries[0]
        .samples
        .iter()
        .map(|one| one.value.unwrap().to_bits());
    let expected = [
        (-0.0_f64).to_bits(),
        stale.to_bits(),
        (f64::MIN_POSITIVE / 2.0).to_bits(),
    ];
    assert!(bits.eq(expected));
    assert_eq!(stamped.metadata, request.metadata);

    let series = v2::TimeSeries {
        labels_refs: vec![1, 2],
        samples: vec![Sample {
            start_timestamp: 5,
            ..sample(-0.0)
        }],
        histograms: vec![Histogram {
            start_timestamp: 6,
            ..histograms().remove(0)
        }],
        exemplars: vec![v2::Exemplar {
            labels_refs: vec![3, 4],
            value: Some(0.0),
            timestamp: -1,
        }],
        metadata: Some(v2::Metadata {
            kind: 1,
            help_ref: 2,
            unit_ref: 0,
        }),
        created_timestamp: 7,
    };
    let symbols = ["", "__name__", "up", "trace_id", "1"].map(str::to_owned);
    let request = v2::Request {
        symbols: symbols.to_vec(),
        timeseries: vec![series.clone()],
    };
    let (stamped, _) = stamped_v2(&request).unwrap();
    let expected = v2::TimeSeries {
        labels_refs: vec![1, 2, 5, 6],
        ..series
    };
    assert_eq!(stamped.timeseries, [expected]);
    let value = stamped.timeseries[0].samples[0].value.unwrap();
    assert!(value.is_sign_negative());
    assert_eq!(stamped.symbols[..5], symbols);
    assert_eq!(stamped.symbols[5..], ["resource_id", "r1"]);
    let (again, counts) = stamped_v2(&stamped).unwrap();
    assert_eq!((again, counts.replaced), (stamped, 1));
}

#[test]
fn a_refused_write_says_which_series_and_why() {
    let limits = Limits {
        streams: 2,
        entries: 2,
        labels: 3,
        name: 11,
        value: 8,
        ..Limits::default()
    };
    let name = ("__name__", "up");
    let mut new = series(&[name]);
    new.samples.push(Sample {
        timestamp: TIME + 3_600_000,
        ..sample(1.0)
    });
    let mut many = series(&[name]);
    many.samples = vec![sample(1.0); 3];
    let mut histogram = series(&[name]);
    histogram.histograms = vec![Histogram {
        timestamp: i64::MAX,
        ..Histogram::default()
    }];
    for (request, why) in [
        (one(series(&[("a", "b")])), "missing a metric name"),
        (one(series(&[("__name__", "")])), "missing a metric name"),
        (one(series(&[name, ("", "b")])), "without a name"),
        (
            one(series(&[name, ("a", "1"), ("a", "2")])),
            "4 label names; limit 3",
        ),
        (one(series(&[name, name])), "duplicate label name"),
        (
            one(series(&[name, ("a", "123456789")])),
            "too long for the label \"a\"",
        ),
        (
            one(series(&[name, ("resource_ide", "")])),
            "name that is too long",
        ),
        (one(many), "more than 2 lines or samples"),
        (
            one(new),
            "sample 1 of series 0, \"{__name__=\\\"up\\\", resource_id=\\\"r1\\\"}\" has timestamp too new",
        ),
        (one(histogram), "histogram 1 of series 0"),
        (
            WriteRequest {
                timeseries: vec![series(&[name]); 3],
                metadata: Vec::new(),
            },
            "3 streams or series",
        ),
    ] {
        let refused = stamp_v1(&request.encode_to_vec(), &within(&limits)).unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
        assert!(matches!(refused, Refusal::Bad { .. }));
    }
}

#[test]
fn references_to_nothing_are_refused() {
    let with = |change: &dyn Fn(&mut v2::Request)| {
        let mut request = v2::Request {
            symbols: ["", "__name__", "up"].map(str::to_owned).to_vec(),
            timeseries: vec![v2::TimeSeries {
                labels_refs: vec![1, 2],
                exemplars: vec![v2::Exemplar::default()],
                metadata: Some(v2::Metadata::default()),
                ..v2::TimeSeries::default()
            }],
        };
        change(&mut request);
        stamped_v2(&request)
    };
    assert!(with(&|_| {}).is_ok());
    for change in [
        &(|request: &mut v2::Request| request.timeseries[0].labels_refs = vec![1, 5])
            as &dyn Fn(&mut v2::Request),
        &|request| request.timeseries[0].labels_refs = vec![1, 2, 1],
        &|request| request.timeseries[0].labels_refs = vec![1, u32::MAX],
        &|request| request.timeseries[0].exemplars[0].labels_refs = vec![1, 5],
        &|request| request.timeseries[0].exemplars[0].labels_refs = vec![1],
        &|request| {
            request.timeseries[0].metadata = Some(v2::Metadata {
                kind: 0,
                help_ref: 5,
                unit_ref: 0,
            });
        },
        &|request| request.symbols[0] = "x".to_owned(),
    ] {
        assert!(matches!(with(change), Err(Refusal::Bad { .. })));
    }
    // Not even ours: a sender cannot know where they will be.
    assert!(
        with(&|request| request.timeseries[0].exemplars[0].labels_refs = vec![3, 4])
            .is_ok_and(|(request, _)| request.symbols.len() == 5)
    );
}

#[test]
fn bytes_that_are_no_write_are_refused() {
    for bytes in [&b"\x0a"[..], b"\x0a\x02\x0a\xff", b"up 1\n", b"\x0b\x0c"] {
        let limits = Limits::default();
        assert!(matches!(
            stamp_v1(bytes, &within(&limits)),
            Err(Refusal::Bad { .. })
        ));
        assert!(matches!(
            stamp_v2(bytes, &within(&limits)),
            Err(Refusal::Bad { .. })
        ));
    }
    // A label that is not UTF-8.
    let body = b"\x0a\x09\x0a\x07\x0a\x01a\x12\x02\xc3\x28";
    assert!(stamp_v1(body, &within(&Limits::default())).is_err());
}

/// A write of each version with this exemplar, and how it is answered.
fn with_exemplar(
    pairs: &[(&str, &str)],
    timestamp: i64,
    limits: &Limits,
) -> [Result<(Vec<String>, Counts), Refusal>; 2] {
    let mut with = series(&[("__name__", "up")]);
    with.exemplars = vec![Exemplar {
        labels: labels(pairs),
        value: Some(1.0),
        timestamp,
    }];
    let first = stamp_v1(&one(with).encode_to_vec(), &within(limits)).map(|(bytes, counts)| {
        let request = WriteRequest::decode(&*bytes).unwrap();
        let labels = request.timeseries[0].exemplars[0].labels.iter();
        (labels.map(|label| label.name.clone()).collect(), counts)
    });
    let mut symbols = ["", "__name__", "up"].map(str::to_owned).to_vec();
    let given = pairs.iter().flat_map(|(name, value)| [name, value]);
    symbols.extend(given.map(|text| (*text).to_owned()));
    let request = v2::Request {
        timeseries: vec![v2::TimeSeries {
            labels_refs: vec![1, 2],
            samples: vec![sample(1.0)],
            exemplars: vec![v2::Exemplar {
                labels_refs: (3..u32::try_from(symbols.len()).unwrap()).collect(),
                value: Some(1.0),
                timestamp,
            }],
            ..v2::TimeSeries::default()
        }],
        symbols,
    };
    let second = stamp_v2(&request.encode_to_vec(), &within(limits)).map(|(bytes, counts)| {
        let request = v2::Request::decode(&*bytes).unwrap();
        let names = request.timeseries[0].exemplars[0].labels_refs.iter();
        let text = |at: &u32| request.symbols[usize::try_from(*at).unwrap()].clone();
        (names.step_by(2).map(text).collect(), counts)
    });
    [first, second]
}

#[test]
fn exemplars_are_held_to_what_samples_are_held_to() {
    let limits = Limits {
        entries: 2,
        labels: 2,
        name: 11,
        value: 8,
        ..Limits::default()
    };
    let narrow = Limits {
        entries: 1,
        ..limits.clone()
    };
    for (pairs, time, limits, why) in [
        (
            &[][..],
            i64::MAX,
            &limits,
            "exemplar 0 of series 0, \"{__name__",
        ),
        (&[], i64::MAX, &limits, "has timestamp too new"),
        (
            &[("trace_id", "123456789")],
            TIME,
            &limits,
            "too long for the label \"trace_id\"",
        ),
        (
            &[("trace_id_long", "1")],
            TIME,
            &limits,
            "name that is too long",
        ),
        (&[("", "1")], TIME, &limits, "without a name"),
        (
            &[("a", "1"), ("b", "2"), ("c", "3")],
            TIME,
            &limits,
            "3 label names; limit 2",
        ),
        (&[], TIME, &narrow, "more than 1 lines or samples"),
    ] {
        for refused in with_exemplar(pairs, time, limits) {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
    for taken in with_exemplar(&[("a", "1"), ("b", "2")], TIME, &limits) {
        assert_eq!(taken.unwrap().1.entries, 2);
    }
}

#[test]
fn exemplars_claim_no_resource() {
    let pairs = [
        ("resource_id", "r2"),
        ("trace_id", "1"),
        ("resource_id", "r1"),
    ];
    for taken in with_exemplar(&pairs, TIME, &Limits::default()) {
        let (names, counts) = taken.unwrap();
        assert_eq!(names, ["trace_id"]);
        assert_eq!(counts.replaced, 2);
    }
}

#[test]
fn what_is_said_of_metrics_is_bounded() {
    let said = |name: usize, help: usize, unit: usize| {
        let [metric_family_name, help, unit] = [name, help, unit].map(|length| "x".repeat(length));
        let metadata = Metadata {
            kind: 1,
            metric_family_name,
            help: help.clone(),
            unit: unit.clone(),
        };
        let first = WriteRequest {
            timeseries: Vec::new(),
            metadata: vec![Metadata::default(), metadata],
        };
        let second = v2::Request {
            symbols: vec![
                String::new(),
                "__name__".to_owned(),
                "up".to_owned(),
                help,
                unit,
            ],
            timeseries: vec![v2::TimeSeries {
                labels_refs: vec![1, 2],
                metadata: Some(v2::Metadata {
                    kind: 1,
                    help_ref: 3,
                    unit_ref: 4,
                }),
                ..v2::TimeSeries::default()
            }],
        };
        [
            stamped_v1(&first)
                .map(|_| ())
                .map_err(|error| error.to_string()),
            stamped_v2(&second)
                .map(|_| ())
                .map_err(|error| error.to_string()),
        ]
    };
    assert_eq!(said(1024, 4096, 1024), [Ok(()), Ok(())]);
    let [first, _] = said(1025, 0, 0);
    let first = first.unwrap_err();
    assert!(first.contains("metadata 1, of the metric \"xxx"), "{first}");
    assert!(first.contains("a name of 1025 bytes"), "{first}");
    for (said, why) in [
        (said(1, 4097, 0), "a help text of 4097 bytes"),
        (said(1, 0, 1025), "a unit of 1025 bytes"),
    ] {
        for said in said {
            let refused = said.unwrap_err();
            assert!(refused.contains(why) && refused.len() < 600, "{refused}");
        }
    }
    let many = WriteRequest {
        timeseries: Vec::new(),
        metadata: vec![Metadata::default(); Limits::default().streams + 1],
    };
    assert!(stamped_v1(&many).is_err());
}
