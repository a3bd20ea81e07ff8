//! A database that `KtrlPlane` manages: read with `SELECT` alone, and never written.

#![allow(
    clippy::unwrap_used,
    reason = "all of this is a test, also what is not marked as one"
)]

#[path = "support/home.rs"]
mod home;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/theirs.rs"]
mod theirs;

use std::time::{Duration, Instant};

use directory::manage::list::{Page, Reader};
use directory::policy::{Action, Place, Scope};
use directory::{Directory, DirectoryError, Options};
use home::{Home, access, at, grant, may, organization, project, reads, subject};
use postgres::Database;
use theirs::{GRANTS, Theirs};

const SERVICE: &str = "bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients";

/// `None` where there is no PostgreSQL. What is bound last goes first.
fn theirs() -> Option<(Database, Theirs)> {
    let database = postgres::database()?;
    let theirs = Theirs::make(&database.url);
    Some((database, theirs))
}

fn unmanaged(home: &Home) -> Options {
    Options {
        managed: false,
        ..home.options()
    }
}

async fn open(home: &Home) -> Directory {
    Directory::open(unmanaged(home)).await.unwrap()
}

/// The sentence with which it is refused.
fn refusal(home: &Home) -> String {
    let opened = home.block_on(Directory::open(unmanaged(home)));
    let error = opened.unwrap_err();
    assert!(matches!(error, DirectoryError::Invalid(_)), "{error:?}");
    error.to_string()
}

const BEFORE_ITS_EXPIRY: i64 = 1_900_000_000;
const AFTER_ITS_EXPIRY: i64 = 2_000_000_000;

#[test]
fn access_is_decided_as_ktrlplane_has_it() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    let home = Home::at(theirs.reader.clone());
    home.block_on(async {
        let directory = open(&home).await;
        assert!(!directory.is_managed());
        let all = &[
            "acme-shop",
            "acme-lab",
            "acme-new",
            "globex-iot",
            "lonely",
            "odd-home",
        ];
        for (who, actions, reached) in [
            (
                "auth0|olga",
                &Action::ALL[..],
                &["acme-shop", "acme-lab", "acme-new"][..],
            ),
            ("auth0|ed", &[Action::Read, Action::Write], &["acme-shop"]),
            ("auth0|vic", &[Action::Read], &["acme-shop"]),
            ("auth0|hidden", &[Action::Read], &["acme-shop"]),
            ("auth0|lone", &Action::ALL, &["lonely"]),
            // The same address is not the same person.
            ("auth0|vic2", &[], &[]),
            // Permissions of other types, `read` among them.
            ("auth0|graph", &[], &[]),
            ("auth0|data", &[], &[]),
            ("auth0|past", &[], &[]),
            ("auth0|res", &[], &[]),
            ("auth0|nobody", &[], &[]),
            // Ids that are no DNS labels reach nothing, and nobody reaches them.
            ("auth0|odd", &[], &[]),
            // Whatever is held at the scope `global`.
            (SERVICE, &[], &[]),
            ("nobody-at-all", &[], &[]),
        ] {
            for on in all {
                for action in Action::ALL {
                    let expected = reached.contains(on) && actions.contains(&action);
                    let is = may(&directory, who, action, on, BEFORE_ITS_EXPIRY).await;
                    assert_eq!(is, expected, "{who}: {action} on {on}");
                }
            }
        }
        // Times without a zone are in UTC, whatever the server's zone is.
        assert!(
            !may(
                &directory,
                "auth0|ed",
                Action::Read,
                "acme-shop",
                AFTER_ITS_EXPIRY
            )
            .await
        );
        assert!(
            may(
                &directory,
                "auth0|ed",
                Action::Read,
                "acme-shop",
                AFTER_ITS_EXPIRY - 1
            )
            .await
        );
    });
}

