use super::*;

fn span(offset: i32, length: u32) -> Span {
    Span { offset, length }
}

/// Of integers, with buckets on both sides.
fn sent() -> Sent {
    Sent {
        count: Some(Count::Int(12)),
        sum: 18.4,
        schema: 1,
        zero_threshold: 0.001,
        zero_count: Some(ZeroCount::Int(2)),
        positive_spans: vec![span(-1, 2), span(1, 1)],
        positive_deltas: vec![1, 1, 1],
        negative_spans: vec![span(0, 2)],
        negative_deltas: vec![3, -2],
        timestamp: 5,
        ..Sent::default()
    }
}

fn custom() -> Sent {
    Sent {
        count: Some(Count::Float(3.5)),
        sum: 2.0,
        schema: CUSTOM_SCHEMA,
        positive_spans: vec![span(1, 2)],
        positive_counts: vec![1.0, 2.5],
        custom_values: vec![0.5, 1.0],
        ..Sent::default()
    }
}

#[test]
fn buckets_are_where_their_spans_put_them() {
    let got = of_remote_write(&sent()).unwrap();
    let wanted = Histogram {
        schema: 1,
        zero_threshold: 0.001,
        zero_count: 2.0,
        count: 12.0,
        sum: 18.4,
        positive: vec![(-1, 1.0), (0, 2.0), (2, 3.0)],
        negative: vec![(0, 3.0), (1, 1.0)],
        ..Histogram::default()
    };
    assert_eq!((got.timestamp_ms, &*got.histogram), (5, &wanted));
    let got = of_remote_write(&custom()).unwrap().histogram;
    assert_eq!(got.positive, [(1, 1.0), (2, 2.5)]);
    assert_eq!((got.count, &*got.custom_bounds), (3.5, &[0.5, 1.0][..]));
}

#[test]
fn buckets_that_are_too_fine_are_put_together() {
    let mut fine = sent();
    fine.schema = 9;
    let got = of_remote_write(&fine).unwrap().histogram;
    assert_eq!(got.schema, 8);
    assert_eq!(got.positive, [(0, 3.0), (1, 3.0)]);
    assert_eq!(got.negative, [(0, 3.0), (1, 1.0)]);
    fine.schema = 52;
    assert_eq!(of_remote_write(&fine).unwrap().histogram.schema, 8);
}

#[test]
fn the_mark_of_a_series_end_is_taken() {
    let mark = Sent {
        sum: f64::from_bits(STALE_NAN),
        ..Sent::default()
    };
    assert!(of_remote_write(&mark).unwrap().is_stale());
}

#[test]
fn observations_that_were_nan_are_in_no_bucket() {
    let mut nan = sent();
    nan.sum = f64::NAN;
    nan.count = Some(Count::Int(13));
    of_remote_write(&nan).unwrap();
    nan.count = Some(Count::Int(11));
    of_remote_write(&nan).unwrap_err();
}

/// What is done to a histogram, and what is then said of it.
type Case = (fn(&mut Sent), &'static str);

fn check(whole: fn() -> Sent, cases: &[Case]) {
    for (spoil, sentence) in cases {
        let mut spoiled = whole();
        spoil(&mut spoiled);
        let said = of_remote_write(&spoiled).unwrap_err();
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let cases: &[Case] = &[
        (|one| one.count = Some(Count::Int(13)), "its count is 13"),
        (|one| one.count = Some(Count::Int(11)), "its count is 11"),
        (|one| one.count = None, "its count is 0"),
        (|one| one.positive_deltas[0] = -1, "a count is negative"),
        (|one| one.negative_deltas[1] = -4, "a count is negative"),
        (
            |one| one.positive_deltas[1] = i64::MAX,
            "than can be counted",
        ),
        (
            |one| one.positive_spans[0].length = 3,
            "positive side: its spans need 4",
        ),
        (
            |one| one.positive_spans[0].length = u32::MAX,
            "positive side: its spans need",
        ),
        (
            |one| one.negative_spans.clear(),
            "negative side: its spans need 0",
        ),
        (
            |one| one.positive_spans[1].offset = -1,
            "a span begins before",
        ),
        (
            |one| one.positive_spans[0].offset = i32::MAX,
            "beyond all numbers",
        ),
        (
            |one| one.positive_spans[0].offset = i32::MIN,
            "beyond all numbers",
        ),
        (|one| one.schema = -5, "its schema is none of"),
        (|one| one.schema = 53, "its schema is none of"),
        (|one| one.schema = -52, "its schema is none of"),
        (|one| one.custom_values.push(1.0), "custom bounds"),
        (|one| one.zero_threshold = f64::NAN, "zero threshold"),
        (|one| one.zero_threshold = -1.0, "zero threshold"),
    ];
    check(sent, cases);
}

#[test]
fn custom_bounds_that_cannot_be_are_refused() {
    let cases: &[Case] = &[
        (
            |one| one.count = Some(Count::Float(-1.0)),
            "a count is negative",
        ),
        (|one| one.positive_counts[1] = -1.0, "a count is negative"),
        (|one| one.custom_values[1] = 0.5, "do not rise"),
        (|one| one.custom_values[1] = f64::INFINITY, "is infinite"),
        (|one| one.custom_values = vec![f64::NAN], "do not rise"),
        (
            |one| one.positive_spans[0].offset = 2,
            "beyond its custom bounds",
        ),
        (|one| one.zero_threshold = 0.1, "a zero bucket"),
        (
            |one| one.custom_values = (0..=1 << 16).map(f64::from).collect(),
            "more than 65536 buckets",
        ),
    ];
    check(custom, cases);
}
