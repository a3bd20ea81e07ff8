//! Non-interference: what a caller gets back for a resource is what they would get if the backend
//! held that resource's data alone. This is the claim of the product (SECURITY.md), and this test
//! puts it to many thousand queries made at random from both grammars, over data made at random.
//!
//! For every query, with the embedded backend as store:
//! - the gateway's answer over everybody's data is its answer over the resource's data alone;
//! - over the resource's data alone the scoped query answers what the query itself answers. Only
//!   the label that `absent` and `absent_over_time` report is different, and it is taken off where
//!   it comes in.
//!
//! Range queries go through a real gateway: token, directory, scoping, HTTP on loopback. Instant
//! queries, for which it has no endpoint, are scoped by the same library and asked in process.
//!
//! `KTRLPLANE_NONINTERFERENCE_QUERIES` says how many queries (20,000 if not),
//! `KTRLPLANE_NONINTERFERENCE_SEED` which ones (others each time if not). A failure names the seed
//! and number that bring it back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "all of this is tests, helpers included"
)]

mod census;
mod dice;
mod vocabulary;

mod data;

mod logql;
mod matchers;
mod promql;

mod people;
mod question;
mod world;

mod broken;
mod judge;

use std::fmt::Arguments;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use gateway::query::logql::ast::{RangeOp, VectorOp};
use gateway::query::promql::ast::AggregateOp;
use gateway::query::promql::functions::Function;

use broken::BROKEN;
use census::Census;
use judge::{Counts, Difference, Way, judge};
use people::People;
use question::Question;
use world::{Stores, World};

/// How many queries are asked of one data set.
const ROUND: u64 = 2_500;
/// How many clients ask at a time.
const CLIENTS: u64 = 4;
/// Queries without any variable set.
const QUERIES: u64 = 20_000;

/// Tells the person who runs the test, even where the output of tests that pass is kept back.
fn tell(what: Arguments) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(format!("KTRLPLANE_NONINTERFERENCE_{name}")).ok()?;
    let plain = text.replace('_', "");
    Some(
        plain
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

fn seed() -> u64 {
    variable("SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()))
}

/// What one client or all of them found.
#[derive(Default)]
struct Findings {
    counts: Counts,
    census: Census,
    differences: Vec<(u64, Difference)>,
}

impl Findings {
    fn add(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.census.add(other.census);
        self.differences.extend(other.differences);
    }
}

/// Asks the first `count` questions of a round, each client every so manyeth.
async fn round(seed: u64, count: u64, people: &People) -> Findings {
    let world = Arc::new(World::new(seed, people).await);
    let next = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (world, next) = (Arc::clone(&world), Arc::clone(&next));
            tokio::spawn(async move {
                let mut connections = world.connect().await;
                let mut findings = Findings::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || findings.differences.len() > 2 {
                        return findings;
                    }
                    let question = Question::new(seed, number, &mut findings.census);
                    let mut way = Way::Gateway(&mut connections);
                    match judge(&world.stores, &question, &mut way).await {
                        Ok(verdict) => findings.counts.count(&question, verdict),
                        Err(difference) => findings.differences.push((number, difference)),
                    }
                }
            })
        })
        .collect();
    let mut findings = Findings::default();
    for client in clients {
        findings.add(client.await.expect("a client ends"));
    }
    let world = Arc::into_inner(world).expect("the clients have gone");
    world.shutdown().await;
    findings
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_over_everybodys_data_is_that_over_the_resources_alone() {
    let (queries, first) = (variable("QUERIES").unwrap_or(QUERIES), seed());
    let begin = Instant::now();
    tell(format_args!(
        "non-interference: {queries} queries, seed {first}"
    ));
    let people = People::new().await;
    let mut all = Findings::default();
    let rounds = queries.div_ceil(ROUND);
    for number in 0..rounds {
        let seed = first.wrapping_add(number);
        let count = ROUND.min(queries - number * ROUND);
        let found = round(seed, count, &people).await;
        let places: Vec<String> = found
            .differences
            .iter()
            .map(|(at, difference)| {
                let queries = at + 1;
                format!("seed {seed}, the last of {queries} queries: {difference}")
            })
            .collect();
        assert!(places.is_empty(), "{}", places.join("\n\n"));
        all.add(found);
        if (number + 1) % 40 == 0 {
            let seconds = begin.elapsed().as_secs();
            tell(format_args!(
                "  {} queries in {seconds} s",
                all.counts.total()
            ));
        }
    }
    let counts = all.counts;
    tell(format_args!(
        "non-interference: {} queries in {:.1} s, {} data sets, seed {first}: {} LogQL, {} PromQL, \
         {} instant, {} with absent; {} answered, {} of nothing, {} refused; no difference",
        counts.total(),
        begin.elapsed().as_secs_f64(),
        rounds,
        counts.logql,
        counts.promql,
        counts.instant,
        counts.absent,
        counts.answered,
        counts.empty,
        counts.refused,
    ));
    // Fewer queries than this are somebody's look at one of them.
    if queries >= 2_000 {
        worth_something(&counts);
    }
    if queries >= QUERIES {
        everything_was_asked(&all.census);
    }
}

