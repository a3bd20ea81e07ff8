//! A scoped query is scoped again to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use query::Matcher;

fuzz_target!(|query: &str| {
    let by = Matcher::equal("resource_id", "r1");
    if let Ok(scoped) = query::scope::logql(query, &by) {
        assert_eq!(query::scope::logql(&scoped, &by).as_ref(), Ok(&scoped));
    }
    if let Ok(scoped) = query::scope::logql_on_resource(query, &by) {
        assert_eq!(
            query::scope::logql_on_resource(&scoped, &by).as_ref(),
            Ok(&scoped)
        );
    }
    if let Ok(scoped) = query::scope::promql(query, &by) {
        assert_eq!(query::scope::promql(&scoped, &by).as_ref(), Ok(&scoped));
    }
});
