//! PostgreSQL's notifications: what the triggers say, and what counts while they are cut off.

#![allow(clippy::unwrap_used, reason = "support for the tests below")]

#[path = "support/home.rs"]
mod home;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/proxy.rs"]
mod proxy;

use std::time::{Duration, Instant};

use directory::policy::{Place, Scope};
use directory::{Directory, DirectoryError, Options};
use home::{Home, access, fill, grant, project, reads, recalled, within_a_second};
use proxy::Proxy;
use sqlx::postgres::PgListener;

const GIVE: &str = "INSERT INTO {}role_assignments \
     (assignment_id, user_id, role_id, scope_type, scope_id) \
     VALUES ('a1', 'victor', 'viewer', 'project', 'acme-shop')";
const TAKE: &str = "DELETE FROM {}role_assignments WHERE assignment_id = 'a1'";

fn shop() -> Place {
    Place::Project(project("acme-shop"))
}

/// Waits until an answer about Victor is one that was remembered.
async fn warm(directory: &Directory) {
    warm_about("victor", directory).await;
}

async fn warm_about(who: &str, directory: &Directory) {
    let started = Instant::now();
    while recalled(directory, who, &shop()).is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "never warm");
        access(directory, who, "acme-shop", None).await.ok();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_unavailable<T>(result: &Result<T, DirectoryError>) -> bool {
    matches!(result, Err(DirectoryError::Unavailable(_)))
}

/// Gives and takes a role over and over, past the directory, each seen within a second.
async fn every_change_is_seen(home: &Home, directory: &Directory) {
    for _ in 0..3 {
        home.sql(GIVE).await.unwrap();
        within_a_second(async || reads(directory, "victor", "acme-shop").await).await;
        home.sql(TAKE).await.unwrap();
        within_a_second(async || !reads(directory, "victor", "acme-shop").await).await;
    }
}

#[test]
fn the_triggers_say_what_has_changed() {
    let Some(home) = Home::postgres() else {
        return;
    };
    home.block_on(async {
        let directory = home.open().await;
        fill(&directory).await.unwrap();
        let url = home.url.clone();
        let listener = home.runtime.spawn(async move {
            let mut listener = PgListener::connect(&url).await.unwrap();
            listener.listen("ktrlplane_directory").await.unwrap();
            listener
        });
        let mut listener = listener.await.unwrap();
        for (change, told) in [
            (GIVE, &["assignments victor"][..]),
            (
                "UPDATE {}role_assignments SET user_id = 'alice'",
                &["assignments alice", "assignments victor"],
            ),
            ("UPDATE {}role_assignments SET assigned_by = 'root'", &[]),
            ("UPDATE {}projects SET name = 'y', status = 'Busy'", &[]),
            (
                "UPDATE {}projects SET org_id = 'globex' WHERE project_id LIKE 'acme-%'",
                &["project acme-lab", "project acme-shop"],
            ),
            ("UPDATE {}resources SET name = 'y'", &[]),
            (
                "UPDATE {}resources SET project_id = 'lonely' WHERE resource_id = 'shop-api'",
                &["resource shop-api"],
            ),
            ("UPDATE {}organizations SET name = 'y'", &[]),
            (
                "INSERT INTO {}organizations (org_id, name) VALUES ('fresh', 'x')",
                &["organization fresh"],
            ),
            (
                "DELETE FROM {}organizations WHERE org_id = 'fresh'",
                &["organization fresh"],
            ),
            // With a place and with a user goes what is held there.
            (
                "DELETE FROM {}projects WHERE project_id = 'acme-shop'",
                &["assignments alice", "project acme-shop"],
            ),
            (
                "INSERT INTO {}role_assignments \
                 (assignment_id, user_id, role_id, scope_type, scope_id) \
                 VALUES ('a1', 'victor', 'viewer', 'organization', 'acme'); \
                 DELETE FROM {}users WHERE user_id = 'victor'",
                &["assignments victor"],
            ),
            ("DELETE FROM {}role_assignments WHERE false", &[]),
            (
                "INSERT INTO {}role_permissions VALUES ('viewer', 'ktrlplane-write')",
                &["*"],
            ),
            ("UPDATE {}permissions SET action = action", &["*"]),
            ("UPDATE {}roles SET display_name = 'x'", &["*"]),
            ("TRUNCATE {}role_assignments", &["*"]),
            // A hundred are listed, more are not.
            (
                "INSERT INTO {}organizations (org_id, name) \
                 SELECT 'o' || i, 'x' FROM generate_series(1, 101) i",
                &["*"],
            ),
            (
                "UPDATE {}organizations SET org_id = org_id || 'x' WHERE name = 'x'",
                &["*"],
            ),
            // Whoever loads a dump this way must not go unnoticed.
            (
                "SET session_replication_role = replica; \
                 INSERT INTO {}organizations (org_id, name) VALUES ('fresh', 'x')",
                &["organization fresh"],
            ),
        ] {
            home.sql(change).await.unwrap();
            // A mark behind it: all that came before has been said.
            home.sql("SELECT pg_notify('ktrlplane_directory', 'mark')")
                .await
                .unwrap();
            let heard = home.runtime.spawn(async move {
                let mut heard = Vec::new();
                loop {
                    let payload = listener.recv().await.unwrap().payload().to_owned();
                    if payload == "mark" {
                        return (heard, listener);
                    }
                    heard.push(payload);
                }
            });
            let (mut heard, back) = heard.await.unwrap();
            listener = back;
            heard.sort();
            assert_eq!(heard, told, "{change}");
        }
    });
}

