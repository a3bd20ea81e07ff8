//! `index/stats`, `index/volume`, `index/volume_range` and `index/shards` of Loki.

use super::*;

const MINUTE: i64 = 60_000_000_000;

fn filled() -> Backend {
    let backend = Backend::with_clock(Limits::default(), Arc::new(|| NOW));
    let stream = |app: &str, resource: &str, entries: &[(i64, usize)]| LogStream {
        labels: pairs(&[("app", app), ("resource_id", resource)]),
        entries: entries
            .iter()
            .map(|(ago, bytes)| LogEntry {
                timestamp_ns: NOW - ago,
                line: "x".repeat(*bytes),
                structured_metadata: Vec::new(),
            })
            .collect(),
    };
    let streams = vec![
        stream("web", "r1", &[(1, 10), (5 * MINUTE, 30)]),
        stream("db", "r1", &[(1, 5)]),
        stream("web", "r2", &[(1, 500)]),
    ];
    backend.push_logs("acme", streams.clone()).unwrap();
    backend.push_logs("globex", streams[2..].to_vec()).unwrap();
    backend
}

async fn ask(path: &str, parameters: &[(&str, &str)]) -> String {
    let path = format!("/loki/api/v1/index/{path}");
    get_and_post(&filled(), &path, parameters).await
}

const R1: (&str, &str) = ("query", r#"{resource_id="r1"}"#);

#[tokio::test]
async fn stats_count_what_is_selected_within_the_time() {
    assert_eq!(
        ask("stats", &[R1]).await,
        r#"200 {"streams":2,"chunks":2,"bytes":45,"entries":3}"#
    );
    assert_eq!(
        ask("stats", &[R1, ("since", "1m")]).await,
        r#"200 {"streams":2,"chunks":2,"bytes":15,"entries":2}"#
    );
    assert_eq!(
        ask("stats", &[("query", r#"{resource_id="r3"}"#)]).await,
        r#"200 {"streams":0,"chunks":0,"bytes":0,"entries":0}"#
    );
    let filtered = [("query", r#"{app="web"} |= "x""#)];
    assert_eq!(
        ask("stats", &filtered).await,
        "400 only label matchers are supported"
    );
}

#[tokio::test]
async fn volumes_are_grouped_by_the_labels_of_the_selector_or_by_those_asked_for() {
    let vector = |result: &str| {
        format!(
            r#"200 {{"status":"success","data":{{"resultType":"vector","result":[{result}],"stats":{{}}}}}}"#
        )
    };
    let r1 = r#"{"metric":{"resource_id":"r1"},"value":[1793491200,"45"]}"#;
    assert_eq!(ask("volume", &[R1]).await, vector(r1));
    let web = r#"{"metric":{"app":"web"},"value":[1793491200,"40"]}"#;
    let db = r#"{"metric":{"app":"db"},"value":[1793491200,"5"]}"#;
    let by_app = [R1, ("targetLabels", "app")];
    assert_eq!(ask("volume", &by_app).await, vector(&format!("{web},{db}")));
    let one = [R1, ("targetLabels", "app"), ("limit", "1")];
    assert_eq!(ask("volume", &one).await, vector(web));
    let lacking = [R1, ("targetLabels", "pod")];
    assert_eq!(ask("volume", &lacking).await, vector(""));
    let names = r#"{"metric":{"app":""},"value":[1793491200,"45"]},{"metric":{"resource_id":""},"value":[1793491200,"45"]}"#;
    let by_labels = [R1, ("aggregateBy", "labels")];
    assert_eq!(ask("volume", &by_labels).await, vector(names));
    let wrong = ask("volume", &[R1, ("aggregateBy", "x")]).await;
    assert_eq!(wrong, "400 invalid aggregation option");
}

#[tokio::test]
async fn volumes_over_time_stand_at_the_ends_of_their_steps() {
    let parameters = [R1, ("step", "5m"), ("since", "10m")];
    // The line of five minutes ago begins the last step, in which all lines are.
    let one = r#"{"metric":{"resource_id":"r1"},"value":[1793491200,"45"]}"#;
    assert!(ask("volume_range", &parameters).await.contains(one));
    let parameters = [R1, ("step", "1m"), ("since", "10m")];
    let wanted = r#"200 {"status":"success","data":{"resultType":"matrix","result":[{"metric":{"resource_id":"r1"},"values":[[1793490959.999,"30"],[1793491200,"15"]]}],"stats":{}}}"#;
    assert_eq!(ask("volume_range", &parameters).await, wanted);
}

#[tokio::test]
async fn there_is_one_shard_and_it_has_everything() {
    let parameters = [
        (
            "query",
            r#"count_over_time({resource_id="r1"} |= "x" [1m])"#,
        ),
        ("targetBytesPerShard", "600MB"),
    ];
    assert_eq!(
        ask("shards", &parameters).await,
        r#"200 {"shards":[{"bounds":{"min":0,"max":18446744073709551615},"stats":{"streams":2,"chunks":2,"bytes":45,"entries":3}}],"statistics":{},"chunkGroups":[]}"#
    );
    assert_eq!(
        ask("shards", &[R1]).await,
        "400 targetBytesPerShard must be a positive value"
    );
}

#[tokio::test]
async fn another_tenants_logs_are_not_counted() {
    let backend = filled();
    let uri = "/loki/api/v1/index/stats?query=%7Bapp%3D~%22.%2B%22%7D";
    for (tenant, stats) in [
        (
            "globex",
            r#"{"streams":1,"chunks":1,"bytes":500,"entries":1}"#,
        ),
        (
            "nobody",
            r#"{"streams":0,"chunks":0,"bytes":0,"entries":0}"#,
        ),
    ] {
        let request = Request::get(uri).header("X-Scope-OrgID", tenant);
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(send(&backend, request).await.1, stats);
    }
}
