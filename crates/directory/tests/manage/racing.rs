//! Writes that meet: whatever the order, the rules hold afterwards.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use std::sync::Arc;

use directory::manage::record::Done;
use directory::manage::{Operation, Write};
use directory::{Directory, DirectoryError};
use tokio::sync::Barrier;

use crate::home::Home;
use crate::manager::{
    all, by, by_operator, deletion, give, if_match, kind, new_organization, new_project,
    new_resource, now, operate, place, renaming, role, text, with_key, withdrawal, write,
};

const ROUNDS: usize = 15;

/// Lets writes start together, from one process or, every other time, from as many as there are.
async fn race(
    home: &Home,
    directories: &[Directory],
    writes: Vec<(Write, Operation)>,
) -> Vec<Result<Done, DirectoryError>> {
    let start = Arc::new(Barrier::new(writes.len()));
    let racers = writes
        .into_iter()
        .enumerate()
        .map(|(number, (write, operation))| {
            let directory = directories[number % directories.len()].clone();
            let start = Arc::clone(&start);
            home.runtime.spawn(async move {
                start.wait().await;
                directory.write(write, operation).await
            })
        });
    let mut results = Vec::new();
    for racer in racers.collect::<Vec<_>>() {
        results.push(racer.await.unwrap());
    }
    results
}

fn kinds(results: &[Result<Done, DirectoryError>]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = results.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds
}

/// Two processes with one database.
async fn replicas(home: &Home) -> Vec<Directory> {
    let directories = vec![home.open().await, home.open().await];
    operate(&directories[0], new_organization("acme")).await;
    directories
}

pub async fn of_equal_grants_one_is_made(home: &Home) {
    let directories = replicas(home).await;
    for round in 0..ROUNDS {
        let who = format!("user-{round}");
        let grants = (0..6).map(|_| (by_operator(), role(&who, "Viewer", "acme")));
        let results = race(home, &directories, grants.collect()).await;
        assert_eq!(
            kinds(&results),
            ["done", "exists", "exists", "exists", "exists", "exists"]
        );
    }
}

pub async fn of_equal_creations_one_is_made(home: &Home) {
    let directories = replicas(home).await;
    for round in 0..ROUNDS {
        let id = format!("org-{round}");
        let creations = (0..4).map(|who| (by(&format!("user-{who}")), new_organization(&id)));
        let results = race(home, &directories, creations.collect()).await;
        assert_eq!(kinds(&results), ["done", "exists", "exists", "exists"]);
        // With one owner, who made it.
        let owners = directories[0].assignments(&place(&id), now(), &all()).await;
        assert_eq!(owners.unwrap().records.len(), 1);
    }
}

pub async fn a_deletion_that_meets_a_grant_leaves_no_orphan(home: &Home) {
    let directories = replicas(home).await;
    let mut seen = Vec::new();
    for round in 0..ROUNDS {
        let (project, resource) = (format!("project-{round}"), format!("resource-{round}"));
        operate(&directories[0], new_project(&project, Some("acme"))).await;
        operate(&directories[0], new_resource(&project, &resource)).await;
        let (on_project, on_resource) = (format!("/{project}"), format!("/{project}/{resource}"));
        let writes = vec![
            (by_operator(), role("x", "Viewer", &on_project)),
            (by_operator(), deletion(&on_project, true)),
            (by_operator(), role("x", "Viewer", &on_resource)),
            (
                by_operator(),
                new_resource(&project, &format!("late-{round}")),
            ),
        ];
        let results = race(home, &directories, writes).await;
        assert_eq!(kind(&results[1]), "done");
        for result in [&results[0], &results[2], &results[3]] {
            assert!(["done", "not found"].contains(&kind(result)), "{result:?}");
            seen.push(kind(result));
        }
        let orphans = "INSERT INTO {}roles (role_id, name, display_name) \
                       SELECT 'orphan', 'orphan', 'orphan' FROM {}role_assignments \
                       WHERE scope_type <> 'organization'";
        home.sql(orphans).await.unwrap();
        assert_eq!(directories[0].roles().await.unwrap().len(), 3);
    }
}

pub async fn a_deletion_past_this_program_that_meets_a_grant_leaves_no_orphan(home: &Home) {
    let directories = replicas(home).await;
    for round in 0..ROUNDS {
        let project = format!("project-{round}");
        operate(&directories[0], new_project(&project, Some("acme"))).await;
        let on_project = format!("/{project}");
        let directory = directories[0].clone();
        let grant = home.runtime.spawn(async move {
            directory
                .write(by_operator(), role("x", "Viewer", &on_project))
                .await
        });
        let delete = format!("DELETE FROM {{}}projects WHERE project_id = '{project}'");
        home.sql(&delete).await.unwrap();
        let result = grant.await.unwrap();
        assert!(["done", "not found"].contains(&kind(&result)), "{result:?}");
        let orphans = "INSERT INTO {}roles (role_id, name, display_name) \
                       SELECT 'orphan', 'orphan', 'orphan' FROM {}role_assignments \
                       WHERE scope_type <> 'organization'";
        home.sql(orphans).await.unwrap();
        assert_eq!(directories[0].roles().await.unwrap().len(), 3);
    }
}