#[test]
fn a_listener_that_is_cut_off_again_and_again_misses_nothing() {
    let Some(home) = Home::postgres() else {
        return;
    };
    home.block_on(async {
        let directory = home.open().await;
        fill(&directory).await.unwrap();
        for round in 0..10 {
            warm_about("alice", &directory).await;
            warm(&directory).await;
            let (change, expected) = if round % 2 == 0 {
                (GIVE, true)
            } else {
                (TAKE, false)
            };
            // All its connections go, and what changes before the next one listens is not told.
            let cut_off = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid(); {change}"
            );
            home.sql(&cut_off).await.unwrap();
            // Nobody asks about Victor until what is remembered is believed again. A question that
            // finds nothing remembered is asked, so others stand in.
            let cut_off = Instant::now();
            while recalled(&directory, "alice", &shop()).is_some() {
                assert!(cut_off.elapsed() < Duration::from_secs(5), "not cut off");
            }
            warm_about("alice", &directory).await;
            // On a busy machine the last word of the old listener may come this late, and be
            // believed for as long as it counts.
            within_a_second(async || reads(&directory, "victor", "acme-shop").await == expected)
                .await;
        }
        warm(&directory).await;
        every_change_is_seen(&home, &directory).await;
    });
}

/// The network swallows what the listener is sent, and nothing else: no error anywhere.
#[test]
fn silence_ends_the_trust_by_itself() {
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let behind = Home::at(cluster.url("postgres"));
    let proxy = Proxy::before(&cluster);
    let home = Home::at(proxy.url("postgres"));
    home.block_on(async {
        let directory = Directory::open(Options {
            query_timeout: Duration::from_secs(2),
            ..home.options()
        });
        let directory = directory.await.unwrap();
        fill(&directory).await.unwrap();
        warm(&directory).await;
        proxy.silence_listeners(true);
        every_change_is_seen(&behind, &directory).await;
        // Long after the last beat, nothing is recalled at all.
        assert_eq!(recalled(&directory, "victor", &shop()), None);
        proxy.silence_listeners(false);
        warm(&directory).await;
        every_change_is_seen(&behind, &directory).await;
    });
}

#[test]
fn while_the_server_is_away_nobody_is_let_in_on_what_was() {
    let Some(mut cluster) = postgres::cluster() else {
        return;
    };
    let home = Home::at(cluster.url("postgres"));
    home.block_on(async {
        let directory = Directory::open(Options {
            query_timeout: Duration::from_secs(1),
            ..home.options()
        });
        let directory = directory.await.unwrap();
        fill(&directory).await.unwrap();
        home.sql(GIVE).await.unwrap();
        warm(&directory).await;
        cluster.pause();
        let started = Instant::now();
        while access(&directory, "victor", "acme-shop", None)
            .await
            .is_ok()
        {
            assert!(started.elapsed() < Duration::from_secs(1));
        }
        cluster.resume();
        home.sql(TAKE).await.unwrap();
        let read = access(&directory, "victor", "acme-shop", None)
            .await
            .unwrap();
        assert_eq!(read.assignments().count(), 0);
        warm(&directory).await;
        every_change_is_seen(&home, &directory).await;
    });
}

#[test]
fn grace_serves_what_is_remembered_and_for_so_long_only() {
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let behind = Home::at(cluster.url("postgres"));
    let proxy = Proxy::before(&cluster);
    let home = Home::at(proxy.url("postgres"));
    let grace = Duration::from_secs(4);
    home.block_on(async {
        let directory = Directory::open(Options {
            query_timeout: Duration::from_secs(3),
            grace,
            ..home.options()
        });
        let directory = directory.await.unwrap();
        fill(&directory).await.unwrap();
        behind.sql(GIVE).await.unwrap();
        within_a_second(async || reads(&directory, "victor", "acme-shop").await).await;
        warm(&directory).await;
        // A database that can be asked is asked, whatever the grace.
        proxy.silence_listeners(true);
        every_change_is_seen_by(&behind, &directory).await;
        proxy.silence_listeners(false);
        warm(&directory).await;
        // One that says nothing is not waited for as long as without grace.
        proxy.silence(true);
        let silent = Instant::now();
        std::thread::sleep(Duration::from_millis(600));
        let asked = Instant::now();
        assert!(reads(&directory, "victor", "acme-shop").await);
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "{:?}",
            asked.elapsed()
        );
        let unknown = access(&directory, "victor", "lonely", None).await;
        assert!(is_unavailable(&unknown));
        while silent.elapsed() < grace + Duration::from_millis(600) {
            access(&directory, "victor", "acme-shop", None).await.ok();
        }
        let late = access(&directory, "victor", "acme-shop", None).await;
        assert!(is_unavailable(&late), "{late:?}");
        proxy.silence(false);
    });
}