/// A test whose queries are refused, or find nothing, would pass as well.
fn worth_something(counts: &Counts) {
    let total = counts.total() as f64;
    let accepted = (counts.answered + counts.empty) as f64 / total;
    let answered = counts.answered as f64 / total;
    assert!(
        accepted >= 0.9,
        "only {accepted:.3} of the queries were accepted"
    );
    assert!(
        answered >= 0.5,
        "only {answered:.3} of the queries found anything"
    );
}

/// Every part of both trees was in some query.
fn everything_was_asked(census: &Census) {
    let never = [
        census.never(promql::ExprKind::ALL),
        census.never(promql::BinaryOpKind::ALL),
        census.never(promql::AtKind::ALL),
        census.never(promql::DurationKind::ALL),
        census.never(&AggregateOp::ALL),
        census.never(Function::ALL),
        census.never(logql::StageKind::ALL),
        census.never(logql::LineOpKind::ALL),
        census.never(logql::MatchKind::ALL),
        census.never(logql::FilterKind::ALL),
        census.never(logql::CompareKind::ALL),
        census.never(logql::FormatKind::ALL),
        census.never(logql::ItemKind::ALL),
        census.never(logql::ConversionKind::ALL),
        census.never(logql::MetricKind::ALL),
        census.never(logql::BinaryOpKind::ALL),
        census.never(&RangeOp::ALL),
        census.never(&VectorOp::ALL),
    ]
    .concat();
    assert!(never.is_empty(), "never asked: {}", never.join(", "));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scoping_that_is_wrong_is_found_out() {
    const MOST: u64 = 1_000;
    let seed = seed();
    let stores = Stores::new(seed);
    for broken in BROKEN {
        let scope = |question: &Question, text: &str| broken.scoped(question, text);
        let mut found = None;
        for number in 0..MOST {
            let question = Question::new(seed, number, &mut Census::default());
            if let Err(difference) = judge(&stores, &question, &mut Way::Function(&scope)).await {
                found = Some((number, difference));
                break;
            }
        }
        let name = broken.name;
        let Some((number, _)) = found else {
            panic!("a scoping that {name} was not found out in {MOST} queries of seed {seed}");
        };
        tell(format_args!(
            "a scoping that {name}: found out by query {}",
            number + 1
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_queries_would_tell_if_nothing_were_scoped() {
    const ASKED: u64 = 400;
    let seed = seed();
    let stores = Stores::new(seed);
    let scope = |_: &Question, text: &str| Some(text.to_owned());
    let mut told = 0;
    for number in 0..ASKED {
        let question = Question::new(seed, number, &mut Census::default());
        let verdict = judge(&stores, &question, &mut Way::Function(&scope)).await;
        told += u64::from(verdict.is_err());
    }
    tell(format_args!(
        "unscoped, {told} of {ASKED} queries show others' data"
    ));
    assert!(
        told * 2 >= ASKED,
        "only {told} of {ASKED} queries, seed {seed}"
    );
}
