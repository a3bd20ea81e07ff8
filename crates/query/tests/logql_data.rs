//! Queries and what becomes of them, a pair of lines each, in `data/logql.txt`: the query, and
//! behind `=>` its canonical text, or behind `!!` the error. A newline in a query is written `⏎`.
//!
//! `UPDATE=1` writes the file anew; the difference is then for a person to judge.

// `clippy.toml` allows these in tests, which helpers of tests are not to clippy.
#![allow(clippy::unwrap_used)]

use query::logql;

#[test]
fn every_query_becomes_what_the_file_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/logql.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let mut actual = String::new();
    for line in text.lines() {
        if line.starts_with("=> ") || line.starts_with("!! ") {
            continue;
        }
        actual.push_str(line);
        actual.push('\n');
        if line.is_empty() || line.starts_with("## ") {
            continue;
        }
        let query = line.replace('⏎', "\n");
        match logql::parse(&query) {
            Ok(tree) => {
                let printed = tree.to_string();
                assert_eq!(logql::parse(&printed), Ok(tree), "{line}");
                assert_eq!(logql::parse(&printed).unwrap().to_string(), printed);
                actual.extend(["=> ", &printed, "\n"]);
            }
            Err(error) => actual.extend(["!! ", &error.to_string(), "\n"]),
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &actual).unwrap();
    }
    assert_eq!(actual, text);
}
