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
//! Every query goes through a real gateway: token, directory, scoping, HTTP on loopback.
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
use vocabulary::OTHER;
use world::{Store, Stores, World};

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
        "non-interference: {} queries in {:.1} s, {rounds} data sets, seed {first}: \
         {} LogQL ({} found something), {} PromQL ({} found something), {} instant, {} with absent; \
         {} answered with nothing, {} refused; no difference",
        counts.total(),
        begin.elapsed().as_secs_f64(),
        counts.logql,
        counts.logql_answered,
        counts.promql,
        counts.promql_answered,
        counts.instant,
        counts.absent,
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
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    let accepted = 1.0 - share(counts.refused, counts.total());
    assert!(
        accepted >= 0.9,
        "only {accepted:.3} of the queries were accepted"
    );
    for (language, found, asked) in [
        ("LogQL", counts.logql_answered, counts.logql),
        ("PromQL", counts.promql_answered, counts.promql),
    ] {
        let found = share(found, asked);
        assert!(
            found >= 0.45,
            "only {found:.3} of the {language} queries found anything"
        );
    }
}

/// Every part of both trees was in some query.
fn everything_was_asked(census: &Census) {
    let mut parts = [
        census.of(promql::ExprKind::ALL),
        census.of(promql::BinaryOpKind::ALL),
        census.of(promql::AtKind::ALL),
        census.of(promql::DurationKind::ALL),
        census.of(&AggregateOp::ALL),
        census.of(Function::ALL),
        census.of(logql::StageKind::ALL),
        census.of(logql::LineOpKind::ALL),
        census.of(logql::MatchKind::ALL),
        census.of(logql::FilterKind::ALL),
        census.of(logql::CompareKind::ALL),
        census.of(logql::FormatKind::ALL),
        census.of(logql::ItemKind::ALL),
        census.of(logql::ConversionKind::ALL),
        census.of(logql::MetricKind::ALL),
        census.of(logql::BinaryOpKind::ALL),
        census.of(&RangeOp::ALL),
        census.of(&VectorOp::ALL),
    ]
    .concat();
    parts.sort();
    let of_all = parts.len();
    let rarest: Vec<String> = parts
        .iter()
        .take(3)
        .map(|(count, part)| format!("{part} ({count})"))
        .collect();
    tell(format_args!(
        "  {of_all} parts of the languages, least often asked: {}",
        rarest.join(", ")
    ));
    let never: Vec<&str> = parts
        .iter()
        .filter(|(count, _)| *count == 0)
        .map(|(_, part)| part.as_str())
        .collect();
    assert!(never.is_empty(), "never asked: {}", never.join(", "));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gateway_reaches_all_that_its_store_holds() {
    let people = People::new().await;
    let seed = seed();
    let world = World::new(seed, &people).await;
    let mut connections = world.connect().await;
    for question in Question::for_what_others_alone_have() {
        let text = &question.query;
        // Whoever asks for the other resource finds it behind one gateway and not the other, so
        // that the two do stand before different stores.
        let full = connections
            .ask_of(OTHER, Store::Full, &question, text)
            .await;
        let alone = connections
            .ask_of(OTHER, Store::Alone, &question, text)
            .await;
        assert_eq!((full.status, alone.status), (200, 200), "{full:?}");
        assert!(!full.is_empty(), "seed {seed}: {text} found nothing");
        assert!(alone.is_empty(), "seed {seed}: {text} found {alone:?}");
        // And who asks for the one that the test asks for finds nothing of it behind either.
        for store in [Store::Full, Store::Alone] {
            let mine = connections.ask(store, &question, text).await;
            assert!(mine.status == 200 && mine.is_empty(), "{mine:?}");
        }
    }
    drop(connections);
    world.shutdown().await;
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
    const ASKED: u64 = 1_000;
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
        told * 5 >= ASKED * 2,
        "only {told} of {ASKED} queries, seed {seed}"
    );
}
