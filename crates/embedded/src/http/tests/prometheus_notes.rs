//! Native histograms in answers, and what is told beside them.

use std::sync::Arc;

use super::*;
use crate::histogram::CUSTOM_SCHEMA;
use crate::{Histogram, HistogramSample, HistogramSeries};

fn histograms() -> Backend {
    let backend = backend();
    let push = |name: &str, histogram: Histogram| {
        let series = HistogramSeries {
            labels: pairs(&[("__name__", name)]),
            samples: vec![HistogramSample {
                timestamp_ms: 1_000,
                histogram: Arc::new(histogram),
            }],
        };
        backend.push_histograms("acme", vec![series]).unwrap();
    };
    push(
        "exponential",
        Histogram {
            zero_threshold: 0.001,
            zero_count: 1.0,
            count: 6.0,
            sum: 7.5,
            positive: vec![(1, 2.0), (2, 0.0)],
            negative: vec![(0, 3.0)],
            ..Histogram::default()
        },
    );
    push(
        "custom",
        Histogram {
            schema: CUSTOM_SCHEMA,
            count: 3.0,
            sum: 4.0,
            positive: vec![(0, 1.0), (2, 2.0)],
            custom_bounds: vec![1.0, 2.5],
            ..Histogram::default()
        },
    );
    backend
}

async fn query(query: &str) -> String {
    let parameters = [("query", query), ("time", "1")];
    get_and_post(&histograms(), "/prometheus/api/v1/query", &parameters).await
}

#[tokio::test]
async fn a_histogram_is_written_with_its_buckets_and_which_bounds_are_in_them() {
    assert_eq!(
        query("exponential").await,
        r#"200 {"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"exponential"},"histogram":[1,{"count":"6","sum":"7.5","buckets":[[1,"-1","-0.5","3"],[3,"-0.001","0.001","1"],[0,"1","2","2"]]}]}]}}"#
    );
    assert_eq!(
        query("custom[1m]").await,
        r#"200 {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"custom"},"histograms":[[1,{"count":"3","sum":"4","buckets":[[3,"-Inf","1","1"],[0,"2.5","+Inf","2"]]}]]}]}}"#
    );
}

#[tokio::test]
async fn warnings_and_infos_stand_beside_the_data() {
    assert_eq!(
        query("sum({__name__=~'custom|exponential'})").await,
        r#"200 {"status":"success","data":{"resultType":"vector","result":[]},"warnings":["PromQL warning: vector contains a mix of histograms with exponential and custom buckets schemas for metric name \"exponential\" (1:5)"]}"#
    );
    assert_eq!(
        query("max(custom) or vector(1)").await,
        r#"200 {"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]},"infos":["PromQL info: ignored histogram in max aggregation (1:5)"]}"#
    );
}

#[tokio::test]
async fn more_than_ten_warnings_are_counted() {
    let many: Vec<String> = (2..14).map(|q| format!("quantile({q}, up)")).collect();
    let answer = query(&many.join(" or ")).await;
    assert_eq!(answer.matches("PromQL warning: ").count(), 10, "{answer}");
    assert!(
        answer.contains(r#""2 more warning annotations omitted"]"#),
        "{answer}"
    );
}
