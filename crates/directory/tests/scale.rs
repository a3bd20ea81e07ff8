//! Lists in a directory of a million resources. Not part of every run: filling takes a minute.
//!
//! `cargo test -p directory --test scale -- --ignored --nocapture`

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a measurement, made as a test"
)]

#[path = "support/home.rs"]
mod home;
#[path = "support/manager.rs"]
mod manager;
#[path = "support/postgres.rs"]
mod postgres;

use std::time::{Duration, Instant};

use directory::manage::list::{Page, Reader};
use home::{Home, organization, project};
use manager::{
    by_operator, deletion, new_resource, now, operate, place, reader, renaming, withdrawal,
};

/// 1,000 organizations, of which one has half of the projects; 100,000 projects, of which one has
/// half of the resources; 1,000,000 resources; 100,000 users with ten roles each.
const FILL: &str = "
    INSERT INTO {}organizations (org_id, name) SELECT 'o' || i, 'x' FROM N1000;
    INSERT INTO {}projects (project_id, org_id, name)
        SELECT 'p' || i, CASE WHEN i % 2 = 0 THEN 'o0' ELSE 'o' || (i % 1000) END, 'x' FROM N100000;
    INSERT INTO {}resources (resource_id, project_id, name, type)
        SELECT 'r' || i, CASE WHEN i % 2 = 0 THEN 'p0' ELSE 'p' || (i % 100000) END, 'x', 'x'
        FROM N1000000;
    INSERT INTO {}users (user_id, email, name)
        SELECT 'u' || i, 'u' || i || '@example.org', 'User ' || i FROM N100000;
    INSERT INTO {}role_assignments (assignment_id, user_id, role_id, scope_type, scope_id)
        SELECT 'a' || i, 'u' || (i % 100000), 'viewer', 'project', 'p' || (i / 10) FROM N1000000;
    INSERT INTO {}role_assignments (assignment_id, user_id, role_id, scope_type, scope_id)
        SELECT 'b' || i, 'u' || i, 'viewer', 'organization', 'o1' FROM N100000;
    INSERT INTO {}role_assignments (assignment_id, user_id, role_id, scope_type, scope_id) VALUES
        ('boss', 'u1', 'owner', 'organization', 'o0'),
        ('small-boss', 'u3', 'owner', 'project', 'p77777'),
        ('few-1', 'u2', 'viewer', 'resource', 'r0'),
        ('few-2', 'u2', 'viewer', 'resource', 'r500000');
    ANALYZE;";

fn fill(home: &Home) -> String {
    let mut statements = FILL.to_owned();
    for size in ["1000000", "100000", "1000"] {
        let numbers = if home.is_postgres() {
            format!("generate_series(0, {size} - 1) n (i)")
        } else {
            format!(
                "(WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n \
                 WHERE i < {size} - 1) SELECT i FROM n)"
            )
        };
        statements = statements.replace(&format!("N{size}"), &numbers);
    }
    statements
}

/// The longest of a few times, of which the first is not counted: it warms what is kept.
async fn time(what: &str, mut ask: impl AsyncFnMut() -> usize) {
    let mut longest = Duration::ZERO;
    let records = ask().await;
    for _ in 0..12 {
        let started = Instant::now();
        assert_eq!(ask().await, records);
        longest = longest.max(started.elapsed());
    }
    eprintln!("{what}: {records} records, at most {longest:?}");
}

#[allow(
    clippy::too_many_lines,
    reason = "one list of what is measured, read from top to bottom"
)]
async fn measure(home: &Home) {
    home.open().await.close().await;
    home.sql(&fill(home)).await.unwrap();
    let directory = home.open().await;
    let (big_org, small_org) = (organization("o0"), organization("o1"));
    let (big, small) = (project("p0"), project("p1"));
    for (place, after) in [("start", None), ("middle", Some("p5")), ("end", Some("p9"))] {
        let page = Page {
            after: after.map(str::to_owned),
            limit: 100,
        };
        let page_of_resources = Page {
            after: after.map(|after| after.replace('p', "r")),
            limit: 100,
        };
        for who in [
            Reader::Operator,
            reader("u1"),
            reader("u2"),
            reader("nobody"),
        ] {
            let name = match &who {
                Reader::Operator => "operator",
                Reader::Subject(subject, _) => subject.as_str(),
            };
            for (kind, of) in [
                ("all projects", None),
                ("projects of a big organization", Some(&big_org)),
                ("projects of a small organization", Some(&small_org)),
            ] {
                time(&format!("{kind} for {name} at the {place}"), async || {
                    let listed = directory.projects(&who, of, &page).await.unwrap();
                    listed.records.len()
                })
                .await;
            }
            for (kind, of) in [("a big project", &big), ("a small project", &small)] {
                time(
                    &format!("resources of {kind} for {name} at the {place}"),
                    async || {
                        let listed = directory.resources(&who, of, &page_of_resources).await;
                        listed.unwrap().records.len()
                    },
                )
                .await;
            }
        }
    }
    let first = Page {
        after: None,
        limit: 100,
    };
    for who in [
        Reader::Operator,
        reader("u1"),
        reader("u3"),
        reader("nobody"),
    ] {
        time(&format!("organizations for {who:?}"), async || {
            directory
                .organizations(&who, &first)
                .await
                .unwrap()
                .records
                .len()
        })
        .await;
        for text in ["u99", "user 5", "nobody", ""] {
            time(&format!("users `{text}` for {who:?}"), async || {
                directory.users(&who, text, 20).await.unwrap().len()
            })
            .await;
        }
    }
    for on in ["o1", "/p1", "/p0/r0"] {
        time(&format!("assignments at {on}"), async || {
            directory
                .assignments(&place(on), now(), &first)
                .await
                .unwrap()
                .records
                .len()
        })
        .await;
    }
    time("a renaming", async || {
        operate(&directory, renaming("/p0", "y")).await;
        1
    })
    .await;
    time("a resource, made and deleted", async || {
        operate(&directory, new_resource("p0", "fresh")).await;
        operate(&directory, deletion("/p0/fresh", false)).await;
        1
    })
    .await;
    time("a role, given and withdrawn", async || {
        let id = manager::give(&directory, "u7", "Editor", "o1").await;
        operate(&directory, withdrawal(&id, "o1")).await;
        1
    })
    .await;
    let started = Instant::now();
    let cascade = directory.write(by_operator(), deletion("/p0", true)).await;
    eprintln!(
        "a project of 500,000 resources: {:?} {:?}",
        started.elapsed(),
        manager::kind(&cascade)
    );
}

#[test]
#[ignore = "takes minutes"]
fn lists_are_quick_on_sqlite() {
    let home = Home::sqlite();
    home.block_on(measure(&home));
}

#[test]
#[ignore = "takes minutes"]
fn lists_are_quick_on_postgresql() {
    if let Some(home) = Home::postgres() {
        home.block_on(measure(&home));
    }
}
