//! What is too large or too deep is refused quickly, and nothing overflows a small stack.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)] // the helpers of a test may do what a test may

use std::time::{Duration, Instant};

use query::limits::{MAX_DEPTH, MAX_QUERY_BYTES};
use query::promql::{Expr, parse};

/// Runs `test` on a stack of 256 KiB, of which also a debug build must not need more.
fn on_a_small_stack<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(test)
        .unwrap()
        .join()
        .unwrap()
}

fn parse_in_time(query: String) -> Result<Expr, String> {
    on_a_small_stack(move || {
        let begin = Instant::now();
        let parsed = parse(&query);
        let took = begin.elapsed();
        let beginning: String = query.chars().take(20).collect();
        // Milliseconds; generous, since the machine that runs this may do other things, too.
        assert!(took < Duration::from_secs(1), "{beginning}… took {took:?}");
        parsed.map_err(|error| error.message)
    })
}

#[test]
fn a_hundred_thousand_brackets_are_refused() {
    for (open, close) in [
        ("(", ")"),
        ("-", ""),
        ("sum(", ")"),
        ("abs(", ")"),
        ("a + (", ")"),
    ] {
        let count = 100_000 / open.len().max(1);
        let whole = format!("{}a{}", open.repeat(count / 2), close.repeat(count / 2));
        let unclosed = format!("{}a", open.repeat(count));
        for query in [whole, unclosed] {
            let message = parse_in_time(query).unwrap_err();
            assert!(message.contains("nested deeper"), "{open}: {message}");
        }
    }
    for bracket in ["[", "]", "{", "}", ")"] {
        parse_in_time(bracket.repeat(100_000)).unwrap_err();
        parse_in_time(format!("a{}", bracket.repeat(100_000))).unwrap_err();
    }
}

#[test]
fn nested_durations_are_refused() {
    for open in ["(", "-", "min_of(1s, ", "1 ^ ", "5m + ("] {
        for place in ["a[", "a[5m:", "a offset -(", "a offset ("] {
            let message = parse_in_time(format!("{place}{}1m", open.repeat(8_000))).unwrap_err();
            assert!(
                message.contains("nested deeper"),
                "{place}{open}: {message}"
            );
        }
    }
}

#[test]
fn long_chains_are_refused_and_long_lists_are_not() {
    for operator in ["or", "+", "^", "and", "=="] {
        let chain = vec!["a"; 10_000].join(&format!(" {operator} "));
        let message = parse_in_time(chain).unwrap_err();
        assert!(message.contains("nested deeper"), "{operator}: {message}");
    }
    let labels = vec!["a"; 10_000].join(",");
    parse_in_time(format!("sum by ({labels}) (a)")).unwrap();
    let numbered = |letter: &str| {
        let labels: Vec<String> = (0..9_000).map(|n| format!("{letter}{n}")).collect();
        labels.join(",")
    };
    let (on, group) = (numbered("a"), numbered("b"));
    parse_in_time(format!("a / on ({on}) group_left ({group}) b")).unwrap();
    let matchers = vec!["a=\"b\""; 10_000].join(",");
    parse_in_time(format!("{{{matchers}}}")).unwrap();
    let args = vec!["\"b\""; 10_000].join(",");
    parse_in_time(format!("label_join(a, {args})")).unwrap();
    let subqueries = "a".to_owned() + &" offset 0".repeat(10_000);
    parse_in_time(subqueries).unwrap();
}

#[test]
fn a_query_may_be_long_but_not_longer_than_the_limit() {
    let quoted = |length: usize| format!("{{a=\"{}\"}}", "x".repeat(length - 6));
    parse_in_time(quoted(MAX_QUERY_BYTES)).unwrap();
    let message = parse_in_time(quoted(MAX_QUERY_BYTES + 1)).unwrap_err();
    assert!(message.contains("longer than"), "{message}");
    for garbage in [
        "\0", "é", "((", "{{", "\"", "\\", "a ", "0x", "1e", "5m", "#\n", "/",
    ] {
        parse_in_time(garbage.repeat(1_000_000 / garbage.len())).unwrap_err();
        parse_in_time(garbage.repeat(100_000 / garbage.len())).unwrap_err();
    }
}

/// Trees of each kind of node, as deep as is allowed or nearly so.
fn deepest() -> Vec<String> {
    let nested = |times: usize, open: &str, close: &str| {
        format!("{}a{}", open.repeat(times), close.repeat(times))
    };
    let durations = |times: usize, open: &str, close: &str| {
        format!("a[{}1m{}]", open.repeat(times), close.repeat(times))
    };
    vec![
        nested(MAX_DEPTH - 1, "a + ", ""),
        nested(MAX_DEPTH - 1, "", " + a"),
        nested(MAX_DEPTH - 1, "a ^ ", ""),
        nested(MAX_DEPTH - 1, "(", ")"),
        nested(MAX_DEPTH - 1, "-", ""),
        nested(MAX_DEPTH - 1, "abs(", ")"),
        nested(MAX_DEPTH - 1, "sum by (x) (", ")"),
        nested(MAX_DEPTH / 2 - 1, "count_values(\"x\", -", ")"),
        nested(MAX_DEPTH / 2 - 1, "topk(scalar(", "), a)"),
        nested(MAX_DEPTH / 2 - 1, "label_join(a + ", ", \"x\", \"y\")"),
        nested(
            MAX_DEPTH / 2 - 1,
            "max_over_time(",
            "[5m:1m] offset 5m @ 1)",
        ),
        nested(
            MAX_DEPTH / 2 - 1,
            "a + on (x) group_left (y) fill (1) (",
            ")",
        ),
        durations(MAX_DEPTH - 2, "min_of(1s, ", ")"),
        durations(MAX_DEPTH - 2, "1m ^ ", ""),
        durations(MAX_DEPTH - 2, "", " + 1m"),
        durations(MAX_DEPTH / 2 - 2, "-(", ")"),
    ]
}

#[test]
fn the_deepest_trees_are_printed_walked_compared_cloned_and_dropped_on_a_small_stack() {
    for query in deepest() {
        let name: String = query.chars().take(30).collect();
        on_a_small_stack(move || {
            let mut tree = parse(&query).unwrap_or_else(|error| panic!("{name}: {error}"));
            let printed = tree.to_string();
            let again = parse(&printed).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(again == tree, "{name}");
            tree.for_each_selector_mut(|selector| selector.name = None);
            assert!(!tree.selectors().is_empty());
            let _ = tree.value_type();
            let copy = tree.clone();
            drop(tree);
            drop(copy);
        });
    }
}
