//! What stops, and what comes back: backends, directories, roles.

use std::time::Duration;

use crate::gateway::Gateway;
use crate::http::{Answer, RUNTIME};
use crate::process::free_port;
use crate::prometheus::{Data, Prometheus};
use crate::world::{PROJECT, RESOURCE, World, eventually};

const DATA: Data = &[("shop-api", "ours")];

fn ask(gateway: &Gateway, token: &str) -> Answer {
    gateway.metrics(PROJECT, RESOURCE, "up", Some(token))
}

#[test]
fn a_stopped_backend_is_502_until_it_is_back() {
    let Some(mut world) = World::new() else {
        return;
    };
    let port = free_port();
    let Some(prometheus) = Prometheus::start(world.path(), port, DATA) else {
        return;
    };
    let gateway = world.gateway(None, Some(&prometheus.url));
    let token = world.issuer.token("victor");
    ask(&gateway, &token).expect(200);

    drop(prometheus);
    let answer = ask(&gateway, &token).expect(502).json();
    assert_eq!(answer["status"], "error");
    assert_eq!(answer["errorType"], "bad_gateway");
    // The rest of the gateway stands: who is refused is refused for the same reason as before.
    let mallory = world.issuer.token("mallory");
    ask(&gateway, &mallory).expect(403);

    let _again = Prometheus::start(world.path(), port, DATA).expect("it starts again");
    eventually(200, Duration::from_secs(30), || ask(&gateway, &token));
}

#[test]
fn a_backend_that_is_not_enabled_is_503() {
    let Some(mut world) = World::new() else {
        return;
    };
    let gateway = world.gateway(None, None);
    let token = world.issuer.token("victor");
    let metrics = ask(&gateway, &token).expect(503).json();
    let logs = gateway
        .logs(PROJECT, RESOURCE, &[], Some(&token))
        .expect(503)
        .json();
    for answer in [metrics, logs] {
        assert_eq!(answer["errorType"], "unavailable", "{answer}");
    }
    // Who may not ask is not told what is configured.
    let mallory = world.issuer.token("mallory");
    ask(&gateway, &mallory).expect(403);
    gateway.metrics(PROJECT, RESOURCE, "up", None).expect(401);
}

/// Threat 20, with the role withdrawn by another process on the same database.
#[test]
fn a_withdrawn_role_stops_working_within_a_second() {
    let Some(mut world) = World::new() else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let gateway = world.gateway(None, Some(&prometheus.url));
    let token = world.issuer.token("victor");
    ask(&gateway, &token).expect(200);
    ask(&gateway, &token).expect(200);
    RUNTIME
        .block_on(world.directory.revoke(&world.victors_role))
        .expect("the role is withdrawn");
    eventually(403, Duration::from_secs(1), || ask(&gateway, &token));
}