#[test]
fn organizations_and_resources_are_read_as_projects_are() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    theirs.sql(
        "ALTER TABLE ktrlplane.role_assignments ALTER expires_at TYPE timestamptz \
         USING expires_at AT TIME ZONE 'UTC'; ALTER ROLE {role} SET TimeZone = 'Asia/Tokyo'",
    );
    let home = Home::at(theirs.reader.clone());
    home.block_on(async {
        let directory = open(&home).await;
        let decides = async |who: &str, id: &str, action: Action| {
            let place = Place::Organization(organization(id));
            let access = directory.access(&subject(who), &place).await.unwrap();
            access.decide(action, at(BEFORE_ITS_EXPIRY)).is_ok()
        };
        assert!(decides("auth0|olga", "acme", Action::ManageAccess).await);
        let globex = "3f0c7f1e-8a42-4c09-9c55-5a1f2f1d7b10";
        assert!(!decides("auth0|olga", globex, Action::Read).await);
        assert!(!decides("auth0|vic", "acme", Action::Read).await);
        assert!(!decides(SERVICE, "acme", Action::Read).await);

        let there = access(&directory, "auth0|res", "acme-shop", Some("shop-api"))
            .await
            .unwrap();
        assert!(there.decide(Action::Delete, at(0)).is_ok());
        assert!(there.decide_on_project(Action::Read, at(0)).is_err());
        assert!(there.lineage().unwrap().resource.is_some());
        let elsewhere = access(&directory, "auth0|olga", "acme-lab", Some("shop-api")).await;
        assert_eq!(elsewhere.unwrap().lineage().unwrap().resource, None);
        let none = access(&directory, "auth0|olga", "no-project", None)
            .await
            .unwrap();
        assert_eq!(none.lineage(), None);

        assert!(
            !may(
                &directory,
                "auth0|ed",
                Action::Read,
                "acme-shop",
                AFTER_ITS_EXPIRY
            )
            .await
        );
        assert!(
            may(
                &directory,
                "auth0|ed",
                Action::Read,
                "acme-shop",
                AFTER_ITS_EXPIRY - 1
            )
            .await
        );
    });
}

#[test]
fn what_is_remembered_is_never_older_than_the_poll() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    let home = Home::at(theirs.reader.clone());
    let poll = Duration::from_secs(1);
    let options = Options {
        poll,
        ..unmanaged(&home)
    };
    let directory = home.block_on(Directory::open(options)).unwrap();
    let reads = || home.block_on(reads(&directory, "auth0|vic", "acme-shop"));
    // Each turn at another moment between two looks.
    for turn in 0..5 {
        std::thread::sleep(Duration::from_millis(230 * turn));
        assert!(reads());
        for (moved, expected) in [("acme-lab", false), ("acme-shop", true)] {
            theirs.sql(&format!(
                "UPDATE ktrlplane.role_assignments SET scope_id = '{moved}' \
                 WHERE assignment_id = 'victors-role'"
            ));
            let committed = Instant::now();
            while reads() != expected {
                assert!(committed.elapsed() <= poll, "{:?}", committed.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            // It stays so: nothing of before comes back.
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(reads(), expected);
        }
    }
}

#[test]
fn lists_are_read_from_their_tables_with_nulls_and_all() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    let home = Home::at(theirs.reader.clone());
    home.block_on(async {
        let directory = open(&home).await;
        let page = Page {
            after: None,
            limit: 100,
        };
        let all = Reader::Operator;
        let organizations = directory.organizations(&all, &page).await.unwrap();
        assert_eq!(organizations.records.len(), 3);
        assert!(
            organizations
                .records
                .iter()
                .all(|one| one.created_at.is_some())
        );
        let projects = directory.projects(&all, None, &page).await.unwrap().records;
        let status = |id: &str| {
            let project = projects.iter().find(|project| project.project_id == id);
            project.unwrap().status.clone()
        };
        assert_eq!(status("acme-lab").as_deref(), Some("Updating"));
        assert_eq!(status("acme-new"), None);
        let shop = project("acme-shop");
        let resources = directory.resources(&all, &shop, &page).await.unwrap();
        assert_eq!(resources.records[0].resource_id, "shop-api");
        assert_eq!(resources.records[0].sku.as_deref(), Some("free"));
        let settings = resources.records[0].settings_json.as_ref().unwrap();
        assert_eq!(settings.get(), "{}");
        let place = Place::Project(shop);
        let held = directory
            .assignments(&place, at(BEFORE_ITS_EXPIRY), &page)
            .await
            .unwrap();
        let holders: Vec<&str> = held.records.iter().map(|held| &*held.user_id).collect();
        assert!(
            holders.contains(&"auth0|ed") && holders.contains(&"auth0|olga"),
            "{holders:?}"
        );
        assert!(
            !holders.contains(&SERVICE) && !holders.contains(&"auth0|past"),
            "{holders:?}"
        );
        let users = directory.users(&all, "vic@", 10).await.unwrap();
        assert_eq!(users.len(), 2);
        let permissions = directory
            .role_permissions("10000000-0001-0000-0000-000000000002")
            .await;
        assert_eq!(permissions.unwrap().len(), 2);
        assert!(!directory.roles().await.unwrap().is_empty());
    });
}

