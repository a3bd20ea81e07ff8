//! What is remembered: answered at once, never for longer than it may be, and gone with a change.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use directory::policy::{Action, Place, Scope};
use directory::{Directory, Options};

use crate::home::{
    Home, access, at, fill, grant, may, organization, project, reads, recalled, resource, subject,
    within_a_second,
};

/// Asks until the answer is one that was remembered.
async fn warm(directory: &Directory, who: &str, place: &Place) {
    let started = Instant::now();
    while recalled(directory, who, place).is_none() {
        assert!(started.elapsed() < Duration::from_secs(5), "never warm");
        directory.access(&subject(who), place).await.unwrap();
    }
}

fn shop() -> Place {
    Place::Project(project("acme-shop"))
}

pub async fn a_warm_question_is_answered_where_it_is_asked(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let owner = grant("alice", "Owner", Scope::Organization(organization("acme")));
    directory.grant(owner).await.unwrap();
    for (place, allowed) in [
        (shop(), true),
        (
            Place::Resource(project("acme-shop"), resource("shop-api")),
            true,
        ),
        (
            Place::Resource(project("acme-shop"), resource("iot-graph")),
            true,
        ),
        (Place::Organization(organization("acme")), true),
        (Place::Organization(organization("nope")), false),
        (Place::Project(project("nope")), false),
        (Place::Project(project("globex-iot")), false),
    ] {
        let started = Instant::now();
        let mut in_a_row = 0;
        // A machine that is busy elsewhere may let the lease lapse for a moment.
        while in_a_row < 1000 {
            assert!(started.elapsed() < Duration::from_secs(10), "{place}");
            if let Some(access) = recalled(&directory, "alice", &place) {
                assert_eq!(access.decide(Action::Read, at(0)).is_ok(), allowed);
                in_a_row += 1;
            } else {
                warm(&directory, "alice", &place).await;
                in_a_row = 0;
            }
        }
    }
}

pub async fn an_expiry_passes_at_its_second_while_warm(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let mut viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    viewer.expires_at = Some(at(2_000_000_000));
    directory.grant(viewer).await.unwrap();
    for (now, holds) in [(1_999_999_999, true), (2_000_000_000, false)] {
        warm(&directory, "victor", &shop()).await;
        assert_eq!(
            may(&directory, "victor", Action::Read, "acme-shop", now).await,
            holds
        );
    }
}

/// Each write through this directory counts for what is asked after it, however warm.
pub async fn ones_own_writes_are_seen_at_once(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let (api, parent) = (resource("shop-api"), project("acme-shop"));
    let place = Place::Resource(parent.clone(), api.clone());
    for _ in 0..20 {
        warm(&directory, "victor", &place).await;
        let viewer = grant("victor", "Viewer", Scope::Project(parent.clone()));
        let id = directory.grant(viewer).await.unwrap();
        assert!(reads(&directory, "victor", "acme-shop").await);
        warm(&directory, "victor", &place).await;
        directory.delete_resource(&api, &parent).await.unwrap();
        let gone = access(&directory, "victor", "acme-shop", Some("shop-api")).await;
        assert_eq!(gone.unwrap().lineage().unwrap().resource, None);
        warm(&directory, "victor", &place).await;
        let created = directory.create_resource(&api, &parent, "x", "x").await;
        created.unwrap();
        let back = access(&directory, "victor", "acme-shop", Some("shop-api")).await;
        assert!(back.unwrap().lineage().unwrap().resource.is_some());
        warm(&directory, "victor", &place).await;
        directory.revoke(&id).await.unwrap();
        assert!(!reads(&directory, "victor", "acme-shop").await);
    }
}

