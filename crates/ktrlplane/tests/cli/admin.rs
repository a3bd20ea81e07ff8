//! `ktrlplane admin`, on a SQLite file, alone and while a gateway runs on the same file.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, SqliteConnection};
use tempfile::tempdir;

use crate::harness::{demo, get, ktrlplane, last_hour, run, serve, stderr, stdout, token};

const METRICS: &str = "/api/v1/projects/acme-shop/resources/shop-api/metrics/query_range";

/// What is granted and withdrawn is in force everywhere within this time.
const SECOND: Duration = Duration::from_secs(1);

/// The exit code, and what was said on either stream.
fn admin_with(dir: &Path, variables: &[(&str, &str)], line: &str) -> (i32, String, String) {
    let mut command = ktrlplane(dir);
    command
        .arg("admin")
        .args(line.split(' '))
        .env("KTRLPLANE_DATABASE_URL", "sqlite:d.db")
        .envs(variables.iter().copied());
    let output = run(&mut command, "");
    (
        output.status.code().unwrap(),
        stdout(&output),
        stderr(&output),
    )
}

fn admin(dir: &Path, line: &str) -> (i32, String, String) {
    admin_with(dir, &[], line)
}

/// What is printed where all goes well.
#[track_caller]
fn done(dir: &Path, line: &str) -> String {
    let (code, said, error) = admin(dir, line);
    assert_eq!(code, 0, "{line}: {error}");
    assert_eq!(error, "", "{line}");
    said
}

#[track_caller]
fn json(dir: &Path, line: &str) -> Value {
    serde_json::from_str(&done(dir, &format!("{line} --json"))).unwrap()
}

/// Says why it was refused.
#[track_caller]
fn refused(dir: &Path, code: i32, line: &str) -> String {
    let (is, said, error) = admin(dir, line);
    assert_eq!((is, said.as_str()), (code, ""), "{line}: {error}");
    assert!(!error.is_empty(), "{line}");
    error
}

fn acme(dir: &Path) {
    done(dir, "org create acme --name Acme");
    done(dir, "project create acme-shop --org acme");
    done(
        dir,
        "resource create shop-api --project acme-shop --type Konnektr.Graph",
    );
}

