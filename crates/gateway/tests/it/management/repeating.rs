//! Writes that are sent again because nobody knows whether they arrived.

use http::Method;

use super::{ACME, API, ORGANIZATIONS, SHOP, everything, refused, unchanged};
use crate::harness::World;
use crate::harness::client::Answer;

async fn keyed(world: &World, method: Method, path: &str, body: &str, key: &str) -> Answer {
    let ask = world.ask(path).token(&world.token("alice"));
    let ask = if body.is_empty() {
        ask.method(method)
    } else {
        ask.json(method, body)
    };
    ask.header("idempotency-key", key).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_write_happens_once_and_is_answered_alike() {
    let world = World::new().await;
    for (index, (method, path, body, status)) in [
        (
            Method::POST,
            ORGANIZATIONS.to_owned(),
            r#"{"id": "initech", "name": "Initech"}"#,
            201,
        ),
        (
            Method::POST,
            "/api/v1/projects".to_owned(),
            r#"{"id": "tps", "name": "T", "org_id": "acme"}"#,
            201,
        ),
        (
            Method::POST,
            format!("{SHOP}/resources"),
            r#"{"id": "new", "name": "N", "type": "T"}"#,
            201,
        ),
        (
            Method::POST,
            format!("{SHOP}/rbac"),
            r#"{"user_id": "mallory", "role_id": "Viewer"}"#,
            201,
        ),
        (
            Method::PATCH,
            ACME.to_owned(),
            r#"{"name": "Acme, Inc."}"#,
            200,
        ),
        (Method::DELETE, API.to_owned(), "", 204),
        (Method::DELETE, format!("{SHOP}?cascade=true"), "", 204),
        (
            Method::DELETE,
            "/api/v1/organizations/initech".to_owned(),
            "",
            204,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key-{index}");
        let first = keyed(&world, method.clone(), &path, body, &key).await;
        assert_eq!(first.status.as_u16(), status, "{path}: {}", first.body);
        assert_eq!(first.header("idempotency-replayed"), None);
        let before = everything(&world).await;
        let again = keyed(&world, method, &path, body, &key).await;
        assert_eq!(again.status.as_u16(), status, "{path}: {}", again.body);
        assert_eq!(again.body, first.body);
        for name in ["etag", "location"] {
            assert_eq!(again.header(name), first.header(name), "{path}");
        }
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        unchanged(&before, &everything(&world).await, &path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_write_of_one_caller() {
    let world = World::new().await;
    let body = r#"{"name": "Acme, Inc."}"#;
    assert_eq!(
        keyed(&world, Method::PATCH, ACME, body, "k").await.status,
        200
    );
    let other = keyed(&world, Method::PATCH, ACME, r#"{"name": "Acme"}"#, "k").await;
    let sentence = refused(&other, 422, "idempotency_key_reused");
    assert!(sentence.contains("Idempotency-Key"), "{sentence}");
    // Nobody learns or gets anything by the key of somebody else.
    let gina = world.ask(ACME).token(&world.token("gina"));
    let gina = gina
        .json(Method::PATCH, body)
        .header("idempotency-key", "k")
        .send()
        .await;
    refused(&gina, 403, "forbidden");
    let gina = world.ask(ACME).token(&world.token("gina"));
    let gina = gina
        .method(Method::DELETE)
        .header("idempotency-key", "k")
        .send()
        .await;
    refused(&gina, 403, "forbidden");
}