/// Each kind of change that another process can make, seen by two replicas that were warm.
pub async fn what_others_write_is_seen_within_a_second(home: &Home) {
    let (directory, replica) = (home.open().await, home.open().await);
    fill(&directory).await.unwrap();
    home.sql(
        "INSERT INTO {}roles (role_id, name, display_name) VALUES ('tester', 'T', 'T'); \
         INSERT INTO {}permissions VALUES ('graph-read', 'Konnektr.Graph', 'read')",
    )
    .await
    .unwrap();
    let insert = |id: &str, role: &str, scope: &str, on: &str| {
        format!(
            "INSERT INTO {{}}role_assignments \
             (assignment_id, user_id, role_id, scope_type, scope_id) \
             VALUES ('{id}', 'victor', '{role}', '{scope}', '{on}')"
        )
    };
    let permission =
        |id: &str| format!("INSERT INTO {{}}role_permissions VALUES ('tester', '{id}')");
    let empty = if home.is_postgres() {
        "TRUNCATE {}role_assignments"
    } else {
        "DELETE FROM {}role_assignments"
    };
    // Whether Victor reads the project afterwards.
    let changes = [
        (insert("a1", "viewer", "project", "acme-shop"), true),
        ("DELETE FROM {}role_assignments WHERE assignment_id = 'a1'".to_owned(), false),
        (insert("a2", "owner", "organization", "acme"), true),
        ("UPDATE {}projects SET org_id = 'globex' WHERE project_id = 'acme-shop'".to_owned(), false),
        ("UPDATE {}projects SET org_id = 'acme' WHERE project_id = 'acme-shop'".to_owned(), true),
        ("UPDATE {}projects SET org_id = NULL WHERE project_id = 'acme-shop'".to_owned(), false),
        ("UPDATE {}projects SET org_id = 'acme' WHERE project_id = 'acme-shop'".to_owned(), true),
        ("UPDATE {}role_assignments SET expires_at = '2020-01-01 00:00:00'".to_owned(), false),
        ("UPDATE {}role_assignments SET expires_at = NULL".to_owned(), true),
        ("UPDATE {}role_assignments SET user_id = 'alice'".to_owned(), false),
        ("UPDATE {}role_assignments SET user_id = 'victor'".to_owned(), true),
        ("UPDATE {}role_assignments SET scope_id = 'globex'".to_owned(), false),
        ("UPDATE {}role_assignments SET scope_id = 'acme'".to_owned(), true),
        ("UPDATE {}role_assignments SET role_id = 'tester'".to_owned(), false),
        (permission("ktrlplane-read"), true),
        ("UPDATE {}role_permissions SET permission_id = 'graph-read'  WHERE role_id = 'tester'".to_owned(), false),
        ("UPDATE {}role_permissions SET permission_id = 'ktrlplane-read'  WHERE role_id = 'tester'".to_owned(), true),
        ("UPDATE {}permissions SET action = 'peruse' WHERE permission_id = 'ktrlplane-read'".to_owned(), false),
        ("UPDATE {}permissions SET action = 'read' WHERE permission_id = 'ktrlplane-read'".to_owned(), true),
        ("DELETE FROM {}role_permissions WHERE role_id = 'tester'".to_owned(), false),
        (permission("ktrlplane-read"), true),
        ("DELETE FROM {}resources WHERE project_id = 'acme-shop'; \
          DELETE FROM {}projects WHERE project_id = 'acme-shop'".to_owned(), false),
        ("INSERT INTO {}projects (project_id, org_id, name) VALUES ('acme-shop', 'acme', 'x')".to_owned(), true),
        // With the user goes what the user holds.
        ("DELETE FROM {}users WHERE user_id = 'victor'".to_owned(), false),
        ("INSERT INTO {}users (user_id, name) VALUES ('victor', 'x')".to_owned() + ";" + &insert("a3", "viewer", "project", "acme-shop"), true),
        (empty.to_owned(), false),
    ];
    for (change, expected) in changes {
        for directory in [&directory, &replica] {
            warm(directory, "victor", &shop()).await;
            assert_ne!(
                reads(directory, "victor", "acme-shop").await,
                expected,
                "{change}"
            );
        }
        home.sql(&change)
            .await
            .unwrap_or_else(|error| panic!("{change}: {error}"));
        within_a_second(async || {
            reads(&directory, "victor", "acme-shop").await == expected
                && reads(&replica, "victor", "acme-shop").await == expected
        })
        .await;
    }
}