#[test]
fn what_the_operator_grants_and_withdraws_is_in_force_at_a_running_gateway_within_a_second() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    acme(dir.path());
    let variables = [
        ("KTRLPLANE_AUTH_ISSUER", told["issuer"].as_str().unwrap()),
        ("KTRLPLANE_AUTH_AUDIENCE", "ktrlplane-demo"),
        ("KTRLPLANE_DATABASE_URL", "sqlite:d.db"),
        ("KTRLPLANE_OBSERVABILITY_MIMIR_ENABLED", "true"),
        ("KTRLPLANE_OBSERVABILITY_MIMIR_URL", "embedded:"),
    ];
    let (_gateway, url) = serve(dir.path(), &variables);
    let victor = Some(token(&told, "victor"));
    let subject = told["users"]["victor"]["subject"]
        .as_str()
        .unwrap_or("victor");
    let ask = || get(&url, METRICS, victor, &last_hour("cpu_usage_percent")).0;
    let within_a_second = |wanted: u16, since: Instant| {
        while ask() != wanted {
            assert!(since.elapsed() < SECOND, "not {wanted} after a second");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    for place in ["--project acme-shop", "--org acme"] {
        assert_eq!(ask(), 403);
        done(
            dir.path(),
            &format!("grant --role Viewer --user {subject} {place}"),
        );
        within_a_second(200, Instant::now());
        done(dir.path(), &format!("revoke --user {subject} {place}"));
        within_a_second(403, Instant::now());
    }
    done(
        dir.path(),
        &format!("grant --role Viewer --user {subject} --org acme"),
    );
    within_a_second(200, Instant::now());
    done(dir.path(), "project update acme-shop --no-org");
    within_a_second(403, Instant::now());
    done(dir.path(), "project update acme-shop --org acme");
    within_a_second(200, Instant::now());
    done(dir.path(), "resource delete shop-api");
    within_a_second(404, Instant::now());
    done(dir.path(), "project delete acme-shop");
    within_a_second(403, Instant::now());
    // An expiry passes at its second, without anybody writing anything.
    done(dir.path(), "project create acme-lab");
    done(
        dir.path(),
        "resource create lab-flow --project acme-lab --type Konnektr.Flow",
    );
    let lab = "/api/v1/projects/acme-lab/resources/lab-flow/metrics/query_range";
    let ask_lab = || get(&url, lab, victor, &last_hour("cpu_usage_percent")).0;
    done(
        dir.path(),
        &format!("grant --role Viewer --user {subject} --project acme-lab --expires 3s"),
    );
    let granted = Instant::now();
    while ask_lab() != 200 {
        assert!(granted.elapsed() < SECOND);
    }
    while ask_lab() == 200 {
        assert!(granted.elapsed() < Duration::from_millis(3500));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn records_are_printed_for_people_and_for_programs() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(
        done(dir, "org create acme --name Acme"),
        "the organization `acme` is created\n"
    );
    let project = json(dir, "project create acme-shop --org acme --name Shop");
    assert_eq!(project["project_id"], "acme-shop");
    assert_eq!(project["org_id"], "acme");
    let settings = r#"--settings {"replicas":2}"#;
    let line = "resource create shop-api --project acme-shop --type Konnektr.Graph --sku pro";
    let resource = json(dir, &format!("{line} {settings}"));
    assert_eq!(resource["sku"], "pro");
    assert_eq!(resource["settings_json"]["replicas"], 2);
    let held = json(
        dir,
        "grant --role viewer --user auth0|ada --project acme-shop --expires 2099-12-31",
    );
    assert_eq!(held["expires_at"], "2099-12-31T00:00:00Z");
    assert_eq!(held["role"]["name"], "Viewer");
    json(dir, "grant --role Owner --user auth0|olga --org acme");

    let list = done(dir, "project list");
    let lines: Vec<&str> = list.lines().collect();
    assert!(
        lines[0].starts_with("PROJECT    ORGANIZATION  NAME  STATUS"),
        "{list}"
    );
    assert!(
        lines[1].starts_with("acme-shop  acme          Shop  Active"),
        "{list}"
    );
    assert_eq!(json(dir, "project show acme-shop")["name"], "Shop");
    assert_eq!(
        json(dir, "project update acme-shop --name Boutique")["name"],
        "Boutique"
    );
    assert_eq!(
        json(dir, "resource list --project acme-shop")[0]["type"],
        "Konnektr.Graph"
    );
    let updated = json(dir, "resource update shop-api --sku free");
    assert_eq!(
        (&updated["sku"], &updated["name"]),
        (&"free".into(), &"shop-api".into())
    );
    assert_eq!(json(dir, "org update acme --name ACME")["name"], "ACME");

    // Who holds what, and where it comes from.
    let access = json(dir, "access --resource shop-api");
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for held in access.as_array().unwrap() {
        let from = held["inherited_from_scope_type"].as_str().unwrap();
        seen.push((held["user_id"].as_str().unwrap(), from));
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        [("auth0|ada", "project"), ("auth0|olga", "organization")]
    );
    let of_ada = json(dir, "access --project acme-shop --user auth0|ada");
    assert_eq!(of_ada.as_array().unwrap().len(), 1);
    assert_eq!(of_ada[0]["inheritance_type"], "direct");
    assert_eq!(of_ada[0]["assignment_id"], held["assignment_id"]);
    let id = held["assignment_id"].as_str().unwrap();
    assert_eq!(json(dir, &format!("revoke {id}"))["withdrawn"], id);
    assert_eq!(
        json(dir, "access --project acme-shop --user auth0|ada"),
        Value::Array(vec![])
    );

    // By e-mail, once the operator has said whose it is.
    json(dir, "user set auth0|ada --email ada@example.com");
    assert_eq!(json(dir, "user find ADA@")[0]["user_id"], "auth0|ada");
    let by_email = json(
        dir,
        "grant --role Editor --email Ada@Example.com --resource shop-api",
    );
    assert_eq!(by_email["user_id"], "auth0|ada");
    done(dir, "user set auth0|ada --name Ada");
    assert_eq!(json(dir, "user show auth0|ada")["email"], "ada@example.com");

    let audit = json(dir, "audit --org acme --limit 2");
    assert_eq!(audit.as_array().unwrap().len(), 2);
    assert_eq!(audit[0]["operation"], "role.grant");
    assert_eq!(audit[0]["subject"], Value::Null);
    assert!(done(dir, "audit --project acme-shop").contains("operator"));
    let roles = json(dir, "roles");
    assert_eq!(roles.as_array().unwrap().len(), 3);
}

#[test]
fn exit_codes_tell_programs_apart_what_happened() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    acme(dir);
    done(dir, "grant --role Owner --user auth0|olga --org acme");
    for line in [
        "org show Acme",
        "org create a|b",
        "project create acme-shop..",
        "grant --role Viewer --org acme",
        "grant --role Viewer --user x",
        "grant --role Viewer --user x --email y --org acme",
        "grant --role Viewer --user x --org acme --project acme-shop",
        "grant --role Viewer --user x --org acme --expires soon",
        "revoke",
        "revoke --user x",
        "project update acme-shop",
        "frobnicate",
    ] {
        refused(dir, 2, line);
    }
    for line in [
        "org show globex",
        "project delete nope",
        "project list --org globex",
        "resource show nope",
        "resource create x --project nope --type T",
        "access --project nope",
        "grant --role Viewer --user x --project nope",
        "grant --role Nope --user x --org acme",
        "grant --role Viewer --email nobody@example.com --org acme",
        "revoke no-such-assignment",
        "revoke --user x --org acme",
        // Inherited roles are withdrawn where they are held.
        "revoke --user auth0|olga --project acme-shop",
        "user show nobody",
    ] {
        refused(dir, 3, line);
    }
    for (line, because) in [
        ("org create acme", "already"),
        ("org delete acme", "`--cascade`"),
        ("project delete acme-shop", "`--cascade`"),
        ("revoke --user auth0|olga --org acme", "last Owner"),
    ] {
        let said = refused(dir, 4, line);
        assert!(said.contains(because), "{line}: {said}");
    }
    refused(dir, 1, "project create fake");
    refused(
        dir,
        1,
        "grant --role Viewer --user x --org acme --expires 2020-01-01",
    );
    // Nothing of all that has changed anything.
    let held = json(dir, "access --project acme-shop");
    assert_eq!(held.as_array().unwrap().len(), 1);
    let away = [(
        "KTRLPLANE_DATABASE_URL",
        "postgres://u:hunter2@127.0.0.1:9/d",
    )];
    let (code, _, said) = admin_with(dir, &away, "org list");
    assert_eq!(code, 5, "{said}");
    assert!(
        said.contains("u:***@") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn an_id_that_is_gone_is_used_again_when_the_operator_frees_it() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    acme(dir);
    done(dir, "org delete acme --cascade");
    for (kind, id) in [("org", "acme"), ("project", "acme-shop")] {
        refused(dir, 4, &format!("{kind} create {id}"));
        assert_eq!(json(dir, &format!("{kind} free {id}"))["freed"], id);
        done(dir, &format!("{kind} create {id}"));
    }
    refused(dir, 3, "project free never-there");
}

#[test]
fn a_long_list_is_whole() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    done(dir, "org create acme");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", dir.join("d.db").display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201) \
                    INSERT INTO projects (project_id, org_id, name) \
                    SELECT 'p-' || i, 'acme', 'P' FROM n";
        connection
            .execute(AssertSqlSafe(rows.to_owned()))
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
    let list = json(dir, "project list --org acme");
    assert_eq!(list.as_array().unwrap().len(), 1201);
    assert_eq!(done(dir, "project list").lines().count(), 1202);
}

#[test]
fn a_database_that_is_managed_elsewhere_is_read_and_not_written() {
    let dir = tempdir().unwrap();
    let dir = dir.path();
    acme(dir);
    let theirs = [("KTRLPLANE_DATABASE_MANAGED", "false")];
    let (code, said, _) = admin_with(dir, &theirs, "project list");
    assert_eq!(code, 0);
    assert!(said.contains("acme-shop"), "{said}");
    for line in [
        "org create globex",
        "project delete acme-shop --cascade",
        "grant --role Viewer --user x --org acme",
        "user set x --name X",
    ] {
        let (code, said, error) = admin_with(dir, &theirs, line);
        assert_eq!((code, said.as_str()), (1, ""), "{line}");
        assert!(error.contains("database.managed is false"), "{error}");
    }
    let projects = json(dir, "project list");
    assert_eq!(projects.as_array().unwrap().len(), 1);
}
