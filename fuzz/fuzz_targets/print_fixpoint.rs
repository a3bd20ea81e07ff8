//! What is printed parses to the same tree and prints the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    if let Ok(tree) = query::logql::parse(query) {
        let printed = tree.to_string();
        let again = query::logql::parse(&printed).expect("what was printed parses");
        assert_eq!(tree, again, "{printed}");
        assert_eq!(printed, again.to_string());
    }
    if let Ok(tree) = query::promql::parse(query) {
        let printed = tree.to_string();
        let again = query::promql::parse(&printed).expect("what was printed parses");
        assert_eq!(tree, again, "{printed}");
        assert_eq!(printed, again.to_string());
    }
});
