//! LogQL held against Loki's own parser, on the corpus beside the repository.
//!
//! The corpus is looked for in `KTRLPLANE_CORPUS`, then in `../shared/corpus` beside the
//! repository. Where there is none, this says so and passes, except with `CI=true`.

// `clippy.toml` allows these in tests, which helpers of tests are not to clippy.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
// What Loki folds it compares exactly.
#![allow(clippy::float_cmp)]

use std::path::PathBuf;

use query::logql::ast::{BinaryOp, Expr, LabelFilter, MetricExpr, Stage};
use query::number::Number;
use query::{MatchOp, Matcher, logql, scope};
use serde_json::Value;

struct Case {
    query: String,
    /// For valid ones: the selectors, and Loki's print of the scoped query.
    valid: Option<(Vec<Vec<Matcher>>, String)>,
}

fn corpus(name: &str) -> Option<Vec<Case>> {
    let directory = std::env::var_os("KTRLPLANE_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(directory.join(name)) else {
        println!(
            "NOT TESTED: {name} is not in {}; KTRLPLANE_CORPUS names the corpus's directory",
            directory.display()
        );
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "the corpus is required where CI=true"
        );
        return None;
    };
    Some(text.lines().map(case).collect())
}

fn case(line: &str) -> Case {
    let value: Value = serde_json::from_str(line).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let matcher = |value: &Value| Matcher {
        name: text(&value[0]).into(),
        op: match value[1].as_str().unwrap() {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            "=~" => MatchOp::Regex,
            "!~" => MatchOp::NotRegex,
            other => panic!("{other}"),
        },
        value: text(&value[2]).into(),
    };
    let selector = |value: &Value| value.as_array().unwrap().iter().map(matcher).collect();
    Case {
        query: text(&value["query"]),
        valid: value["valid"].as_bool().unwrap().then(|| {
            let selectors = value["selectors"].as_array().unwrap();
            (
                selectors.iter().map(selector).collect(),
                text(&value["scoped"]),
            )
        }),
    }
}

/// The tree with what Loki's print loses taken out: it prints byte sizes rounded (`2.5KiB` as
/// `2.6kB`) and vectors' numbers to six places, and computes arithmetic on numbers (`1 + 1` as `2`).
fn as_loki_prints(mut expr: Expr) -> Expr {
    match &mut expr {
        Expr::Log(log) => log.stages.iter_mut().for_each(stage),
        Expr::Metric(expr) => metric(expr),
    }
    expr
}

fn stage(stage: &mut Stage) {
    if let Stage::Label(filter) = stage {
        label(filter);
    }
}

fn label(filter: &mut LabelFilter) {
    match filter {
        LabelFilter::Bytes(_, _, bytes) => bytes.value = 0,
        LabelFilter::And(left, right) | LabelFilter::Or(left, right) => {
            label(left);
            label(right);
        }
        LabelFilter::Match(_)
        | LabelFilter::Ip(_)
        | LabelFilter::Number(..)
        | LabelFilter::Duration(..) => {}
    }
}

fn metric(expr: &mut MetricExpr) {
    match expr {
        MetricExpr::Range(aggregation) => {
            let range = &mut aggregation.range;
            range.log.stages.iter_mut().for_each(stage);
            if let Some(unwrap) = &mut range.unwrap {
                unwrap.post_filters.iter_mut().for_each(label);
            }
        }
        MetricExpr::Vector(aggregation) => metric(&mut aggregation.expr),
        MetricExpr::LabelReplace(replace) => metric(&mut replace.expr),
        MetricExpr::Literal(_) => {}
        MetricExpr::VectorLiteral(number) => {
            number.value = format!("{:.6}", number.value).parse().unwrap();
        }
        MetricExpr::Binary(binary) => {
            metric(&mut binary.lhs);
            metric(&mut binary.rhs);
            if let (MetricExpr::Literal(lhs), MetricExpr::Literal(rhs)) = (&binary.lhs, &binary.rhs)
            {
                let value = fold(binary.op, lhs.value, rhs.value);
                let text = value.to_string().into();
                *expr = MetricExpr::Literal(Number { value, text });
            }
        }
    }
}

