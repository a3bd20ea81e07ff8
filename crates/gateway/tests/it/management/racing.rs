//! Writers who meet.

use http::Method;
use http::StatusCode;

use super::{ACME, ORGANIZATIONS, refused};
use crate::harness::World;

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_who_have_seen_the_same_one_writes() {
    let world = World::new().await;
    let etag = world
        .get("alice", ACME)
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let racing = (0..8).map(|index| {
        let body = format!(r#"{{"name": "name {index}"}}"#);
        let ask = world
            .ask(ACME)
            .token(&world.token("alice"))
            .json(Method::PUT, &body);
        tokio::spawn(ask.header("if-match", &etag).send())
    });
    let racing: Vec<_> = racing.collect();
    let mut written = Vec::new();
    for answer in racing {
        let answer = answer.await.unwrap();
        if answer.status == StatusCode::OK {
            written.push(answer.value()["name"].clone());
        } else {
            refused(&answer, 412, "precondition_failed");
        }
    }
    assert_eq!(written.len(), 1);
    assert_eq!(world.get("alice", ACME).await.value()["name"], written[0]);
    let gone = world
        .ask(ACME)
        .token(&world.token("alice"))
        .method(Method::DELETE);
    let gone = gone.header("if-match", &etag).send().await;
    refused(&gone, 412, "precondition_failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_creators_of_one_id_one_gets_it() {
    let world = World::new().await;
    let racing = ["nora", "mallory", "gina", "erin"].map(|who| {
        let body = r#"{"id": "initech", "name": "Initech"}"#;
        let ask = world.ask(ORGANIZATIONS).token(&world.token(who));
        (who, tokio::spawn(ask.json(Method::POST, body).send()))
    });
    let mut owners = Vec::new();
    for (who, answer) in racing {
        let answer = answer.await.unwrap();
        if answer.status == StatusCode::CREATED {
            owners.push(who);
        } else {
            refused(&answer, 409, "conflict");
        }
    }
    assert_eq!(owners.len(), 1);
    for who in ["nora", "mallory", "gina", "erin"] {
        let status = world.get(who, "/api/v1/organizations/initech").await.status;
        assert_eq!(status == StatusCode::OK, owners.contains(&who), "{who}");
    }
}