pub async fn of_two_owners_who_withdraw_each_other_one_stays(home: &Home) {
    let directories = replicas(home).await;
    for round in 0..ROUNDS {
        let id = format!("org-{round}");
        write(&directories[0], "anna", new_organization(&id)).await;
        let held = directories[0].assignments(&place(&id), now(), &all()).await;
        let annas = held.unwrap().records.remove(0).assignment_id;
        let bobs = give(&directories[0], "bob", "Owner", &id).await;
        let writes = vec![
            (by("anna"), withdrawal(&bobs, &id)),
            (by("bob"), withdrawal(&annas, &id)),
        ];
        let results = race(home, &directories, writes).await;
        assert_eq!(kinds(&results), ["done", "forbidden"]);
        // Each their own, at once: one is the last.
        let last = if results[0].is_ok() { "anna" } else { "bob" };
        let coras = give(&directories[0], "cora", "Owner", &id).await;
        let lasts = if last == "anna" { annas } else { bobs };
        let writes = vec![
            (by("cora"), withdrawal(&coras, &id)),
            (by(last), withdrawal(&lasts, &id)),
        ];
        let results = race(home, &directories, writes).await;
        assert_eq!(kinds(&results), ["conflict", "done"]);
    }
}

pub async fn a_grant_needs_the_role_that_is_being_withdrawn(home: &Home) {
    let directories = replicas(home).await;
    give(&directories[0], "keeper", "Owner", "acme").await;
    for round in 0..ROUNDS {
        let id = give(&directories[0], "granter", "Owner", "acme").await;
        let friend = format!("friend-{round}");
        let writes = vec![
            (by("granter"), role(&friend, "Viewer", "acme")),
            (by("keeper"), withdrawal(&id, "acme")),
        ];
        let results = race(home, &directories, writes).await;
        assert_eq!(kind(&results[1]), "done");
        assert!(["done", "forbidden"].contains(&kind(&results[0])));
        // Whatever came first: it is over, from every replica.
        for directory in &directories {
            let late = directory
                .write(by("granter"), role("late", "Viewer", "acme"))
                .await;
            assert_eq!(kind(&late), "forbidden");
        }
    }
}

pub async fn of_two_updates_of_one_state_one_is_made(home: &Home) {
    let directories = replicas(home).await;
    let mut tag = operate(&directories[0], renaming("acme", "start"))
        .await
        .etag
        .unwrap();
    for round in 0..ROUNDS {
        let writes = (0..3).map(|racer| {
            let name = format!("{round}-{racer}");
            (if_match(by_operator(), &tag), renaming("acme", &name))
        });
        let results = race(home, &directories, writes.collect()).await;
        let expected = ["done", "precondition failed", "precondition failed"];
        assert_eq!(kinds(&results), expected);
        let done = results.into_iter().find_map(Result::ok).unwrap();
        tag = done.etag.unwrap();
    }
}

pub async fn of_two_writes_with_one_key_one_is_made(home: &Home) {
    let directories = replicas(home).await;
    give(&directories[0], "keeper", "Owner", "acme").await;
    for round in 0..ROUNDS {
        let (key, id) = (format!("key-{round}"), format!("project-{round}"));
        let writes = (0..4).map(|_| (with_key(by("keeper"), &key), new_project(&id, Some("acme"))));
        let results = race(home, &directories, writes.collect()).await;
        assert_eq!(kinds(&results), ["done"; 4]);
        let done: Vec<Done> = results.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().filter(|done| !done.replayed).count(), 1);
        for other in &done {
            assert_eq!((&other.json, &other.etag), (&done[0].json, &done[0].etag));
            assert_eq!(other.assignment, done[0].assignment);
        }
        let audit = directories[0]
            .audit(&place(&format!("/{id}")), &all())
            .await;
        assert_eq!(audit.unwrap().records.len(), 1);
    }
}

pub async fn writes_about_different_things_all_succeed(home: &Home) {
    let directories = replicas(home).await;
    let writes = (0..24).map(|number| {
        (
            by(&format!("user-{number}")),
            new_organization(&format!("org-{number}")),
        )
    });
    let results = race(home, &directories, writes.collect()).await;
    assert_eq!(kinds(&results), ["done"; 24]);
    let text = text(results[0].as_ref().unwrap(), "org_id");
    assert_eq!(text, "org-0");
}
