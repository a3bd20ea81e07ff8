//! Who is believed to be whom.

use gateway::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::harness::issuer::{FIRST, Pair, SECOND, assembled};
use crate::harness::{AUDIENCE, LOGS, World};

/// The status of a request with this token, and why it was refused.
async fn with_token(world: &World, token: &str) -> (u16, String) {
    let answer = world.ask(LOGS).token(token).send().await;
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    let signature = token.rsplit('.').next().unwrap_or_default();
    if signature.len() > 20 {
        assert!(!challenge.contains(signature) && !answer.body.contains(signature));
    }
    let reason = challenge.split("error_description=").nth(1);
    let reason = reason.unwrap_or_default().trim_matches('"').to_owned();
    if answer.status == 401 {
        assert!(challenge.starts_with("Bearer realm=\"ktrlplane\", error=\"invalid_token\""));
    }
    (answer.status.as_u16(), reason)
}

async fn refused(world: &World, token: &str) -> String {
    let (status, reason) = with_token(world, token).await;
    assert_eq!((status, world.forwarded()), (401, 0), "{reason}");
    reason
}

fn without(claims: &Value, name: &str) -> Value {
    let mut claims = claims.clone();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn with(claims: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims.clone();
    claims[name] = value.into();
    claims
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_challenge_has_no_error_code() {
    let world = World::new().await;
    for ask in [
        world.ask(LOGS),
        world.ask(LOGS).header("authorization", "Basic dTpw"),
        world.ask(LOGS).header("authorization", "Bearer"),
        world.ask(LOGS).header("authorization", "Bearer "),
        world
            .ask(LOGS)
            .header("cookie", &format!("token={}", world.token("victor"))),
        world.ask(&format!("{LOGS}?access_token={}", world.token("victor"))),
    ] {
        let answer = ask.send().await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"ktrlplane\"")
        );
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_is_read_in_any_case_and_there_is_one_header() {
    let world = World::new().await;
    let token = world.token("victor");
    let lower = world
        .ask(LOGS)
        .header("authorization", &format!("bEARER {token}"));
    assert_eq!(lower.send().await.status, 200);
    for twice in [
        world.ask(LOGS).token(&token).token(&token),
        world
            .ask(LOGS)
            .header("authorization", "Basic dTpw")
            .token(&token),
        world
            .ask(LOGS)
            .header("authorization", &format!("Bearer {token} {token}")),
        world
            .ask(LOGS)
            .header("authorization", &format!("Bearer {token},")),
    ] {
        assert_eq!(twice.send().await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_18_algorithms_are_pinned_and_the_keys_type_is_checked() {
    let world = World::new().await;
    let claims = world.issuer.claims("victor", world.clock.now());
    let not_accepted = "the token's algorithm is not accepted";
    let not_a_jwt = "the token is not a JWT, or its algorithm is not accepted";

    for algorithm in ["none", "None", "NONE", "", "RS999"] {
        let header = json!({"alg": algorithm, "kid": "first", "typ": "JWT"});
        for signature in [&b""[..], b"signature"] {
            let token = assembled(&header, &claims, signature);
            assert_eq!(refused(&world, &token).await, not_a_jwt, "{algorithm}");
        }
    }
    // HS256 with everything that is public about the RSA key as the secret.
    let public = FIRST.public(Some("first"));
    let modulus = public["n"].as_str().unwrap();
    for secret in [modulus.as_bytes(), public.to_string().as_bytes()] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("first".to_owned());
        let key = EncodingKey::from_secret(secret);
        let token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        assert_eq!(refused(&world, &token).await, not_accepted);
    }
    // The issuer's own key, with an algorithm that is not accepted here.
    let mut header = Header::new(Algorithm::PS256);
    header.kid = Some("first".to_owned());
    assert_eq!(
        refused(&world, &FIRST.sign_with(&header, &claims)).await,
        not_accepted
    );
    let ec = Pair::ec();
    assert_eq!(
        refused(&world, &ec.sign(Some("first"), &claims)).await,
        not_accepted
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_18_a_key_of_another_type_under_the_same_kid_is_not_used() {
    let ec = Pair::ec();
    let issuer = crate::harness::issuer::Issuer::start().await;
    issuer.publish(vec![ec.public(Some("first")), FIRST.public(Some("second"))]);
    let world = World::build(issuer, |settings| {
        settings.issuer.algorithms = vec![Algorithm::RS256, Algorithm::ES256];
    })
    .await;
    let claims = world.issuer.claims("victor", world.clock.now());
    assert_eq!(
        refused(&world, &FIRST.sign(Some("first"), &claims)).await,
        "the token's key does not fit its algorithm"
    );
    assert_eq!(
        with_token(&world, &ec.sign(Some("first"), &claims)).await.0,
        200
    );
    assert_eq!(
        with_token(&world, &FIRST.sign(Some("second"), &claims))
            .await
            .0,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_18_keys_that_a_token_brings_along_are_not_used() {
    let world = World::new().await;
    let claims = world.issuer.claims("victor", world.clock.now());
    let elsewhere = "http://keys.invalid/keys".to_owned();
    let mut header = Header::new(Algorithm::RS256);
    header.jwk = serde_json::from_value(SECOND.public(Some("second"))).unwrap();
    header.jku = Some(elsewhere.clone());
    header.x5u = Some(elsewhere);
    header.x5c = Some(vec!["MAA=".to_owned()]);
    header.kid = Some("second".to_owned());
    assert_eq!(
        refused(&world, &SECOND.sign_with(&header, &claims)).await,
        "the token was signed with a key that is not the issuer's"
    );
    header.kid = Some("first".to_owned());
    assert_eq!(
        refused(&world, &SECOND.sign_with(&header, &claims)).await,
        "the token's signature is wrong"
    );
    header.kid = None;
    assert_eq!(
        refused(&world, &SECOND.sign_with(&header, &claims)).await,
        "the token's signature is wrong"
    );
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("first".to_owned());
    header.crit = Some(vec!["b64".to_owned()]);
    assert_eq!(
        refused(&world, &FIRST.sign_with(&header, &claims)).await,
        "the token demands extensions that are not understood"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_18_every_claim_that_decides_is_checked() {
    let world = World::new().await;
    let now = world.clock.now().as_second();
    let good = world.issuer.claims("victor", world.clock.now());
    let no_slash = world.issuer.url().trim_end_matches('/').to_owned();
    let no_expiry = "the token has no valid expiry";
    let malformed = "the token's claims are malformed";
    let cases: Vec<(Value, &str)> = vec![
        (without(&good, "exp"), no_expiry),
        (with(&good, "exp", Value::Null), no_expiry),
        (with(&good, "exp", 1e300), no_expiry),
        (with(&good, "exp", (now + 60).to_string()), malformed),
        (with(&good, "exp", now - 60), "the token has expired"),
        (with(&good, "exp", 0), "the token has expired"),
        (with(&good, "nbf", now + 62), "the token is not valid yet"),
        (
            with(&good, "nbf", 1e300),
            "the token's nbf is not a valid time",
        ),
        (without(&good, "iss"), "the token is of another issuer"),
        (
            with(&good, "iss", no_slash),
            "the token is of another issuer",
        ),
        (with(&good, "iss", json!([world.issuer.url()])), malformed),
        (without(&good, "aud"), "the token is for another audience"),
        (with(&good, "aud", ""), "the token is for another audience"),
        (
            with(&good, "aud", format!("{AUDIENCE}/")),
            "the token is for another audience",
        ),
        (
            with(&good, "aud", json!([])),
            "the token is for another audience",
        ),
        (
            with(&good, "aud", json!(["a", "b"])),
            "the token is for another audience",
        ),
        (without(&good, "sub"), "the token has no valid subject"),
        (with(&good, "sub", ""), "the token has no valid subject"),
        (with(&good, "sub", "a\nb"), "the token has no valid subject"),
        (with(&good, "sub", 7), malformed),
        (json!([]), malformed),
    ];
    for (claims, reason) in cases {
        let token = FIRST.sign(Some("first"), &claims);
        assert_eq!(refused(&world, &token).await, reason, "{claims}");
    }
    for claims in [
        with(&good, "exp", now - 55),
        with(
            &good,
            "exp",
            0.5 + 3600.0 + f64::from(u32::try_from(now).unwrap()),
        ),
        with(&good, "nbf", now + 55),
        with(&good, "aud", json!(["other", AUDIENCE])),
        // A machine of Auth0's is a subject as any other.
        with(&good, "gty", "client-credentials"),
    ] {
        let token = FIRST.sign(Some("first"), &claims);
        assert_eq!(
            with_token(&world, &token).await,
            (200, String::new()),
            "{claims}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_18_a_changed_token_is_refused() {
    let world = World::new().await;
    let token = world.token("mallory");
    let parts: Vec<&str> = token.split('.').collect();
    let victor = world.token("victor");
    let other: Vec<&str> = victor.split('.').collect();
    let wrong = "the token's signature is wrong";
    let swapped = format!("{}.{}.{}", parts[0], other[1], parts[2]);
    assert_eq!(refused(&world, &swapped).await, wrong);
    let unsigned = format!("{}.{}.", parts[0], other[1]);
    assert_eq!(refused(&world, &unsigned).await, wrong);
    for text in ["a", "a.b", "a.b.c", "a.b.c.d", "..", "....."] {
        refused(&world, text).await;
    }
    let long = format!("{}.{}.{}", parts[0], "A".repeat(20_000), parts[2]);
    assert_eq!(refused(&world, &long).await, "the token is too long");
}

/// What was verified once is remembered, by all of it.
#[tokio::test(flavor = "multi_thread")]
async fn threat_18_a_token_that_was_accepted_vouches_for_no_other() {
    let world = World::new().await;
    let token = world.token("victor");
    for _ in 0..2 {
        assert_eq!(with_token(&world, &token).await, (200, String::new()));
    }
    let forwarded = world.forwarded();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let stranger = world.token("mallory");
    let (strange, _) = stranger.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    for changed in [
        format!("{signed}.{turned}"),
        format!("{strange}.{signature}"),
        format!("{signed}.{signature}A"),
        format!("{signed}."),
        format!("{signed}=.{signature}"),
    ] {
        assert_eq!(with_token(&world, &changed).await.0, 401, "{changed}");
    }
    assert_eq!(world.forwarded(), forwarded);
    assert_eq!(with_token(&world, &stranger).await.0, 403);
    assert_eq!(with_token(&world, &token).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_algorithm_works() {
    let (ec, ed) = (Pair::ec(), Pair::ed());
    let mut pss = SECOND.clone();
    pss.algorithm = Algorithm::PS512;
    let issuer = crate::harness::issuer::Issuer::start().await;
    issuer.publish(vec![
        ec.public(Some("ec")),
        ed.public(Some("ed")),
        pss.public(Some("pss")),
    ]);
    let world = World::build(issuer, |settings| {
        settings.issuer.algorithms = vec![Algorithm::ES256, Algorithm::EdDSA, Algorithm::PS512];
    })
    .await;
    let claims = world.issuer.claims("victor", world.clock.now());
    for (pair, kid) in [(&ec, "ec"), (&ed, "ed"), (&pss, "pss")] {
        let token = pair.sign(Some(kid), &claims);
        assert_eq!(
            with_token(&world, &token).await,
            (200, String::new()),
            "{kid}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_secret_algorithms_cannot_be_configured() {
    let world = World::new().await;
    for algorithms in [
        vec![],
        vec![Algorithm::HS256],
        vec![Algorithm::RS256, Algorithm::HS512],
    ] {
        let settings = gateway::IssuerSettings {
            issuer: world.issuer.url(),
            audience: AUDIENCE.to_owned(),
            algorithms,
        };
        assert!(gateway::authenticate::Verifier::new(&settings).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn threat_21_an_email_is_no_identity() {
    let world = World::new().await;
    let claims = world.issuer.claims("mallory", world.clock.now());
    let claims = with(&claims, "email", "alice@acme.test");
    for verified in [true, false] {
        let claims = with(&claims, "email_verified", verified);
        let token = FIRST.sign(Some("first"), &claims);
        assert_eq!(with_token(&world, &token).await.0, 403);
    }
    let claims = with(&claims, "sub", "alice@acme.test");
    let token = FIRST.sign(Some("first"), &claims);
    assert_eq!(with_token(&world, &token).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires_while_the_gateway_runs() {
    let world = World::new().await;
    let token = world.token("victor");
    assert_eq!(with_token(&world, &token).await.0, 200);
    world.clock.advance(3600 + 59);
    assert_eq!(with_token(&world, &token).await.0, 200);
    world.clock.advance(1);
    let (status, reason) = with_token(&world, &token).await;
    assert_eq!((status, reason.as_str()), (401, "the token has expired"));
}
