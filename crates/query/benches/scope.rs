//! What it costs to scope a query: parse, add the matcher, print, parse again and check.
//!
//! `make bench-query` runs it and prints two things: divan's distributions, and a table of medians
//! of measurements that take turns, so that a machine that does other things, too, disturbs all
//! columns alike. `whole` is what the gateway does to a request; `parse` is its first part, and
//! *unverified* is the whole without the second parse and the check, so that the price of the proof
//! can be read off the same run.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // the helpers of a benchmark may

use std::time::Instant;

use divan::{Bencher, black_box};
use query::{Matcher, scope};

/// Queries as dashboards and alerts send them.
const PROMQL: [(&str, &str); 10] = [
    ("name", "up"),
    ("selector", r#"http_requests_total{code="500"}"#),
    ("rate", "rate(http_requests_total[5m])"),
    (
        "usage",
        r#"100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100"#,
    ),
    (
        "errors",
        r#"sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))"#,
    ),
    (
        "latency",
        r#"histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket{job="api"}[5m])))"#,
    ),
    (
        "top",
        r#"topk(10, sum by (pod) (container_memory_working_set_bytes{container!=""}))"#,
    ),
    (
        "join",
        r#"kube_pod_info{node!=""} * on (namespace, pod) group_left (owner) kube_pod_owner{owner_kind="ReplicaSet"}"#,
    ),
    (
        "subquery",
        "max_over_time(sum(rate(http_requests_total[1m]))[1h:5m] offset 1d)",
    ),
    (
        "burn",
        r#"(sum(rate(errors_total{job="api"}[5m])) / sum(rate(requests_total{job="api"}[5m])) > 14.4 * 0.001) and (sum(rate(errors_total{job="api"}[1h])) / sum(rate(requests_total{job="api"}[1h])) > 14.4 * 0.001)"#,
    ),
];

/// Queries as dashboards and people send them.
const LOGQL: [(&str, &str); 10] = [
    ("selector", r#"{level="error"}"#),
    ("contains", r#"{app="api"} |= "timeout""#),
    ("regex", r#"{app="api"} |~ "(?i)panic|fatal" != "healthz""#),
    ("logfmt", r#"{app="api"} | logfmt | status >= 500"#),
    (
        "volume",
        r#"sum by (level) (count_over_time({app="api"}[1m]))"#,
    ),
    (
        "json",
        r#"{app="api"} | json | duration > 250ms and method = "POST" | line_format "{{.path}} {{.duration}}""#,
    ),
    (
        "rate",
        r#"sum by (route) (rate({app="api"} |= "error" | json | __error__="" [5m]))"#,
    ),
    (
        "unwrap",
        r#"quantile_over_time(0.99, {app="api"} | logfmt | unwrap duration(took) | __error__="" [5m]) by (route)"#,
    ),
    (
        "ratio",
        r#"sum(rate({app="api"} | json | status >= 500 [5m])) / sum(rate({app="api"} | json [5m])) * 100"#,
    ),
    (
        "pattern",
        r#"topk(10, sum by (ip) (count_over_time({job="nginx"} | pattern `<ip> - - <_> "<method> <path> <_>" <status> <size>` | status = "404" | ip != ip("10.0.0.0/8") [1h])))"#,
    ),
];

fn main() {
    let measures = !std::env::args().any(|argument| argument == "--test" || argument == "--list");
    divan::main();
    if measures {
        table(
            "PromQL",
            &PROMQL,
            promql::parse,
            promql::unverified,
            |query, by| scope::promql(query, by).unwrap(),
        );
        table(
            "LogQL",
            &LOGQL,
            logql::parse,
            logql::unverified,
            |query, by| scope::logql(query, by).unwrap(),
        );
    }
}

fn by() -> Matcher {
    Matcher::equal("resource_id", "shop-api")
}

fn names(queries: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    queries.iter().map(|(name, _)| *name).collect()
}

fn text(queries: &[(&'static str, &'static str)], name: &str) -> &'static str {
    let found = queries.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, query)| query)
}

/// Prints the medians for each query, and which part of the whole the verification is.
fn table<T>(
    language: &str,
    queries: &[(&str, &str)],
    parse: fn(&str) -> T,
    unverified: fn(&str, &Matcher) -> String,
    whole: fn(&str, &Matcher) -> String,
) {
    println!("\n| {language} | bytes | parse | whole, unverified | whole | verification |");
    println!("|---|--:|--:|--:|--:|--:|");
    let by = by();
    for (name, query) in queries {
        let [parse, unverified, whole] = medians([
            &|| drop(black_box(parse(black_box(query)))),
            &|| drop(black_box(unverified(black_box(query), &by))),
            &|| drop(black_box(whole(black_box(query), &by))),
        ]);
        println!(
            "| {name} | {} | {:.2} µs | {:.2} µs | {:.2} µs | {:.0} % |",
            query.len(),
            parse / 1000.0,
            unverified / 1000.0,
            whole / 1000.0,
            100.0 * (whole - unverified) / whole
        );
    }
}

/// The median of what each piece of work takes, in nanoseconds; the pieces take turns.
fn medians(works: [&dyn Fn(); 3]) -> [f64; 3] {
    const ROUNDS: usize = 201;
    const TIMES: u32 = 50;
    let mut taken = works.map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for (work, taken) in works.iter().zip(&mut taken) {
            let start = Instant::now();
            for _ in 0..TIMES {
                work();
            }
            taken.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES));
        }
    }
    taken.map(|mut taken| {
        taken.sort_by(f64::total_cmp);
        taken.get(ROUNDS / 2).copied().unwrap_or_default()
    })
}

