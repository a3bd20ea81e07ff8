//! `parse_query`: the tree in Prometheus's JSON.

use serde_json::Value;

use super::{PROJECT, RESOURCE, query_string};
use crate::harness::World;

/// What Prometheus's own parser makes of queries, one a line.
const TREES: &str = include_str!("../../data/promql-trees.jsonl");

const PATH: &str = "prometheus/api/v1/parse_query";

async fn tree(world: &World, path: &str) -> Value {
    let answer = world.get("victor", path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], "success");
    body["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn trees_are_those_of_prometheus() {
    let world = World::new().await;
    let mut compared = 0;
    for line in TREES.lines() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let query = recorded["query"].as_str().unwrap();
        let query = query_string(&[("query", query)]);
        let path = format!("{RESOURCE}/{PATH}?{query}");
        assert_eq!(
            tree(&world, &path).await,
            recorded["tree"],
            "{}",
            recorded["query"]
        );
        compared += 1;
    }
    assert!(compared > 120, "{compared}");
    assert_eq!(world.forwarded(), 0);
}

/// Whoever edits a query edits their own: nothing of the gateway's is in the tree.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_not_scoped_and_a_form_is_taken() {
    let world = World::new().await;
    for mount in [RESOURCE, PROJECT] {
        let path = format!("{mount}/{PATH}");
        let token = world.token("victor");
        let answer = world.ask(&path).form("query=up").token(&token).send().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.body.contains("resource_id"), "{}", answer.body);
        for bad in [
            "query=",
            "query=sum(",
            "query=info(up)",
            "query=up&query=up",
            "",
        ] {
            let answer = world.get("victor", &format!("{path}?{bad}")).await;
            assert_eq!(answer.status, 400, "{bad}: {}", answer.body);
        }
    }
    assert_eq!(world.forwarded(), 0);
}

/// Threat 6: as deep as a query may be.
#[tokio::test(flavor = "multi_thread")]
async fn the_deepest_tree_is_written() {
    let world = World::new().await;
    let depth = query_string(&[("query", &format!("{}1{}", "(".repeat(500), ")".repeat(500)))]);
    let path = format!("{RESOURCE}/{PATH}?{depth}");
    let answer = world.get("victor", &path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.matches(r#""type":"parenExpr""#).count(), 500);
    let sum = query_string(&[("query", &vec!["a"; 500].join("+"))]);
    let path = format!("{RESOURCE}/{PATH}?{sum}");
    let answer = world.get("victor", &path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.matches(r#""type":"binaryExpr""#).count(), 499);
}
