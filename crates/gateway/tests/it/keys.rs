//! The issuer's keys: fetched, rotated, kept, and nobody's weapon.

use std::time::Duration;

use futures_util::future::join_all;
use gateway::Clock;
use serde_json::{Value, json};

use crate::harness::issuer::{FIRST, Issuer, Mood, Pair, SECOND};
use crate::harness::{LOGS, World, eventually};

async fn status(world: &World, token: &str) -> u16 {
    world.ask(LOGS).token(token).send().await.status.as_u16()
}

fn second(world: &World) -> String {
    SECOND.sign(
        Some("second"),
        &world.issuer.claims("victor", world.clock.now()),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_works_at_its_first_token() {
    let world = World::new().await;
    assert_eq!(status(&world, &world.token("victor")).await, 200);
    assert_eq!(world.issuer.fetches(), 1);
    world.issuer.publish(vec![SECOND.public(Some("second"))]);
    assert_eq!(status(&world, &second(&world)).await, 200);
    assert_eq!(world.issuer.fetches(), 2);
    // The key that was withdrawn is gone with it.
    assert_eq!(status(&world, &world.token("victor")).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_19_forged_key_ids_cause_one_fetch_in_thirty_seconds() {
    let world = World::new().await;
    assert_eq!(status(&world, &world.token("victor")).await, 200);
    let claims = world.issuer.claims("victor", world.clock.now());
    let forged = |at: usize| SECOND.sign(Some(&format!("forged-{at}")), &claims);
    let tokens: Vec<String> = (0..50).map(forged).collect();
    let statuses = join_all(tokens.iter().map(|token| status(&world, token))).await;
    assert!(statuses.iter().all(|status| *status == 401));
    assert_eq!(world.issuer.fetches(), 2);
    world.clock.advance(29);
    assert_eq!(status(&world, &tokens[0]).await, 401);
    assert_eq!(world.issuer.fetches(), 2);
    world.clock.advance(1);
    assert_eq!(status(&world, &tokens[0]).await, 401);
    assert_eq!(world.issuer.fetches(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_19_a_rotated_key_waits_for_the_fetch_that_another_token_caused() {
    let world = World::new().await;
    assert_eq!(status(&world, &world.token("victor")).await, 200);
    world.issuer.publish(vec![SECOND.public(Some("second"))]);
    let token = second(&world);
    let statuses = join_all((0..20).map(|_| status(&world, &token))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(world.issuer.fetches(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_keys_are_kept_while_the_issuer_is_down() {
    let world = World::new().await;
    assert_eq!(status(&world, &world.token("victor")).await, 200);
    world.issuer.set(Mood::Down);
    world.issuer.publish(vec![]);
    assert_eq!(status(&world, &second(&world)).await, 401);
    assert_eq!(status(&world, &world.token("victor")).await, 200);
    // Up again, but without a key: what is held is still the best there is.
    world.issuer.set(Mood::Up);
    world.clock.advance(31);
    assert_eq!(status(&world, &second(&world)).await, 401);
    assert_eq!(status(&world, &world.token("victor")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_23_without_keys_nobody_is_let_in_and_it_mends_itself() {
    let issuer = Issuer::start_in(Mood::Down).await;
    let world = World::build(issuer, |_| {}).await;
    let token = world.token("victor");
    let answer = world.ask(LOGS).token(&token).send().await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(world.forwarded(), 0);
    world.issuer.set(Mood::Up);
    eventually(async || status(&world, &token).await == 200).await;
}

/// None of these gives the gateway a key.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_not_what_was_configured_is_not_believed() {
    for mood in [
        Mood::Stating("https://other.test/".to_owned()),
        Mood::KeysAt("https://keys.invalid/keys".to_owned()),
        Mood::KeysAt("file:///etc/passwd".to_owned()),
        Mood::Redirecting,
        Mood::Endless,
    ] {
        let issuer = Issuer::start_in(mood.clone()).await;
        let world = World::build(issuer, |_| {}).await;
        assert_eq!(
            status(&world, &world.token("victor")).await,
            503,
            "{mood:?}"
        );
        assert_eq!(world.issuer.fetches(), 0, "{mood:?}");
    }
    // Without its final slash it is another issuer.
    let issuer = Issuer::start().await;
    let stated = issuer.url().trim_end_matches('/').to_owned();
    issuer.set(Mood::Stating(stated));
    let world = World::build(issuer, |_| {}).await;
    assert_eq!(status(&world, &world.token("victor")).await, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_issuer_delays_the_first_requests_by_seconds_only() {
    let issuer = Issuer::start_in(Mood::Hanging).await;
    let world = World::build(issuer, |_| {}).await;
    let token = world.token("victor");
    let answered = tokio::time::timeout(Duration::from_secs(20), status(&world, &token));
    assert_eq!(answered.await.unwrap(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_public_signature_keys_are_taken_and_bad_ones_spoil_nothing() {
    let mut encryption = SECOND.public(Some("enc"));
    encryption["use"] = "enc".into();
    let mut wrapping = SECOND.public(Some("wrap"));
    wrapping["key_ops"] = json!(["wrapKey"]);
    wrapping.as_object_mut().unwrap().remove("use");
    let mut other_algorithm = SECOND.public(Some("rs512"));
    other_algorithm["alg"] = "RS512".into();
    let mut unknown_algorithm = SECOND.public(Some("unknown"));
    unknown_algorithm["alg"] = "RSA-OAEP".into();
    let issuer = Issuer::start().await;
    issuer.publish(vec![
        Value::Null,
        json!({"kty": "RSA", "kid": "broken"}),
        json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"}),
        json!({"kty": "new", "kid": "new"}),
        encryption,
        wrapping,
        other_algorithm,
        unknown_algorithm,
        Pair::ec().public(Some("ec")),
        FIRST.public(Some("first")),
    ]);
    let world = World::build(issuer, |_| {}).await;
    assert_eq!(status(&world, &world.token("victor")).await, 200);
    let claims = world.issuer.claims("victor", world.clock.now());
    for kid in ["enc", "wrap", "rs512", "unknown", "broken", "secret"] {
        assert_eq!(
            status(&world, &SECOND.sign(Some(kid), &claims)).await,
            401,
            "{kid}"
        );
    }
    // One key fits, so a token need not name it.
    assert_eq!(status(&world, &FIRST.sign(None, &claims)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_kid_is_refused_where_several_keys_fit() {
    let issuer = Issuer::start().await;
    issuer.publish(vec![FIRST.public(Some("first")), SECOND.public(None)]);
    let world = World::build(issuer, |_| {}).await;
    let claims = world.issuer.claims("victor", world.clock.now());
    assert_eq!(status(&world, &FIRST.sign(None, &claims)).await, 401);
    assert_eq!(
        status(&world, &FIRST.sign(Some("first"), &claims)).await,
        200
    );
}
