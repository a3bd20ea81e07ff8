//! Writes with a key, again.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use crate::authority::world;
use crate::home::{Home, at};
use crate::manager::{
    NOW, all, by, by_operator, deletion, kind, new_project, place, renaming, role, role_until,
    text, with_key, withdrawal,
};

pub async fn a_repeated_write_gets_the_same_answer(home: &Home) {
    let directory = world(home).await;
    let keyed = |key: &str| with_key(by("keeper"), key);
    let operations = [
        new_project("new", Some("acme")),
        renaming("/new", "again"),
        role("x", "Viewer", "/new"),
        deletion("/new", false),
    ];
    for (number, operation) in operations.iter().enumerate() {
        let key = format!("key {number}");
        let first = directory
            .write(keyed(&key), operation.clone())
            .await
            .unwrap();
        assert!(!first.replayed);
        let mut later = keyed(&key);
        later.now = at(NOW + 23 * 3600);
        "another".clone_into(&mut later.request_id);
        for write in [keyed(&key), later] {
            let again = directory.write(write, operation.clone()).await.unwrap();
            assert!(again.replayed);
            assert_eq!(
                (again.json, again.etag),
                (first.json.clone(), first.etag.clone())
            );
            assert_eq!(again.assignment, first.assignment);
        }
    }
    let audit = directory
        .audit(&place("/new"), &all())
        .await
        .unwrap()
        .records;
    assert_eq!(audit.len(), operations.len());
}

pub async fn a_grant_is_repeated_also_when_it_has_expired(home: &Home) {
    let directory = world(home).await;
    let grant = role_until("x", "Viewer", "acme", Some(NOW + 10));
    let first = directory.write(with_key(by("keeper"), "k"), grant.clone());
    let first = first.await.unwrap();
    let mut later = with_key(by("keeper"), "k");
    later.now = at(NOW + 20);
    let again = directory.write(later.clone(), grant.clone()).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.json, first.json);
    later.idempotency_key = None;
    assert_eq!(kind(&directory.write(later, grant).await), "invalid");
}

pub async fn a_key_belongs_to_one_actor_and_one_write(home: &Home) {
    let directory = world(home).await;
    let operation = renaming("acme", "x");
    directory
        .write(with_key(by("keeper"), "k"), operation.clone())
        .await
        .unwrap();
    let other = directory
        .write(with_key(by("keeper"), "k"), renaming("acme", "y"))
        .await;
    assert_eq!(kind(&other), "key reused");
    // Another's answer is not to be had by their key, and neither is the operator's.
    let forbidden = directory
        .write(with_key(by("stranger"), "k"), operation.clone())
        .await;
    assert_eq!(kind(&forbidden), "forbidden");
    let operators = directory
        .write(with_key(by_operator(), "k"), renaming("acme", "z"))
        .await;
    assert!(!operators.unwrap().replayed);
}

pub async fn what_was_refused_may_be_tried_again(home: &Home) {
    let directory = world(home).await;
    let operation = renaming("acme", "x");
    let refused = directory
        .write(with_key(by("ed"), "k"), operation.clone())
        .await;
    assert_eq!(kind(&refused), "forbidden");
    let given = directory
        .write(by_operator(), role("ed", "Editor", "acme"))
        .await
        .unwrap();
    let done = directory
        .write(with_key(by("ed"), "k"), operation.clone())
        .await
        .unwrap();
    assert!(!done.replayed);
    // What happened is answered, also to who might not do it again.
    let id = text(&given, "assignment_id");
    directory
        .write(by_operator(), withdrawal(&id, "acme"))
        .await
        .unwrap();
    let again = directory
        .write(with_key(by("ed"), "k"), operation)
        .await
        .unwrap();
    assert!(again.replayed);
}

pub async fn a_key_is_forgotten_after_a_day(home: &Home) {
    let directory = world(home).await;
    directory
        .write(with_key(by("keeper"), "k"), renaming("acme", "x"))
        .await
        .unwrap();
    let mut next_day = with_key(by("keeper"), "k");
    next_day.now = at(NOW + 24 * 3600);
    let done = directory
        .write(next_day, renaming("acme", "y"))
        .await
        .unwrap();
    assert!(!done.replayed);
    // And the answers of others are dropped when somebody writes.
    let mut much_later = with_key(by("keeper"), "other");
    much_later.now = at(NOW + 50 * 3600);
    directory
        .write(much_later, renaming("acme", "z"))
        .await
        .unwrap();
    let left = "INSERT INTO {}roles (role_id, name, display_name) \
                SELECT key, key, key FROM {}idempotency";
    home.sql(left).await.unwrap();
    let roles = directory.roles().await.unwrap();
    let left: Vec<_> = roles.iter().map(|role| &*role.role_id).collect();
    assert_eq!(left, ["editor", "other", "owner", "viewer"]);
}
