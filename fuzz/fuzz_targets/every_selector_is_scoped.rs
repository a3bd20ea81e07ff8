//! Every selector of a scoped query carries the resource's matcher, and there are as many
//! selectors as there were.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query::Matcher;

fuzz_target!(|query: &str| {
    let by = Matcher::equal("resource_id", "r1");
    if let Ok(scoped) = query::scope::logql(query, &by) {
        let before = query::logql::parse(query).expect("it was scoped");
        let after = query::logql::parse(&scoped).expect("what was scoped parses");
        assert_eq!(before.selectors().len(), after.selectors().len());
        assert!(after.selectors().iter().all(|selector| selector.matchers.contains(&by)));
    }
    if let Ok(scoped) = query::scope::promql(query, &by) {
        let before = query::promql::parse(query).expect("it was scoped");
        let after = query::promql::parse(&scoped).expect("what was scoped parses");
        assert_eq!(before.selectors().len(), after.selectors().len());
        assert!(after.selectors().iter().all(|selector| selector.matchers.contains(&by)));
    }
});
