//! Cases beside those of Prometheus's own tests, which need a tool of their own to run.

#![allow(clippy::float_cmp)] // exact results are wanted

use super::*;

fn exponential(schema: i32, positive: &[(i32, f64)]) -> Histogram {
    let count = positive.iter().map(|(_, count)| count).sum();
    Histogram {
        schema,
        count,
        sum: count,
        positive: positive.to_vec(),
        ..Histogram::default()
    }
}

fn custom(bounds: &[f64], positive: &[(i32, f64)]) -> Histogram {
    Histogram {
        custom_bounds: bounds.to_vec(),
        ..exponential(CUSTOM_SCHEMA, positive)
    }
}

#[test]
fn the_finer_of_two_histograms_is_made_as_coarse_as_the_other() {
    let mut sum = exponential(1, &[(1, 1.0), (2, 2.0), (3, 4.0)]);
    assert_eq!(sum.add(&exponential(0, &[(1, 10.0)])), Ok(Added::default()));
    assert_eq!(sum.schema, 0);
    assert_eq!(sum.positive, [(1, 13.0), (2, 4.0)]);
    assert_eq!(sum.count, 17.0);
}

#[test]
fn a_zero_bucket_takes_what_the_wider_one_reaches_into() {
    let mut sum = exponential(0, &[(-2, 1.0), (0, 2.0), (3, 4.0)]);
    let wide = Histogram {
        // It ends within the bucket from 0.5 to 1.
        zero_threshold: 0.75,
        zero_count: 8.0,
        ..Histogram::default()
    };
    sum.add(&wide).unwrap();
    assert_eq!(sum.zero_threshold, 1.0);
    assert_eq!(sum.zero_count, 11.0);
    assert_eq!(sum.positive, [(3, 4.0)]);
}

#[test]
fn of_custom_bounds_those_are_left_that_both_have() {
    let mut sum = custom(&[1.0, 2.0, 4.0], &[(0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0)]);
    let added = sum.add(&custom(&[1.0, 4.0], &[(1, 10.0)])).unwrap();
    assert!(added.reconciled);
    assert_eq!(sum.custom_bounds, [1.0, 4.0]);
    assert_eq!(sum.positive, [(0, 1.0), (1, 16.0), (2, 8.0)]);
    assert_eq!(sum.add(&exponential(0, &[])), Err(Incompatible));
}

#[test]
fn a_bucket_that_fell_is_a_reset_though_the_count_rose() {
    let before = exponential(0, &[(0, 5.0), (1, 5.0)]);
    let after = exponential(0, &[(0, 4.0), (1, 7.0)]);
    assert!(after.is_reset_after(&before));
    assert!(!before.is_reset_after(&exponential(1, &[(1, 1.0)])));
    assert!(
        exponential(1, &[(1, 99.0)]).is_reset_after(&before),
        "finer"
    );
    let hinted = Histogram {
        reset_hint: ResetHint::NotReset,
        ..after
    };
    assert!(!hinted.is_reset_after(&before));
}

#[test]
fn small_histograms_beside_large_ones_are_not_lost() {
    let mut sum = HistogramSum::starting_with(&exponential(0, &[(0, 1.0)]));
    for count in [1e100, 1.0, -1e100] {
        sum.add(&exponential(0, &[(0, count)])).unwrap();
    }
    assert_eq!(sum.sum().positive, [(0, 2.0)]);
}

#[test]
fn a_mean_does_not_overflow_where_its_sum_would() {
    let most = exponential(0, &[(0, f64::MAX)]);
    let mut mean = HistogramSum::starting_with(&most);
    mean.add_to_mean(&most).unwrap();
    mean.add_to_mean(&most).unwrap();
    let mean = mean.mean();
    assert!((mean.count / f64::MAX - 1.0).abs() < 1e-15, "{mean:?}");
}

#[test]
fn quantiles_are_exponential_within_buckets_and_linear_between_custom_bounds() {
    let (value, _) = exponential(0, &[(1, 2.0)]).quantile(0.5);
    assert!((value - std::f64::consts::SQRT_2).abs() < 1e-12, "{value}");
    let (value, _) = custom(&[1.0, 3.0], &[(1, 2.0)]).quantile(0.5);
    assert_eq!(value, 2.0);
    let (value, effect) = Histogram {
        count: 4.0,
        sum: f64::NAN,
        ..exponential(0, &[(1, 2.0)])
    }
    .quantile(0.9);
    assert!(value.is_nan());
    assert_eq!(effect, NanEffect::Result);
}

#[test]
fn trimming_keeps_the_part_of_a_bucket_that_is_on_the_right_side() {
    let mut lower = custom(&[1.0, 3.0], &[(0, 1.0), (1, 2.0), (2, 4.0)]);
    let mut upper = lower.clone();
    lower.trim(2.0, Trim::Lower);
    assert_eq!(lower.positive, [(1, 1.0), (2, 4.0)]);
    upper.trim(2.0, Trim::Upper);
    assert_eq!(upper.positive, [(0, 1.0), (1, 1.0)]);
    assert_eq!(upper.count, 2.0);
}

#[test]
fn what_cannot_be_a_histogram_is_not_taken() {
    assert_eq!(exponential(8, &[(-3, 1.0), (5, 1.0)]).check(), Ok(()));
    assert_eq!(custom(&[1.0, 2.0], &[(0, 1.0), (2, 1.0)]).check(), Ok(()));
    for bad in [
        exponential(0, &[(2, 1.0), (1, 1.0)]),
        exponential(0, &[(1, 1.0), (1, 1.0)]),
        exponential(9, &[]),
        exponential(-5, &[]),
        exponential(0, &[(i32::MIN, 1.0)]),
        custom(&[2.0, 1.0], &[]),
        custom(&[1.0, f64::NAN], &[]),
        custom(&[1.0], &[(2, 1.0)]),
        custom(&[1.0], &[(-1, 1.0)]),
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
