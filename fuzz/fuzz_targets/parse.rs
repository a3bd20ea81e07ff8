//! No bytes that a caller sends make the parsers panic, hang or overflow.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    if let Err(error) = query::logql::parse(query) {
        assert!(error.offset <= query.len());
        let _ = error.render(query);
    }
    if let Err(error) = query::promql::parse(query) {
        assert!(error.offset <= query.len());
        let _ = error.render(query);
    }
    let _ = query::logql::parse_on_resource(query);
});
