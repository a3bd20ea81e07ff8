//! A real issuer: its tokens, its keys, and its absence.

use std::time::{Duration, Instant};

use crate::gateway::{Gateway, Settings};
use crate::http::Answer;
use crate::issuer::{AUDIENCE, Issuer};
use crate::prometheus::{Data, Prometheus};
use crate::world::{PROJECT, RESOURCE, World, eventually};

const DATA: Data = &[("shop-api", "ours")];

/// The gateway refreshes its keys at most this often, plus some time for a busy machine.
const REFRESH: Duration = Duration::from_secs(45);

fn ask(gateway: &Gateway, token: &str) -> Answer {
    gateway.metrics(PROJECT, RESOURCE, "up", Some(token))
}

#[test]
fn tokens_of_machines_and_users_are_taken_for_what_they_are() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let gateway = world.gateway(None, Some(&prometheus.url));

    let robot = world.issuer.client_credentials("robot", AUDIENCE);
    ask(&gateway, &robot).expect(200);
    let victor = world.issuer.token("victor");
    ask(&gateway, &victor).expect(200);

    // A client that the directory does not know is somebody without a role.
    let stranger = world.issuer.client_credentials("stranger", AUDIENCE);
    ask(&gateway, &stranger).expect(403);
    let mallory = world.issuer.token("mallory");
    ask(&gateway, &mallory).expect(403);

    // Threat 22: a project that is another's and one that is none look the same.
    let theirs = gateway.metrics("globex-iot", "iot-graph", "up", Some(&victor));
    let none = gateway.metrics("no-project", "iot-graph", "up", Some(&victor));
    assert_eq!((theirs.status, none.status), (403, 403));
    for resource in ["nope", "lab-flow", "iot-graph"] {
        gateway
            .metrics(PROJECT, resource, "up", Some(&victor))
            .expect(404);
    }
}

/// Threat 18, as far as an honest issuer can be made to do it.
#[test]
fn a_token_for_someone_else_of_someone_else_or_of_yesterday_is_refused() {
    let Some(mut world) = World::new() else {
        return;
    };
    let gateway = world.gateway(None, Some("http://127.0.0.1:9"));
    let robot = world
        .issuer
        .client_credentials("robot", "https://elsewhere.test");
    let victor = world.issuer.mint("victor", "https://elsewhere.test", 300);
    let expired = world.issuer.mint("victor", AUDIENCE, -90);
    let mut other = Issuer::start(world.path(), crate::process::free_port(), &["first"])
        .expect("a second issuer starts like the first");
    let foreign = other.token("victor");
    let good = world.issuer.token("victor");
    let forged = format!("{}x", good.trim_end_matches(char::is_alphanumeric));
    for token in [&robot, &victor, &expired, &foreign, &forged] {
        let answer = ask(&gateway, token).expect(401);
        let challenge = answer.headers.get("www-authenticate").expect("RFC 6750");
        assert!(challenge.to_str().unwrap().starts_with("Bearer"));
        assert!(!answer.body.contains(token.as_str()));
    }
    gateway.metrics(PROJECT, RESOURCE, "up", None).expect(401);
    ask(&gateway, &good).expect(502);
    // Threat 25.
    for token in [&robot, &victor, &expired, &foreign, &forged, &good] {
        assert!(
            !gateway.log().contains(token.as_str()),
            "a token is in the log"
        );
    }
}

#[test]
fn a_rotated_key_is_picked_up_and_a_withdrawn_one_stops_to_count() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let gateway = world.gateway(None, Some(&prometheus.url));
    let before = world.issuer.token("victor");
    ask(&gateway, &before).expect(200);

    // The new key signs, the old one is still published: both tokens are good.
    world.issuer.rotate(&["second", "first"]);
    let after = world.issuer.token("victor");
    eventually(200, REFRESH, || ask(&gateway, &after));
    ask(&gateway, &before).expect(200);

    // The old key is withdrawn. It is gone with the next refresh, which a third key brings about.
    world.issuer.rotate(&["third"]);
    let newest = world.issuer.token("victor");
    eventually(200, REFRESH, || ask(&gateway, &newest));
    ask(&gateway, &before).expect(401);
    ask(&gateway, &after).expect(401);
}

/// Threat 19.
#[test]
fn known_keys_go_on_serving_while_the_issuer_is_away() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let gateway = world.gateway(None, Some(&prometheus.url));
    let known = world.issuer.token("victor");
    ask(&gateway, &known).expect(200);
    world.issuer.rotate(&["unseen"]);
    let unknown = world.issuer.token("victor");

    let port = world.issuer.port();
    world.issuer.stop();
    for _ in 0..5 {
        let start = Instant::now();
        ask(&gateway, &unknown).expect(401);
        assert!(start.elapsed() < Duration::from_secs(10), "401 came late");
        ask(&gateway, &known).expect(200);
    }

    // Back again, with yet another key, it is believed again without a restart.
    world.issuer = Issuer::start(world.path(), port, &["fresh"]).expect("it starts again");
    let fresh = world.issuer.token("victor");
    eventually(200, REFRESH, || ask(&gateway, &fresh));
}

/// Threat 23: without keys nobody is let in, and nobody has to restart the gateway either.
#[test]
fn an_issuer_that_comes_after_the_gateway_is_found() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let port = world.issuer.port();
    let token = world.issuer.token("victor");
    world.issuer.stop();
    let settings = Settings {
        issuer: &world.issuer.url,
        database: &world.database,
        loki: None,
        mimir: Some(&prometheus.url),
    };
    let gateway = Gateway::start(world.path(), &settings);
    ask(&gateway, &token).expect(503);
    gateway.get("/readyz").expect(503);
    gateway.get("/livez").expect(200);

    world.issuer = Issuer::start(world.path(), port, &["first"]).expect("it starts again");
    let token = world.issuer.token("victor");
    eventually(200, REFRESH, || ask(&gateway, &token));
    eventually(200, REFRESH, || gateway.get("/readyz"));
}