/// A write of any kind, an empty one too, takes a number from the server's counter.
const WRITES: &str = "SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)";

#[test]
fn nothing_is_ever_written_not_even_by_who_could() {
    // A server of its own, whose counter nobody else moves.
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let theirs = Theirs::make(&cluster.url("postgres"));
    theirs.sql("ALTER SYSTEM SET autovacuum = off");
    theirs.sql("SELECT pg_reload_conf()");
    let before = theirs.text(WRITES);
    for url in [&theirs.reader, &theirs.owner] {
        let home = Home::at(url.clone());
        home.block_on(async {
            let directory = open(&home).await;
            assert!(reads(&directory, "auth0|vic", "acme-shop").await);
            let scope = Scope::Project(project("acme-shop"));
            for refused in [
                directory.put_user(&subject("auth0|vic"), None, "x").await,
                directory
                    .create_organization(&organization("mine"), "Mine")
                    .await,
                directory.revoke("victors-role").await,
                directory
                    .grant(grant("auth0|vic", "Owner", scope))
                    .await
                    .map(drop),
            ] {
                assert_eq!(refused, Err(DirectoryError::ReadOnly));
            }
            directory.ping().await.unwrap();
            assert!(reads(&directory, "auth0|vic", "acme-shop").await);
            directory.close().await;
        });
    }
    assert_eq!(theirs.text(WRITES), before);
    assert_eq!(
        theirs.text("SELECT CAST(count(*) AS text) FROM pg_tables WHERE schemaname = 'ktrlplane'"),
        "9"
    );
}

#[test]
fn what_is_missing_or_not_permitted_is_said_in_one_sentence() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    let home = Home::at(theirs.reader.clone());
    theirs.sql("REVOKE SELECT ON ktrlplane.roles FROM {role}");
    let role = &theirs.role;
    assert_eq!(
        refusal(&home),
        format!(
            "the role {role} may not read all of it, which its owner permits with \
             `GRANT SELECT ON ktrlplane.roles TO {role};`"
        )
    );
    // The sentence is the remedy.
    theirs.sql("GRANT SELECT ON ktrlplane.roles TO {role}");
    home.block_on(open(&home));

    // Columns by themselves do not make a row.
    theirs.sql(
        "REVOKE SELECT ON ktrlplane.users FROM {role}; \
         GRANT SELECT (user_id, email, name) ON ktrlplane.users TO {role}",
    );
    assert!(refusal(&home).contains("GRANT SELECT ON ktrlplane.users TO"));
    theirs.sql("GRANT SELECT ON ktrlplane.users TO {role}");
    home.block_on(open(&home));

    theirs.sql("REVOKE USAGE ON SCHEMA ktrlplane FROM {role}");
    assert!(refusal(&home).contains(&format!("GRANT USAGE ON SCHEMA ktrlplane TO {role};")));
    theirs.sql(GRANTS);

    theirs.sql(
        "ALTER TABLE ktrlplane.projects RENAME status TO state; DROP TABLE ktrlplane.resources",
    );
    assert_eq!(
        refusal(&home),
        "the schema `ktrlplane` lacks the column `projects.status`, the table `resources`"
    );
}