fn fold(op: BinaryOp, lhs: f64, rhs: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match op {
        BinaryOp::Add => lhs + rhs,
        BinaryOp::Sub => lhs - rhs,
        BinaryOp::Mul => lhs * rhs,
        BinaryOp::Div | BinaryOp::Mod if rhs == 0.0 => f64::NAN,
        BinaryOp::Div => lhs / rhs,
        BinaryOp::Mod => lhs % rhs,
        BinaryOp::Pow => lhs.powf(rhs),
        BinaryOp::Eq => truth(lhs == rhs),
        BinaryOp::Ne => truth(lhs != rhs),
        BinaryOp::Gt => truth(lhs > rhs),
        BinaryOp::Ge => truth(lhs >= rhs),
        BinaryOp::Lt => truth(lhs < rhs),
        BinaryOp::Le => truth(lhs <= rhs),
        BinaryOp::Or | BinaryOp::And | BinaryOp::Unless => panic!("no numbers here"),
    }
}

/// Whether Loki refuses the query for a selector all of whose matchers match the empty string. It
/// is accepted here: scoped, it has one that does not.
fn selects_everything(expr: &Expr) -> bool {
    expr.selectors().iter().any(|selector| {
        selector.matchers.iter().all(|matcher| {
            let value = matcher.value.as_str().unwrap();
            let matches_empty = || {
                let regex = regex::Regex::new(&format!("^(?s:{value})$"));
                regex.is_ok_and(|regex| regex.is_match(""))
            };
            match matcher.op {
                MatchOp::Equal => value.is_empty(),
                MatchOp::NotEqual => !value.is_empty(),
                MatchOp::Regex => matches_empty(),
                MatchOp::NotRegex => !matches_empty(),
            }
        })
    })
}

fn hold_against(name: &str) {
    let Some(cases) = corpus(name) else { return };
    let by = Matcher::equal("resource_id", "r1");
    let (mut valid, mut faults) = (0, Vec::new());
    let (mut invalid, mut refused, mut everything) = (0, 0, 0);
    for Case {
        query,
        valid: expected,
    } in &cases
    {
        let parsed = logql::parse(query);
        let Some((selectors, scoped)) = expected else {
            invalid += 1;
            match parsed {
                Err(error) => {
                    assert!(error.offset <= query.len() && error.line > 0 && error.column > 0);
                    refused += 1;
                }
                Ok(tree) if selects_everything(&tree) => everything += 1,
                Ok(_) => println!("{name}: accepted, but Loki refuses it: {query}"),
            }
            continue;
        };
        valid += 1;
        let tree = match parsed {
            Ok(tree) => tree,
            Err(error) => {
                faults.push(format!("refused: {}", error.render(query)));
                continue;
            }
        };
        let found: Vec<_> = tree
            .selectors()
            .iter()
            .map(|s| s.matchers.clone())
            .collect();
        if found != *selectors {
            faults.push(format!("selectors: {query}"));
        }
        let printed = tree.to_string();
        if logql::parse(&printed).as_ref() != Ok(&tree)
            || logql::parse(&printed).unwrap().to_string() != printed
        {
            faults.push(format!("print: {query}\n  {printed}"));
        }
        let ours = match scope::logql(query, &by) {
            Ok(ours) => ours,
            Err(error) => {
                faults.push(format!("not scoped: {query}: {error}"));
                continue;
            }
        };
        if scope::logql(&ours, &by).as_ref() != Ok(&ours) {
            faults.push(format!("scoped twice: {ours}"));
        }
        let same = logql::parse(scoped).is_ok_and(|theirs| {
            as_loki_prints(theirs) == as_loki_prints(logql::parse(&ours).unwrap())
        });
        if !same {
            faults.push(format!("tree: {query}\n  {ours}\n  {scoped}"));
        }
    }
    let strict = invalid - everything;
    println!(
        "{name}: {valid} valid, {} faults; {invalid} invalid: {everything} of them only for \
         selecting everything, of the other {strict} refused {refused} ({:.2} %)",
        faults.len(),
        100.0 * f64::from(refused) / f64::from(strict),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(refused * 100 >= strict * 99);
}

#[test]
fn lokis_own_queries_mean_the_same() {
    hold_against("logql-upstream.jsonl");
}

#[test]
fn mutated_queries_mean_the_same() {
    hold_against("logql-mutated.jsonl");
}
