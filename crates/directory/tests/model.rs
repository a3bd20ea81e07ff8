//! Random histories, decided by two replicas and by a model that remembers nothing.
//!
//! Writes go through either replica or past both; questions come at random clocks and to either.
//! A replica's answer must be that of now as far as its own writes go, and may leave out others'
//! for a second. `PROPTEST_CASES` says how many histories there are on each database.

#[path = "model/history.rs"]
mod history;
#[path = "support/home.rs"]
mod home;
#[path = "model/naive.rs"]
mod naive;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "model/step.rs"]
mod step;
#[path = "model/write.rs"]
mod write;

use std::sync::atomic::{AtomicU32, Ordering};

use directory::Directory;
use history::History;
use home::Home;
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use step::{Step, Via, Write, step};

#[allow(clippy::panic, reason = "part of a test")]
fn histories_are_decided_as_the_model_decides(home: &Home) {
    let replicas = home.block_on(async { [home.open().await, home.open().await] });
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 24;
    }
    config.failure_persistence = None;
    // One that chance finds seldom: the last owner of an organization is to go.
    let owner =
        |write: fn(u8, u8, (u8, u8)) -> Write| Step::Write(Via::Replica(0), write(1, 1, (0, 0)));
    let last_owner = [
        owner(|who, role, scope| Write::Grant(who, role, scope, None)),
        owner(Write::Withdraw),
    ];
    let lived_through = home.block_on(lived(home, &replicas, 0, &last_owner));
    assert_eq!(lived_through, Ok(()));
    let cases = AtomicU32::new(1);
    let steps = vec(step(), 1..60);
    let ran = TestRunner::new(config).run(&steps, |steps| {
        let case = cases.fetch_add(1, Ordering::SeqCst);
        home.block_on(lived(home, &replicas, case, &steps))
            .map_err(TestCaseError::fail)
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

/// Lives through one history, and compares everything at its end.
async fn lived(
    home: &Home,
    replicas: &[Directory; 2],
    case: u32,
    steps: &[Step],
) -> Result<(), String> {
    let mut history = History::begin(home, replicas, case).await;
    for step in steps {
        history.take(step).await?;
    }
    history.settle().await
}

#[test]
fn histories_on_sqlite() {
    histories_are_decided_as_the_model_decides(&Home::sqlite());
}

#[test]
fn histories_on_postgresql() {
    if let Some(home) = Home::postgres() {
        histories_are_decided_as_the_model_decides(&home);
    }
}