#[test]
fn a_database_that_cannot_be_compared_with_is_refused() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    let home = Home::at(theirs.reader.clone());
    theirs.sql("ALTER TABLE ktrlplane.role_assignments ALTER scope_id TYPE bytea USING '\\x00'");
    let said = refusal(&home);
    assert!(said.contains("what is asked of them fails"), "{said}");
}

#[test]
fn views_over_other_tables_are_as_good_as_tables() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    theirs.sql(
        "ALTER TABLE ktrlplane.users RENAME TO people; \
         CREATE VIEW ktrlplane.users AS SELECT user_id, email, name FROM ktrlplane.people; \
         GRANT SELECT ON ktrlplane.users TO {role}; REVOKE ALL ON ktrlplane.people FROM {role}",
    );
    let home = Home::at(theirs.reader.clone());
    home.block_on(async {
        let directory = open(&home).await;
        assert!(reads(&directory, "auth0|vic", "acme-shop").await);
    });
}

#[test]
fn a_database_without_the_schema_is_refused_and_gets_none() {
    let Some(database) = postgres::database() else {
        return;
    };
    let home = Home::at(database.url.clone());
    let said = refusal(&home);
    assert!(said.contains("has no schema `ktrlplane`"), "{said}");
    // Nothing was made that would be in the way of a schema of our own.
    home.block_on(home.open());
}

#[test]
fn a_managed_opening_leaves_their_schema_alone_and_names_the_key() {
    let Some((_database, theirs)) = theirs() else {
        return;
    };
    let home = Home::at(theirs.owner.clone());
    let refused = home.block_on(Directory::open(home.options())).unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("`database.managed: false`"), "{said}");
    let tables = "SELECT CAST(count(*) AS text) FROM pg_tables WHERE schemaname = 'ktrlplane'";
    assert_eq!(theirs.text(tables), "9");
}

#[test]
fn a_file_of_somebody_else_is_read_and_not_made() {
    let ours = Home::sqlite();
    ours.block_on(async {
        let directory = ours.open().await;
        home::fill(&directory).await.unwrap();
        let scope = Scope::Project(project("acme-shop"));
        let viewer = directory
            .grant(grant("victor", "Viewer", scope))
            .await
            .unwrap();
        let reader = open(&ours).await;
        assert!(reads(&reader, "victor", "acme-shop").await);
        assert_eq!(reader.revoke(&viewer).await, Err(DirectoryError::ReadOnly));
        let refused = reader.put_user(&subject("alice"), None, "x").await;
        assert_eq!(refused, Err(DirectoryError::ReadOnly));
    });

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("none.db");
    let nowhere = Home::at(format!("sqlite:{}", path.display()));
    assert!(refusal(&nowhere).contains("there is no database file"));
    assert!(!path.exists());
    let memory = Home::at("sqlite::memory:".to_owned());
    assert!(refusal(&memory).contains("name a file"));

    ours.block_on(
        ours.sql("ALTER TABLE roles DROP COLUMN description; DROP TABLE role_permissions"),
    )
    .unwrap();
    assert_eq!(
        refusal(&ours),
        "the schema `ktrlplane` lacks the column `roles.description`, the table `role_permissions`"
    );
}

#[test]
fn a_server_that_is_away_is_unavailable_and_not_wrong() {
    let home = Home::at("postgres://u:p@127.0.0.1:9/d".to_owned());
    let options = Options {
        connect_timeout: Duration::from_millis(500),
        ..unmanaged(&home)
    };
    let opened = home.block_on(Directory::open(options)).map(drop);
    assert!(
        matches!(opened, Err(DirectoryError::Unavailable(_))),
        "{opened:?}"
    );
}
