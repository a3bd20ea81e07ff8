//! PostgreSQL as the directory of the whole product, and what happens when it stops.

use std::time::Duration;

use gateway::directory::Grant;
use gateway::directory::policy::{ProjectId, Scope, Subject, SystemRole};

use crate::gateway::{Gateway, binary};
use crate::http::{Answer, RUNTIME};
use crate::postgres::{self, PASSWORD};
use crate::prometheus::{Data, Prometheus};
use crate::world::{PROJECT, RESOURCE, World, eventually};

const DATA: Data = &[("shop-api", "ours")];

fn ask(gateway: &Gateway, token: &str) -> Answer {
    gateway.metrics(PROJECT, RESOURCE, "up", Some(token))
}

#[test]
fn roles_in_postgresql_hold_for_every_gateway_on_it() {
    let Some(database) = postgres::database() else {
        return;
    };
    let temporary = tempfile::tempdir().expect("a directory");
    let Some(mut world) = World::with(temporary, database.url.clone()) else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let gateways = [
        world.gateway(None, Some(&prometheus.url)),
        world.gateway(None, Some(&prometheus.url)),
    ];
    let victor = world.issuer.token("victor");
    let alice = world.issuer.token("alice");
    let mallory = world.issuer.token("mallory");
    for gateway in &gateways {
        ask(gateway, &victor).expect(200);
        ask(gateway, &alice).expect(200);
        ask(gateway, &mallory).expect(403);
        gateway.get("/readyz").expect(200);
    }

    // What changes in the database counts everywhere within a second (threat 20).
    let second = Duration::from_secs(1);
    RUNTIME
        .block_on(world.directory.revoke(&world.victors_role))
        .expect("the role is withdrawn");
    for gateway in &gateways {
        eventually(403, second, || ask(gateway, &victor));
    }
    let grant = Grant {
        subject: Subject::new("mallory").expect("a subject"),
        role: SystemRole::Editor.name().to_owned(),
        scope: Scope::Project(ProjectId::new(PROJECT).expect("an id")),
        assigned_by: None,
        expires_at: None,
    };
    RUNTIME
        .block_on(world.directory.grant(grant))
        .expect("the role is given");
    for gateway in &gateways {
        eventually(200, second, || ask(gateway, &mallory));
        // Threat 25.
        assert!(!gateway.log().contains(PASSWORD));
    }
}

#[test]
fn the_password_of_a_role_may_be_in_a_file() {
    let Some(cluster) = postgres::cluster() else {
        return;
    };
    let home = tempfile::tempdir().expect("a directory");
    let (right, wrong) = (home.path().join("right"), home.path().join("wrong"));
    std::fs::write(&right, format!("{PASSWORD}\n")).expect("it can be written");
    std::fs::write(&wrong, "hunter3\n").expect("it can be written");
    let url = cluster.url("postgres");
    let url = url.replace(&format!(":{}", postgres::ENCODED_PASSWORD), "");
    let roles = |file: &std::path::Path| {
        let mut command = std::process::Command::new(binary());
        command.args(["admin", "roles"]).current_dir(home.path());
        command.env_clear().envs([
            ("KTRLPLANE_DATABASE_URL", url.as_str()),
            (
                "KTRLPLANE_DATABASE_PASSWORD_FILE",
                file.to_str().expect("text"),
            ),
        ]);
        let output = command.output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.success(), said)
    };
    let (ok, said) = roles(&right);
    assert!(ok && said.contains("Editor"), "{said}");
    let (ok, said) = roles(&wrong);
    assert!(!ok && said.contains("cannot be used"), "{said}");
    assert!(!said.contains("hunter3"), "{said}");
    let absent = home.path().join("absent");
    let (ok, said) = roles(&absent);
    assert!(
        !ok && said.contains(absent.to_str().expect("text")),
        "{said}"
    );
    assert!(said.contains("see database.password_file"), "{said}");
}

/// Threat 23.
#[test]
fn a_stopped_directory_lets_nobody_in_until_it_is_back() {
    let Some(mut cluster) = postgres::cluster() else {
        return;
    };
    let temporary = tempfile::tempdir().expect("a directory");
    let Some(mut world) = World::with(temporary, cluster.url("postgres")) else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let gateway = world.gateway(None, Some(&prometheus.url));
    let victor = world.issuer.token("victor");
    let mallory = world.issuer.token("mallory");
    ask(&gateway, &victor).expect(200);

    cluster.pause();
    // What was decided may be remembered for a second, and no longer.
    let answer = eventually(503, Duration::from_secs(5), || ask(&gateway, &victor));
    assert_eq!(answer.json()["errorType"], "unavailable");
    assert!(!answer.body.contains("postgres"), "{}", answer.body);
    ask(&gateway, &mallory).expect(503);
    gateway.get("/readyz").expect(503);
    gateway.get("/livez").expect(200);
    // Who has no token is told so all the same.
    gateway.metrics(PROJECT, RESOURCE, "up", None).expect(401);

    cluster.resume();
    eventually(200, Duration::from_secs(20), || ask(&gateway, &victor));
    ask(&gateway, &mallory).expect(403);
    assert!(!gateway.log().contains(PASSWORD));
}