#[test]
fn what_is_known_to_be_away_is_not_waited_for() {
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let proxy = Proxy::before(&cluster);
    let home = Home::at(proxy.url("postgres"));
    home.block_on(async {
        let directory = Directory::open(Options {
            query_timeout: Duration::from_secs(3),
            grace: Duration::from_mins(1),
            ..home.options()
        });
        let directory = directory.await.unwrap();
        fill(&directory).await.unwrap();
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        directory.grant(viewer).await.unwrap();
        warm(&directory).await;
        proxy.silence(true);
        std::thread::sleep(Duration::from_millis(600));
        assert!(reads(&directory, "victor", "acme-shop").await);
        // Somebody tries again, and nobody else has to.
        let trying = directory.clone();
        let trying = home
            .runtime
            .spawn(async move { access(&trying, "victor", "lonely", None).await });
        std::thread::sleep(Duration::from_millis(100));
        let asked = Instant::now();
        for _ in 0..100 {
            assert!(reads(&directory, "victor", "acme-shop").await);
            assert!(is_unavailable(
                &access(&directory, "victor", "acme-lab", None).await
            ));
        }
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        // What still hangs keeps nobody from finding out that it is there again.
        proxy.silence(false);
        let back = Instant::now();
        while access(&directory, "victor", "acme-lab", None)
            .await
            .is_err()
        {
            assert!(back.elapsed() < Duration::from_secs(8));
            std::thread::sleep(Duration::from_millis(10));
        }
        trying.await.unwrap().ok();
    });
}

/// Takes the role and gives it back.
async fn every_change_is_seen_by(home: &Home, directory: &Directory) {
    home.sql(TAKE).await.unwrap();
    within_a_second(async || !reads(directory, "victor", "acme-shop").await).await;
    home.sql(GIVE).await.unwrap();
    within_a_second(async || reads(directory, "victor", "acme-shop").await).await;
}

/// Where nobody tells, the server is asked whether anything was committed.
#[test]
fn a_poll_sees_every_change_within_its_period() {
    // A server of its own: what is asked for is whether any of its databases had a commit.
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let home = Home::at(cluster.url("postgres"));
    home.block_on(async {
        let ours = home.open().await;
        fill(&ours).await.unwrap();
        ours.close().await;
        // No triggers, as in a database that is not ours.
        for table in ["role_assignments", "projects", "resources", "organizations"] {
            home.sql(&format!("ALTER TABLE {{}}{table} DISABLE TRIGGER ALL"))
                .await
                .unwrap();
        }
        let poll = Duration::from_millis(700);
        let directory = Directory::open(Options {
            managed: false,
            poll,
            ..home.options()
        });
        let directory = directory.await.unwrap();
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            for (change, expected) in [(GIVE, true), (TAKE, false)] {
                warm(&directory).await;
                home.sql(change).await.unwrap();
                let seen = async || reads(&directory, "victor", "acme-shop").await == expected;
                slowest = slowest.max(within_a_second(seen).await);
            }
        }
        assert!(slowest <= poll + Duration::from_millis(250), "{slowest:?}");
        // While nothing is committed, what is remembered stays.
        warm(&directory).await;
        let mut recalls = 0;
        let started = Instant::now();
        while started.elapsed() < poll * 3 {
            recalls += usize::from(recalled(&directory, "victor", &shop()).is_some());
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(recalls > 100, "{recalls}");
    });
}

#[test]
fn behind_a_pooler_that_drops_notifications_nothing_is_remembered() {
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let behind = Home::at(cluster.url("postgres"));
    let home = Home::at(proxy::pooler(&cluster, "postgres"));
    home.block_on(async {
        let directory = Directory::open(Options {
            query_timeout: Duration::from_secs(2),
            ..home.options()
        });
        let directory = directory.await.unwrap();
        fill(&directory).await.unwrap();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(3) {
            access(&directory, "victor", "acme-shop", None)
                .await
                .unwrap();
            assert!(recalled(&directory, "victor", &shop()).is_none());
        }
        every_change_is_seen(&behind, &directory).await;
    });
}
