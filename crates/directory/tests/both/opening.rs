//! Opening, sharing and closing.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use directory::policy::{Scope, SystemRole};
use directory::{Directory, DirectoryError};

use crate::home::{Home, access, fill, grant, may, project, reads};

fn is_unavailable<T>(result: &Result<T, DirectoryError>) -> bool {
    matches!(result, Err(DirectoryError::Unavailable(_)))
}

pub async fn replicas_may_open_an_empty_database_at_once(home: &Home) {
    let replicas = (0..8).map(|_| home.runtime.spawn(Directory::open(home.options())));
    for replica in replicas.collect::<Vec<_>>() {
        let directory = replica.await.unwrap().unwrap();
        directory.ping().await.unwrap();
    }
}

pub async fn what_is_written_is_there_after_opening_again(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    directory.grant(viewer).await.unwrap();
    directory.close().await;
    assert!(reads(&home.open().await, "victor", "acme-shop").await);
}

pub async fn the_system_roles_are_those_of_the_policy(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    for role in SystemRole::ALL {
        let scope = Scope::Project(project("acme-shop"));
        let id = directory
            .grant(grant("victor", role.name(), scope))
            .await
            .unwrap();
        let there = access(&directory, "victor", "acme-shop", None).await;
        let there = there.unwrap();
        let permissions = there.assignments().map(|held| held.permissions.len());
        assert_eq!(permissions.collect::<Vec<_>>(), [role.actions().len()]);
        for action in role.actions() {
            assert!(may(&directory, "victor", *action, "acme-shop", 0).await);
        }
        directory.revoke(&id).await.unwrap();
    }
}

pub async fn a_database_of_a_later_version_is_refused(home: &Home) {
    home.open().await.close().await;
    let table = if home.is_postgres() {
        "observability_migrations"
    } else {
        "_sqlx_migrations"
    };
    let insert = format!(
        "INSERT INTO {{}}{table} (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', true, '', 0)"
    );
    home.sql(&insert).await.unwrap();
    let refused = Directory::open(home.options()).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, DirectoryError::Invalid(text) if text.contains("9999")),
        "{refused}"
    );
}

pub async fn a_dropped_caller_leaves_no_broken_connection(home: &Home) {
    let mut options = home.options();
    options.max_connections = 2;
    let directory = Directory::open(options).await.unwrap();
    fill(&directory).await.unwrap();
    let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    directory.grant(viewer).await.unwrap();
    for call in 0..50 {
        // Another each time, of which nothing is remembered.
        let who = format!("x{call}");
        let mut call = pin!(access(&directory, &who, "acme-shop", None));
        // Started, and given up before there is an answer.
        let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready()));
        first.await;
    }
    for _ in 0..10 {
        assert!(reads(&directory, "victor", "acme-shop").await);
    }
}

/// A database that does not answer is as good as none (threat 23), and is used again afterwards.
pub async fn a_lock_ends_in_a_timeout_and_not_in_a_hang(home: &Home) {
    home.open().await.close().await;
    let mut options = home.options();
    options.query_timeout = Duration::from_millis(500);
    options.max_connections = 2;
    let directory = Directory::open(options).await.unwrap();
    fill(&directory).await.unwrap();
    let statements = if home.is_postgres() {
        "BEGIN; LOCK TABLE {}projects IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT"
    } else {
        // Readers are never locked out of a WAL database, writers are.
        "BEGIN IMMEDIATE; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
         SELECT count(*) FROM n; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) \
         SELECT count(*) FROM n; COMMIT"
    };
    let lock = home.sql(statements);
    let waiter = async {
        let mut locked_out = 0;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            let asked = Instant::now();
            let fresh = project(&format!("p{}", asked.duration_since(started).as_nanos()));
            let result = if home.is_postgres() {
                let who = fresh.to_string();
                access(&directory, &who, "acme-shop", None).await.map(drop)
            } else {
                directory.create_project(&fresh, None, "x").await
            };
            assert!(
                asked.elapsed() < Duration::from_secs(2),
                "{:?}",
                asked.elapsed()
            );
            match result {
                Ok(()) if locked_out > 0 => return,
                Ok(()) => tokio::task::yield_now().await,
                Err(_) => {
                    assert!(is_unavailable(&result), "{result:?}");
                    locked_out += 1;
                }
            }
        }
        panic!("locked out {locked_out} times, and for good");
    };
    let (locked, ()) = tokio::join!(lock, waiter);
    locked.unwrap();
}

pub async fn a_closed_directory_is_unavailable(home: &Home) {
    let directory = home.open().await;
    let clone = directory.clone();
    directory.close().await;
    assert!(is_unavailable(&clone.ping().await));
    assert!(is_unavailable(&access(&clone, "x", "x", None).await));
    clone.close().await;
}

pub async fn a_stopped_runtime_is_unavailable(home: &Home) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let mut options = home.options();
    options.runtime = runtime.handle().clone();
    let directory = Directory::open(options).await.unwrap();
    runtime.shutdown_background();
    assert!(is_unavailable(&directory.ping().await));
}