mod promql {
    use super::{Bencher, Matcher, PROMQL, black_box, by, names, scope, text};

    pub(crate) fn parse(query: &str) -> query::promql::Expr {
        query::promql::parse(query).unwrap()
    }

    pub(crate) fn unverified(query: &str, by: &Matcher) -> String {
        let mut tree = parse(query);
        let mut selectors = 0;
        tree.for_each_selector_mut(|selector| {
            selectors += 1;
            selector.matchers.push(by.clone());
        });
        let mut text = String::with_capacity(query.len() + 25 * selectors);
        tree.print(&mut text);
        text
    }

    #[divan::bench(name = "parse", args = names(&PROMQL))]
    fn parsing(bencher: Bencher, name: &str) {
        let query = text(&PROMQL, name);
        bencher.bench(|| parse(black_box(query)));
    }

    #[divan::bench(args = names(&PROMQL))]
    fn whole(bencher: Bencher, name: &str) {
        let (query, by) = (text(&PROMQL, name), by());
        bencher.bench(|| scope::promql(black_box(query), &by).unwrap());
    }
}

mod logql {
    use super::{Bencher, LOGQL, Matcher, black_box, by, names, scope, text};

    pub(crate) fn parse(query: &str) -> query::logql::Expr {
        query::logql::parse(query).unwrap()
    }

    pub(crate) fn unverified(query: &str, by: &Matcher) -> String {
        let mut tree = parse(query);
        let mut selectors = 0;
        tree.for_each_selector_mut(|selector| {
            selectors += 1;
            selector.matchers.push(by.clone());
        });
        let mut text = String::with_capacity(query.len() + 25 * selectors);
        tree.print(&mut text);
        text
    }

    #[divan::bench(name = "parse", args = names(&LOGQL))]
    fn parsing(bencher: Bencher, name: &str) {
        let query = text(&LOGQL, name);
        bencher.bench(|| parse(black_box(query)));
    }

    #[divan::bench(args = names(&LOGQL))]
    fn whole(bencher: Bencher, name: &str) {
        let (query, by) = (text(&LOGQL, name), by());
        bencher.bench(|| scope::logql(black_box(query), &by).unwrap());
    }
}
