//! What is PostgreSQL's alone: a server that is away, hangs, restarts, or is somebody else's.

#[path = "support/home.rs"]
mod home;
#[path = "support/postgres.rs"]
mod postgres;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use directory::manage::list::Page;
use directory::policy::{Place, Scope};
use directory::{Directory, DirectoryError, Options};
use sqlx::{Connection, Executor, PgConnection};

use home::{Home, access, fill, grant, project, reads, subject};

const SECRET: &str = "hunter2";

fn impatient(home: &Home) -> Options {
    Options {
        connect_timeout: Duration::from_secs(1),
        query_timeout: Duration::from_secs(1),
        max_connections: 3,
        ..home.options()
    }
}

fn assert_unavailable<T>(result: Result<T, DirectoryError>) {
    let error = result.err();
    assert!(
        matches!(error, Some(DirectoryError::Unavailable(_))),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains(SECRET));
}

#[test]
fn a_server_that_is_not_there_is_unavailable_in_time() {
    // Bound and closed again: nobody listens there.
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    // Takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [
        closed.to_string(),
        silent.local_addr().unwrap().to_string(),
        "host.invalid".to_owned(),
        "%2Fnowhere%2Fat-all".to_owned(),
    ] {
        let home = Home::at(format!("postgres://u:{SECRET}@{address}/d"));
        let started = Instant::now();
        assert_unavailable(home.block_on(Directory::open(impatient(&home))).map(drop));
        assert!(started.elapsed() < Duration::from_secs(3), "{address}");
    }
}

#[test]
fn a_restart_of_the_server_needs_none_of_the_process() {
    let Some(mut cluster) = postgres::cluster() else {
        return;
    };
    let home = Home::at(cluster.url("postgres"));
    home.block_on(async {
        let directory = Directory::open(impatient(&home)).await.unwrap();
        fill(&directory).await.unwrap();
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        directory.grant(viewer.clone()).await.unwrap();
        for round in 0..3 {
            // As many connections as there may be, all of which the restart breaks.
            let askers = (0..12).map(|_| {
                let directory = directory.clone();
                home.runtime
                    .spawn(async move { reads(&directory, "victor", "acme-shop").await })
            });
            for asker in askers.collect::<Vec<_>>() {
                assert!(asker.await.unwrap());
            }
            cluster.pause();
            if round == 0 {
                let started = Instant::now();
                // Of this one nothing is remembered.
                assert_unavailable(access(&directory, "victor", "acme-lab", None).await);
                assert_unavailable(directory.grant(viewer.clone()).await);
                assert!(started.elapsed() < Duration::from_secs(4));
            }
            cluster.resume();
            match round {
                // A write meets the broken connections first, and is carried out once.
                1 => directory
                    .put_user(&subject("victor"), None, "V")
                    .await
                    .unwrap(),
                _ => assert!(reads(&directory, "victor", "acme-shop").await),
            }
        }
    });
}

/// What PostgreSQL says where it has no room left: SQLSTATE 53100, raised here without filling a disk.
const FULL: &str = "
CREATE FUNCTION {}no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON {}role_assignments
    FOR EACH ROW EXECUTE FUNCTION {}no_room()";

#[test]
fn a_server_without_room_writes_nothing_and_goes_on_answering() {
    let Some(database) = postgres::database() else {
        return;
    };
    let home = Home::at(database.url.clone());
    home.block_on(async {
        let directory = home.open().await;
        fill(&directory).await.unwrap();
        let role = |name| grant(name, "Viewer", Scope::Project(project("acme-shop")));
        directory.grant(role("victor")).await.unwrap();
        home.sql(FULL).await.unwrap();
        assert_unavailable(directory.grant(role("mallory")).await);
        for _ in 0..3 {
            assert!(reads(&directory, "victor", "acme-shop").await);
            assert!(!reads(&directory, "mallory", "acme-shop").await);
        }
        let room = "DROP TRIGGER no_room ON {}role_assignments";
        home.sql(room).await.unwrap();
        directory.grant(role("mallory")).await.unwrap();
        assert!(reads(&directory, "mallory", "acme-shop").await);
    });
}

