//! However large or deep a query is, the answer comes soon and takes no stack.

// `clippy.toml` allows these in tests, which helpers of tests are not to clippy.
#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::{Duration, Instant};

use query::limits::{MAX_DEPTH, MAX_QUERY_BYTES};
use query::{Matcher, logql, scope};

const STACK: usize = 256 * 1024;

/// Far more than it takes in a debug build, so that a busy machine does not fail the test, and far
/// less than what takes quadratic time.
const SOON: Duration = Duration::from_secs(2);

/// Runs `work` in a thread with a small stack.
fn in_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    thread.unwrap().join().unwrap();
}

/// Does with `query` whatever can be done with one, and says whether it was accepted.
fn exercise(name: &str, query: &str) -> bool {
    let start = Instant::now();
    let by = Matcher::equal("resource_id", "r1");
    let accepted = match logql::parse(query) {
        Err(error) => {
            assert!(!error.render(query).is_empty());
            assert!(scope::logql(query, &by).is_err());
            false
        }
        Ok(tree) => {
            let printed = tree.to_string();
            let again = logql::parse(&printed).unwrap();
            assert!(again.clone() == tree, "{name}");
            let scoped = scope::logql(query, &by).unwrap();
            assert_eq!(scope::logql(&scoped, &by).unwrap(), scoped, "{name}");
            true
        }
    };
    let _ = scope::logql_on_resource(query, &by);
    let took = start.elapsed();
    assert!(took < SOON, "{name} took {took:?}");
    accepted
}

#[test]
fn brackets_by_the_hundred_thousand_are_an_error() {
    in_small_stack(|| {
        let starts = [
            ("bracket", "", "("),
            ("sum", "", "sum("),
            ("sum by", "", "sum by(a)("),
            ("label_replace", "", "label_replace("),
            ("range", "rate(", "("),
            ("label filter", "{a=\"b\"}|", "("),
            ("braces", "", "{"),
            ("square brackets", "", "["),
            ("minus", "", "-"),
            ("binary", "", "1+("),
            ("closing", "", ")"),
            ("comment", "", "/*"),
            ("quote", "", "\""),
            ("operators", "1", "+"),
            ("keyword", "", "sum "),
        ];
        for (name, start, part) in starts {
            let count = 100_000.min((MAX_QUERY_BYTES - start.len()) / part.len());
            let query = start.to_owned() + &part.repeat(count);
            assert!(!exercise(name, &query), "{name}");
        }
    });
}

/// What is looked over inside of a string, as long as it may be.
#[test]
fn expressions_and_patterns_are_read_once() {
    in_small_stack(|| {
        let strings = [
            ("brackets", "{a=~`", "[", "`}", false),
            ("groups", "{a=~`", "(", "`}", false),
            ("a class of classes", "{a=~`[", "[:", "`}", false),
            ("classes", "{a=~`", "[[:a]", "`}", true),
            ("names of groups", "{a=~`", "(?P<", "`}", false),
            ("literals", "{a=~`", "\\Q", "`}", true),
            ("regexp", "{}|regexp`", "(?<", "`", false),
            (
                "label_replace",
                "label_replace(1,``,``,``,`",
                "[[:a]",
                "`)",
                true,
            ),
            ("pattern", "{}|pattern`", "<", "`", false),
            ("pattern of names", "{}|pattern`", "<a", "`", false),
            ("pattern of captures", "{}|pattern`<a>", "<_", "`", true),
        ];
        for (name, start, part, end, accepted) in strings {
            // Less than the limit by what scoping and quoting add.
            let count = (MAX_QUERY_BYTES / 5 * 3) / part.len();
            let query = start.to_owned() + &part.repeat(count) + end;
            assert_eq!(exercise(name, &query), accepted, "{name}");
        }
    });
}

#[test]
fn long_chains_are_scoped_or_refused_soon() {
    in_small_stack(|| {
        let chains = [
            ("numbers", "1", "+1", "", false),
            ("powers", "1", "^1", "", false),
            ("vectors", "vector(1)", " or vector(1)", "", false),
            ("label filters or", "{}|a=1", " or a=1", "", false),
            ("label filters and", "{}|a=1", " and a=1", "", false),
            ("label filters comma", "{}|a=1", ",a=1", "", false),
            ("label filters side by side", "{}|a=1", " a=1", "", false),
            ("line filter or", "{}|=\"a\"", " or \"b\"", "", true),
            ("line filter not or", "{}!=\"a\"", " or \"b\"", "", true),
            ("stages", "{}", "|json", "", true),
            ("matchers", "{a=\"b\"", ",a=\"b\"", "}", true),
            ("labels", "sum by(a", ",a", ")(vector(1))", true),
            ("extractions", "{}|json a", ",a", "", true),
            (
                "post filters",
                "sum_over_time({}|unwrap a",
                "|a=1",
                "[5m])",
                true,
            ),
        ];
        for (name, start, part, end, accepted) in chains {
            let query = start.to_owned() + &part.repeat(10_000) + end;
            assert_eq!(exercise(name, &query), accepted, "{name}");
        }
    });
}

#[test]
fn garbage_is_an_error() {
    in_small_stack(|| {
        let whole = "{a=\"b\"}|=~\u{e9}\u{0}\"`'[]()5m-#/*,\n!<>^%sum by rate_over_time 1e\\";
        for start in whole.char_indices().map(|(at, _)| at) {
            let query = whole.get(start..).unwrap().repeat(64);
            exercise("garbage", &query);
        }
        let megabyte = whole.repeat(1024 * 1024 / whole.len());
        assert!(!exercise("a megabyte", &megabyte));
    });
}

#[test]
fn the_deepest_trees_that_are_allowed_work_and_deeper_ones_are_refused() {
    in_small_stack(|| {
        let inner = MAX_DEPTH - 1;
        let query = |start: &str, part: &str, count: usize, middle: &str, end: &str| {
            start.to_owned() + &part.repeat(count) + middle + &end.repeat(count)
        };
        for (name, start, part, middle, end) in [
            ("left", "1", "+1", "", ""),
            ("right", "1", "^1", "", ""),
            ("right in brackets", "", "1-(", "1", ")"),
            ("sums", "", "sum(", "vector(1)", ")"),
            (
                "replace",
                "",
                "label_replace(",
                "vector(1)",
                ",``,``,``,``)",
            ),
            ("filters to the left", "{}|a=1", " or a=1", "", ""),
            ("filters to the right", "{}|a=1", ",a=1", "", ""),
            ("filters in brackets", "{}|", "a=1 or (", "a=1", ")"),
        ] {
            assert!(
                exercise(name, &query(start, part, inner, middle, end)),
                "{name}"
            );
            let deeper = query(start, part, inner + 1, middle, end);
            assert!(!exercise(name, &deeper), "{name}, one more");
        }
        // Brackets that leave nothing in the tree count as depth too.
        assert!(exercise("brackets", &query("", "(", MAX_DEPTH, "1", ")")));
        assert!(!exercise(
            "brackets",
            &query("", "(", MAX_DEPTH + 1, "1", ")")
        ));
    });
}
