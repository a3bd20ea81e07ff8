//! Probes.

use http::Method;

use crate::harness::client::alike;
use crate::harness::issuer::{Issuer, Mood};
use crate::harness::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_can_decide_is_up() {
    let world = World::new().await;
    eventually(async || world.ask("/health").send().await.status == 200).await;
    let mut told = Vec::new();
    for path in ["/health", "/livez", "/readyz"] {
        told.push(world.ask(path).send().await.told());
        let head = world.ask(path).method(Method::HEAD).send().await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    }
    insta::assert_snapshot!(alike(told), @r#"200 {"status":"UP"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_directory_a_gateway_lives_and_is_not_ready() {
    let world = World::new().await;
    eventually(async || world.ask("/health").send().await.status == 200).await;
    world.directory.close().await;
    eventually(async || world.ask("/health").send().await.status == 503).await;
    let mut told = Vec::new();
    for path in ["/health", "/readyz"] {
        told.push(world.ask(path).send().await.told());
    }
    insta::assert_snapshot!(alike(told), @r#"503 {"status":"DOWN","checks":{"audit":"UP","directory":"DOWN","issuer":"UP"}}"#);
    assert_eq!(world.ask("/livez").send().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_issuers_keys_a_gateway_is_not_ready_until_it_has_them() {
    let issuer = Issuer::start_in(Mood::Down).await;
    let world = World::build(issuer, |_| {}).await;
    let told = world.ask("/readyz").send().await.told();
    insta::assert_snapshot!(told, @r#"503 {"status":"DOWN","checks":{"audit":"UP","directory":"UP","issuer":"DOWN"}}"#);
    world.issuer.set(Mood::Up);
    eventually(async || world.ask("/readyz").send().await.status == 200).await;
    // Down again with keys in hand: tokens can still be checked.
    world.issuer.set(Mood::Down);
    assert_eq!(world.ask("/readyz").send().await.status, 200);
}
