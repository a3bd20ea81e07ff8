//! The grammar of PromQL by example, and its properties on trees and tokens made at random.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used
)] // the helpers of a test may do what a test may

use proptest::prelude::*;
use query::promql::parse;

#[path = "promql/trees.rs"]
mod trees;

#[test]
fn every_line_of_the_examples_is_what_it_says() {
    let lines = include_str!("data/promql.txt").lines();
    let examples = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let wrong: Vec<String> = examples.filter_map(|line| judge(line).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn judge(line: &str) -> Result<(), String> {
    if let Some((query, expected)) = line.split_once("  !!  ") {
        let Err(error) = parse(query) else {
            return Err(format!("{query}\nis accepted"));
        };
        let (place, words) = expected.split_once(' ').unwrap();
        let at = format!("{}:{}", error.line, error.column);
        if at == place && error.message.contains(words) {
            return Ok(());
        }
        return Err(format!("{line}\n{error}"));
    }
    let (query, expected) = line.split_once("  =>  ").unwrap_or((line, line));
    let tree = parse(query).map_err(|error| format!("{query}\n{error}"))?;
    let printed = tree.to_string();
    let again = parse(&printed).map_err(|error| format!("{printed}\n{error}"))?;
    if printed == expected && again == tree {
        return Ok(());
    }
    Err(format!("{line}\n{printed}\n{again}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_printed_is_read_as_the_same_tree(tree in trees::any()) {
        let text = tree.to_string();
        let again = parse(&text);
        prop_assert!(again.is_ok(), "{}\n{:?}", text, again);
        // Parentheses were printed where the tree lacked some that it needs.
        let bare = again.clone().map(trees::without_parens);
        prop_assert_eq!(bare, Ok(trees::without_parens(tree)), "{}", text);
        let printed = again.as_ref().map(ToString::to_string);
        prop_assert_eq!(printed.as_ref(), Ok(&text));
    }

    #[test]
    fn a_tree_without_any_parentheses_is_printed_with_those_it_needs(tree in trees::any()) {
        let bare = trees::without_parens(tree);
        let text = bare.to_string();
        let again = parse(&text);
        prop_assert!(again.is_ok(), "{}\n{:?}", text, again);
        prop_assert_eq!(again.clone().map(|again| again.to_string()), Ok(text.clone()));
        prop_assert_eq!(again.map(trees::without_parens), Ok(bare), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_tokens_make_the_parser_panic_and_what_it_takes_it_prints(text in trees::soup()) {
        if let Ok(tree) = parse(&text) {
            let printed = tree.to_string();
            let again = parse(&printed);
            prop_assert_eq!(again.as_ref(), Ok(&tree), "{}\n{}", text, printed);
            prop_assert_eq!(again.map(|again| again.to_string()), Ok(printed));
        }
    }
}