pub async fn places_that_others_make_and_move_are_seen_within_a_second(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let fresh = Place::Organization(organization("fresh"));
    let api = Place::Resource(project("acme-shop"), resource("shop-api"));
    let exists = async |place: &Place| {
        let access = directory.access(&subject("victor"), place).await.unwrap();
        access.lineage().is_some_and(|lineage| match place {
            Place::Resource(..) => lineage.resource.is_some(),
            Place::Organization(_) | Place::Project(_) => true,
        })
    };
    for (place, change, expected) in [
        (
            &fresh,
            "INSERT INTO {}organizations (org_id, name) VALUES ('fresh', 'x')",
            true,
        ),
        (
            &fresh,
            "DELETE FROM {}organizations WHERE org_id = 'fresh'",
            false,
        ),
        (
            &api,
            "UPDATE {}resources SET project_id = 'lonely' WHERE resource_id = 'shop-api'",
            false,
        ),
        (
            &api,
            "UPDATE {}resources SET project_id = 'acme-shop' WHERE resource_id = 'shop-api'",
            true,
        ),
        (
            &api,
            "DELETE FROM {}resources WHERE resource_id = 'shop-api'",
            false,
        ),
        (
            &api,
            "INSERT INTO {}resources (resource_id, project_id, name, type) \
             VALUES ('shop-api', 'acme-shop', 'x', 'x')",
            true,
        ),
    ] {
        warm(&directory, "victor", place).await;
        assert_ne!(exists(place).await, expected, "{change}");
        home.sql(change).await.unwrap();
        within_a_second(async || exists(place).await == expected).await;
    }
}

/// Many ask at every moment of a write: none of their answers may outlive it.
pub async fn a_question_that_races_a_write_leaves_nothing_behind(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let askers = (0..4).map(|_| {
        let (directory, stop) = (directory.clone(), Arc::clone(&stop));
        home.runtime.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                reads(&directory, "victor", "acme-shop").await;
                tokio::task::yield_now().await;
            }
        })
    });
    let askers: Vec<_> = askers.collect();
    for _ in 0..100 {
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        let id = directory.grant(viewer).await.unwrap();
        for _ in 0..10 {
            assert!(reads(&directory, "victor", "acme-shop").await);
        }
        directory.revoke(&id).await.unwrap();
        for _ in 0..10 {
            assert!(!reads(&directory, "victor", "acme-shop").await);
        }
    }
    stop.store(true, Ordering::SeqCst);
    for asker in askers {
        asker.await.unwrap();
    }
}

pub async fn however_little_room_there_is_the_answers_are_the_same(home: &Home) {
    home.open().await.close().await;
    for cache_entries in [0, 1] {
        let options = Options {
            cache_entries,
            ..home.options()
        };
        let directory = Directory::open(options).await.unwrap();
        fill(&directory).await.ok();
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        let id = directory.grant(viewer).await.unwrap();
        for _ in 0..50 {
            assert!(reads(&directory, "victor", "acme-shop").await);
            assert!(!reads(&directory, "victor", "acme-lab").await);
            assert!(!reads(&directory, "alice", "acme-shop").await);
        }
        directory.revoke(&id).await.unwrap();
        assert!(!reads(&directory, "victor", "acme-shop").await);
    }
}

pub async fn nothing_is_recalled_from_a_closed_directory(home: &Home) {
    let directory = Directory::open(Options {
        grace: Duration::from_mins(10),
        ..home.options()
    });
    let directory = directory.await.unwrap();
    fill(&directory).await.unwrap();
    warm(&directory, "victor", &shop()).await;
    directory.close().await;
    assert_eq!(recalled(&directory, "victor", &shop()), None);
    assert!(
        access(&directory, "victor", "acme-shop", None)
            .await
            .is_err()
    );
}

pub async fn the_watch_ends_with_the_last_clone(home: &Home) {
    let directory = home.open().await;
    let clone = directory.clone();
    warm(&clone, "victor", &shop()).await;
    drop(directory);
    assert!(connections(home).await > 0);
    drop(clone);
    let started = Instant::now();
    while connections(home).await > 0 {
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many connections there are to the database, or how often the file is open.
async fn connections(home: &Home) -> usize {
    if home.is_postgres() {
        return home
            .count(
                "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await;
    }
    let path = home.url.trim_start_matches("sqlite:");
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open.filter_map(|file| std::fs::read_link(file.path()).ok());
    open.filter(|file| file.to_string_lossy().starts_with(path))
        .count()
}
