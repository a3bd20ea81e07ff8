//! What is SQLite's alone.

#[path = "support/home.rs"]
mod home;
#[path = "support/postgres.rs"]
mod postgres;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use directory::policy::{Action, Place, Scope};
use directory::{Directory, DirectoryError};
use home::{Home, at, fill, grant, project, reads, recalled};

#[test]
fn a_database_in_memory_keeps_its_data_until_the_end() {
    let home = Home::at("sqlite::memory:".to_owned());
    home.block_on(async {
        let (directory, other) = (home.open().await, home.open().await);
        fill(&directory).await.unwrap();
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        directory.grant(viewer).await.unwrap();
        for _ in 0..10 {
            assert!(reads(&directory.clone(), "victor", "acme-shop").await);
        }
        assert!(!reads(&other, "victor", "acme-shop").await);
    });
}

/// Nobody else can change it, so what is remembered of it is for good: here also without the
/// runtime that all work on the database runs on.
#[test]
fn a_warm_question_needs_neither_database_nor_runtime() {
    let home = Home::at("sqlite::memory:".to_owned());
    let place = Place::Project(project("acme-shop"));
    let directory = home.block_on(async {
        let directory = home.open().await;
        fill(&directory).await.unwrap();
        let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        directory.grant(viewer).await.unwrap();
        assert!(reads(&directory, "victor", "acme-shop").await);
        directory
    });
    drop(home);
    for _ in 0..1000 {
        let access = recalled(&directory, "victor", &place).unwrap();
        assert!(access.decide_on_project(Action::Read, at(0)).is_ok());
    }
    assert_eq!(recalled(&directory, "alice", &place), None);
}

#[test]
fn the_file_is_its_owners_alone() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("d.db");
    let home = Home::at(format!("sqlite:{}", file.display()));
    home.block_on(async {
        fill(&home.open().await).await.unwrap();
        let mut seen = 0;
        for file in fs::read_dir(place.path()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
            seen += 1;
        }
        assert!(seen >= 2, "the database and its journal");
    });
}

#[test]
fn a_file_that_cannot_be_made_or_is_no_database_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let text = place.path().join("text");
    fs::write(
        &text,
        "not a database, and long enough to see that it is none ".repeat(20),
    )
    .unwrap();
    for path in [
        place.path().join("no/such/place.db"),
        place.path().to_owned(),
        text.clone(),
    ] {
        let home = Home::at(format!("sqlite:{}", path.display()));
        let opened = home.block_on(Directory::open(home.options()));
        let error = opened.unwrap_err();
        assert!(
            matches!(
                error,
                DirectoryError::Invalid(_) | DirectoryError::Unavailable(_)
            ),
            "{error:?}"
        );
    }
    assert!(
        fs::read_to_string(&text)
            .unwrap()
            .starts_with("not a database")
    );
}