#[test]
fn a_password_is_printed_nowhere() {
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let home = Home::at(cluster.url("postgres"));
    home.block_on(async {
        let directory = home.open().await;
        let printed = format!("{directory:?} {:?}", home.options());
        assert!(printed.contains("***"), "{printed}");
        assert!(!printed.contains(SECRET), "{printed}");
        assert!(postgres::PASSWORD.contains(SECRET));
    });
    let wrong = Home::at(cluster.url("postgres").replace(SECRET, "hunter22"));
    let started = Instant::now();
    assert_unavailable(wrong.block_on(Directory::open(wrong.options())).map(drop));
    // What does not get better by waiting is not waited for.
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_connection_that_must_be_encrypted_is_never_made_in_plain_text() {
    let Some(database) = postgres::database() else {
        return;
    };
    if std::env::var_os("KTRLPLANE_TEST_POSTGRES_URL").is_some() {
        return; // That server may well speak TLS; the private one does not.
    }
    let home = Home::at(format!("{}?sslmode=require", database.url));
    assert_unavailable(home.block_on(Directory::open(impatient(&home))).map(drop));
}

#[test]
fn decisions_find_a_connection_however_many_ask_for_lists() {
    let Some(home) = Home::postgres() else {
        return;
    };
    home.block_on(async {
        let options = Options {
            query_timeout: Duration::from_secs(5),
            max_connections: 4,
            ..home.options()
        };
        let directory = Directory::open(options).await.unwrap();
        fill(&directory).await.unwrap();
        let url = home.url.clone();
        // Nothing is listed until this ends.
        let locking = home.runtime.spawn(async move {
            let mut locked = PgConnection::connect(&url).await.unwrap();
            let lock = "BEGIN; LOCK TABLE ktrlplane.audit";
            locked.execute(lock).await.unwrap();
            locked
        });
        let locked = locking.await.unwrap();
        let lists = (0..12).map(|_| {
            let directory = directory.clone();
            home.runtime.spawn(async move {
                let page = Page {
                    after: None,
                    limit: 10,
                };
                let place = Place::Project(project("acme-shop"));
                directory.audit(&place, &page).await
            })
        });
        let lists: Vec<_> = lists.collect();
        std::thread::sleep(Duration::from_millis(300));
        let started = Instant::now();
        for number in 0..20 {
            let who = format!("nobody-{number}");
            access(&directory, &who, "acme-shop", None).await.unwrap();
        }
        let took = started.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
        let free = home.runtime.spawn(locked.close());
        free.await.unwrap().unwrap();
        for list in lists {
            assert!(list.await.unwrap().is_ok());
        }
    });
}

#[test]
fn what_may_not_be_asked_is_found_out_before_a_request_does() {
    let Some(home) = Home::postgres() else {
        return;
    };
    home.block_on(async {
        let directory = home.open().await;
        directory.ping().await.unwrap();
        // The owner of everything may do anything but this.
        let renamed = "ALTER TABLE {}role_assignments RENAME TO hidden";
        home.sql(renamed).await.unwrap();
        assert_unavailable(directory.ping().await);
    });
}

#[test]
fn a_role_that_may_not_make_the_schema_is_told_what_to_do() {
    let Some(home) = Home::postgres() else {
        return;
    };
    let role = format!("maker_{}", home.url.rsplit('_').next().unwrap());
    let (_, address) = home.url.split_once('@').unwrap();
    let poor = Home::at(format!("postgres://{role}:makes@{address}"));
    home.block_on(async {
        let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'makes'");
        home.sql(&make).await.unwrap();
        let error = Directory::open(poor.options()).await.unwrap_err();
        assert!(matches!(error, DirectoryError::Invalid(_)), "{error:?}");
        let said = error.to_string();
        let grant = said.split('`').find(|part| part.starts_with("GRANT"));
        let grant = grant.unwrap();
        assert!(said.contains("managed: false"), "{said}");
        home.sql(grant).await.unwrap();
        let opened = Directory::open(poor.options()).await.unwrap();
        opened.close().await;
        let end = format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
        home.sql(&end).await.unwrap();
    });
}

#[test]
fn a_schema_that_somebody_else_made_is_left_alone() {
    let Some(home) = Home::postgres() else {
        return;
    };
    home.block_on(async {
        let theirs = "CREATE SCHEMA ktrlplane; CREATE TABLE {}projects (project_id varchar(255))";
        home.sql(theirs).await.unwrap();
        let error = Directory::open(home.options()).await.unwrap_err();
        assert!(matches!(error, DirectoryError::Invalid(_)), "{error:?}");
        let untouched = "ALTER TABLE {}projects ADD COLUMN org_id text; CREATE TABLE {}roles ()";
        home.sql(untouched).await.unwrap();
    });
}
