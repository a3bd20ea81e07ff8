//! The whole product on `KtrlPlane`'s own database, as a role that may select and nothing else.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, Settings, binary};
use crate::http::Answer;
use crate::issuer::{AUDIENCE, Issuer};
use crate::postgres;
use crate::process::free_port;
use crate::prometheus::{Data, Prometheus};
use crate::theirs::Theirs;
use crate::world::eventually;

const DATA: Data = &[
    ("shop-api", "ours"),
    ("lab-flow", "lab"),
    ("iot-graph", "iot"),
];

const UNMANAGED: (&str, &str) = ("KTRLPLANE_DATABASE_MANAGED", "false");

const SERVICE: &str = "bagOSESRAzp5TG2FQBI33SkOATMrJ88m@clients";

/// Notes every write, whoever makes it, for as long as the trigger is there.
const WATCH: &str = "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
     BEGIN RAISE EXCEPTION 'somebody writes'; END $$; \
     DO $$ DECLARE t record; BEGIN \
     FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'ktrlplane' LOOP \
     EXECUTE format('CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE \
     ON ktrlplane.%I EXECUTE FUNCTION public.refuse()', t.tablename); \
     END LOOP; END $$";

#[test]
fn the_gateway_decides_on_ktrlplanes_database_as_ktrlplane_does() {
    let Some(database) = postgres::database() else {
        return;
    };
    let theirs = Theirs::make(&database.url);
    theirs.sql(WATCH);
    let temporary = tempfile::tempdir().expect("a directory");
    let Some(mut issuer) = Issuer::start(temporary.path(), free_port(), &["first"]) else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(temporary.path(), DATA) else {
        return;
    };
    let settings = Settings {
        issuer: &issuer.url.clone(),
        database: &theirs.reader,
        loki: None,
        mimir: Some(&prometheus.url),
    };
    let gateway = Gateway::start_with(temporary.path(), &settings, &[UNMANAGED]);
    eventually(200, Duration::from_secs(20), || gateway.get("/readyz"));
    let mut ask = |who: &str, project: &str, resource: &str| -> Answer {
        let token = issuer.token(who);
        gateway.metrics(project, resource, "up", Some(&token))
    };
    for (who, project, resource, status) in [
        ("auth0|olga", "acme-shop", "shop-api", 200),
        ("auth0|olga", "acme-lab", "lab-flow", 200),
        ("auth0|olga", "acme-shop", "lab-flow", 404),
        ("auth0|olga", "globex-iot", "iot-graph", 403),
        ("auth0|ed", "acme-shop", "shop-api", 200),
        ("auth0|vic", "acme-shop", "shop-api", 200),
        ("auth0|vic", "acme-lab", "lab-flow", 403),
        ("auth0|vic2", "acme-shop", "shop-api", 403),
        ("auth0|graph", "acme-shop", "shop-api", 403),
        ("auth0|data", "acme-shop", "shop-api", 403),
        ("auth0|past", "acme-shop", "shop-api", 403),
        ("auth0|res", "acme-shop", "shop-api", 403),
        ("auth0|odd", "odd-home", "shop-api", 403),
        ("auth0|nobody", "acme-shop", "shop-api", 403),
        (SERVICE, "acme-shop", "shop-api", 403),
    ] {
        let answer = ask(who, project, resource);
        assert_eq!(
            answer.status, status,
            "{who} asks for {resource}: {}",
            answer.body
        );
        if status == 200 {
            assert!(answer.body.contains(resource), "{}", answer.body);
        }
    }

    // What KtrlPlane withdraws and grants counts after the poll that is configured, or sooner.
    theirs.sql("DROP FUNCTION public.refuse() CASCADE");
    let poll = Duration::from_secs(2);
    ask("auth0|vic", "acme-shop", "shop-api").expect(200);
    theirs.sql("DELETE FROM ktrlplane.role_assignments WHERE assignment_id = 'victors-role'");
    let withdrawn = Instant::now();
    eventually(403, poll, || ask("auth0|vic", "acme-shop", "shop-api"));
    assert!(withdrawn.elapsed() <= poll, "{:?}", withdrawn.elapsed());
    theirs.sql(
        "UPDATE ktrlplane.role_assignments SET scope_id = 'acme-lab' WHERE user_id = 'auth0|ed'",
    );
    eventually(403, poll, || ask("auth0|ed", "acme-shop", "shop-api"));
    eventually(200, poll, || ask("auth0|ed", "acme-lab", "lab-flow"));
    assert!(
        !gateway.log().contains("only-reads"),
        "a password is in the log"
    );
}

#[test]
fn check_says_whose_the_database_is_and_what_the_role_lacks() {
    let Some(database) = postgres::database() else {
        return;
    };
    let theirs = Theirs::make(&database.url);
    let directory = tempfile::tempdir().expect("a directory");
    let check = |url: &str, managed: &str| {
        let output = Command::new(binary())
            .arg("check")
            .current_dir(directory.path())
            .env_clear()
            .env("KTRLPLANE_AUTH_ISSUER", "http://127.0.0.1:9/")
            .env("KTRLPLANE_AUTH_AUDIENCE", AUDIENCE)
            .env("KTRLPLANE_DATABASE_URL", url)
            .env("KTRLPLANE_DATABASE_MANAGED", managed)
            .output()
            .expect("the program runs");
        let said = String::from_utf8(output.stdout).expect("text");
        let line = said.lines().find(|line| line.starts_with("directory"));
        line.expect("a line about the directory").to_owned()
    };
    let line = check(&theirs.reader, "false");
    assert!(line.starts_with("directory      ok"), "{line}");
    assert!(
        line.contains("it is managed elsewhere and only read here"),
        "{line}"
    );
    let line = check(&theirs.owner, "true");
    assert!(line.starts_with("directory      FAILED"), "{line}");
    assert!(line.contains("`database.managed: false`"), "{line}");
    theirs.sql("REVOKE SELECT ON ktrlplane.role_permissions FROM {role}");
    let line = check(&theirs.reader, "false");
    assert!(line.starts_with("directory      FAILED"), "{line}");
    assert!(
        line.contains("GRANT SELECT ON ktrlplane.role_permissions TO reader_"),
        "{line}"
    );
    assert!(!line.contains("only-reads"), "{line}");
}
