//! Invariant 5 for management, and who may do what: role × action × scope × inheritance.

use std::fmt::Write as _;

use directory::policy::{OrganizationId, ProjectId, ResourceId, Scope};
use gateway::directory;
use gateway::routes::{self, Effect, Managed, Mount, Needs, Serves};
use http::Method;
use sqlx::{Connection, Executor, SqliteConnection};

use super::{everything, unchanged};
use crate::harness::backend::any_list;
use crate::harness::{World, grant, person};
use crate::matrix;

/// Places that belong together: an organization, a project and a resource.
type Places = [&'static str; 3];

const OWN: Places = ["acme", "acme-shop", "shop-api"];
/// In the same organization.
const BESIDE: Places = ["acme", "acme-lab", "lab-flow"];
const OTHER: Places = ["globex", "globex-iot", "iot-graph"];

/// A row of management, at one of its paths and for one of its methods.
struct Row {
    name: &'static str,
    mount: Mount,
    pattern: String,
    method: &'static Method,
    managed: Managed,
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for route in routes::all() {
        let Serves::Management(managed) = &route.serves else {
            continue;
        };
        for (mount, pattern) in route.paths() {
            rows.extend(route.methods.iter().map(|method| Row {
                name: route.name,
                mount,
                pattern: pattern.clone(),
                method,
                managed: *managed,
            }));
        }
    }
    rows
}

/// Parameters and a body with which the row does something if it may, and yet writes nothing: what is
/// to be made is there, what is to be changed was changed meanwhile, and what is to be given or taken
/// back is none. A new row fails here until it has some.
fn harmless(row: &Row, [organization, _, resource]: Places) -> (String, String) {
    let (query, body) = match row.name {
        "organization_create" => ("", r#"{"id": "acme", "name": "x"}"#.to_owned()),
        "project_create" => {
            let body = format!(r#"{{"id": "acme-shop", "name": "x", "org_id": "{organization}"}}"#);
            ("", body)
        }
        "resource_create" => (
            "",
            format!(r#"{{"id": "{resource}", "name": "x", "type": "x"}}"#),
        ),
        "organization_update" | "project_update" | "resource_update" => {
            ("", r#"{"name": "x"}"#.to_owned())
        }
        "grant" => (
            "",
            r#"{"user_id": "mallory", "role_id": "Emperor"}"#.to_owned(),
        ),
        "permissions_check" => ("scopeType=project&scopeId=acme-shop", String::new()),
        "users_search" => ("q=vic", String::new()),
        "organizations"
        | "organization"
        | "organization_delete"
        | "projects"
        | "project"
        | "project_delete"
        | "resources"
        | "resource"
        | "resource_delete"
        | "assignments"
        | "withdraw"
        | "audit"
        | "roles"
        | "role_permissions"
        | "me" => ("", String::new()),
        name => panic!("the route {name} has no cases: add what it does without writing"),
    };
    (query.to_owned(), body)
}

impl Row {
    fn path(&self, [organization, project, resource]: Places) -> String {
        self.pattern
            .replace("{orgId}", organization)
            .replace("{projectId}", project)
            .replace("{resourceId}", resource)
            .replace("{assignmentId}", "none")
            .replace("{roleId}", "viewer")
    }

    async fn ask(&self, world: &World, places: Places, subject: &str) -> (u16, String) {
        let (query, body) = harmless(self, places);
        let ask = world.ask(&format!("{}?{query}", self.path(places)));
        let ask = if body.is_empty() {
            ask.method(self.method.clone())
        } else {
            ask.json(self.method.clone(), &body)
        };
        let ask = match self.managed.task.effect() {
            Effect::Updates | Effect::Removes => ask.header("if-match", "\"none\""),
            Effect::Creates | Effect::Reads | Effect::Lists | Effect::Tells => ask,
        };
        let ask = match subject {
            "" => ask,
            subject => ask.token(&world.token(subject)),
        };
        let answer = ask.send().await;
        (answer.status.as_u16(), answer.body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_tells_or_does_anything_without_token_and_permission() {
    let world = World::new().await;
    let before = everything(&world).await;
    for row in rows() {
        let name = format!("{} {}", row.method, row.pattern);
        let asked = async |places, subject: &str| row.ask(&world, places, subject).await;
        assert_eq!(asked(OWN, "").await.0, 401, "{name}");
        match row.managed.needs {
            Needs::On(_) | Needs::Within(_) => {
                for (places, stranger) in [
                    (OWN, "mallory"),
                    (OWN, "never-heard-of"),
                    (OWN, "gina"),
                    (OTHER, "alice"),
                    (OTHER, "victor"),
                    (["none", "none", "none"], "alice"),
                ] {
                    assert_eq!(asked(places, stranger).await.0, 403, "{name} {stranger}");
                }
                // A resource of another project is not in this one.
                if row.mount == Mount::Resource {
                    let crossed = ["acme", "acme-shop", "iot-graph"];
                    assert_eq!(asked(crossed, "alice").await.0, 404, "{name}");
                }
            }
            // About the caller: of a stranger there is nothing to tell.
            Needs::Token => {
                let (status, body) = asked(OWN, "mallory").await;
                match row.name {
                    "organizations" | "projects" | "users_search" => {
                        assert_eq!((status, body.as_str()), (200, "[]"), "{name}");
                    }
                    "permissions_check" => assert!(body.contains(r#""permissions":[]"#), "{name}"),
                    "me" => assert!(body.contains(r#""user_id":"mallory""#), "{name}"),
                    "organization_create" => assert_eq!(status, 409, "{name}"),
                    "project_create" => assert_eq!(status, 403, "{name}"),
                    "roles" | "role_permissions" => assert_eq!(status, 200, "{name}"),
                    _ => panic!("{name}: say what a stranger is told"),
                }
            }
        }
    }
    unchanged(&before, &everything(&world).await, "nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_answers_a_method_that_is_not_its_own() {
    let world = World::new().await;
    let known = |pattern: &str, method: &Method| {
        let routes = routes::all().filter(|route| route.methods.contains(method));
        let mut paths = routes.flat_map(routes::Route::paths);
        paths.any(|(_, path)| path == pattern)
    };
    for row in rows() {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ] {
            if !known(&row.pattern, &method) {
                let answer = world
                    .write("alice", method.clone(), &row.path(OWN), "")
                    .await;
                assert_eq!(answer.status, 405, "{method} {}", row.pattern);
                assert!(answer.header("allow").is_some());
            }
        }
    }
}

/// Everybody holds one role on one place.
const ROLES: [&str; 4] = ["Owner", "Editor", "Viewer", "Steward"];

/// A world with one holder of each role on each kind of place. `Steward` is the platform's own role,
/// of which no API of ours knows how to make one: it holds `manage_access` and nothing else, but for a
/// permission of another product that is called `read`, too.
async fn cast(url: &str) -> World {
    let world = World::beside(url).await;
    let mut database = SqliteConnection::connect(url).await.unwrap();
    database
        .execute(
            "INSERT INTO roles (role_id, name, display_name) VALUES ('steward', 'Steward', 'Steward'); \
             INSERT INTO permissions (permission_id, resource_type, action) \
             VALUES ('graph-read', 'Konnektr.Graph', 'read'); \
             INSERT INTO role_permissions (role_id, permission_id) VALUES ('steward', 'graph-read'); \
             INSERT INTO role_permissions (role_id, permission_id) \
             SELECT 'steward', permission_id FROM permissions \
             WHERE resource_type = 'Konnektr.KtrlPlane' AND action = 'manage_access'",
        )
        .await
        .unwrap();
    database.close().await.unwrap();
    person(&world.directory, "nobody").await;
    let [organization, project, resource] = OWN;
    for role in ROLES {
        for scope in [
            Scope::Organization(OrganizationId::new(organization).unwrap()),
            Scope::Project(ProjectId::new(project).unwrap()),
            Scope::Resource(ResourceId::new(resource).unwrap()),
        ] {
            let subject = format!("{role} on {}", scope.scope_type());
            person(&world.directory, &subject).await;
            grant(&world.directory, &subject, role, scope, None).await;
        }
    }
    world
}

/// The statuses of what everybody of the cast gets.
async fn line(ask: impl AsyncFn(&str) -> u16) -> String {
    let mut line = String::new();
    for role in ROLES {
        for kind in ["organization", "project", "resource"] {
            let status = ask(&format!("{role} on {kind}")).await;
            write!(line, "{status} ").unwrap();
        }
        line.push_str("| ");
    }
    write!(line, "{}", ask("nobody").await).unwrap();
    line
}

/// What each role may do where it is held, in what that holds, beside it and elsewhere. A 2xx and
/// what comes of a harmless request (404, 409, 412) are answers to those who may.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what() {
    let home = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", home.path().join("directory.db").display());
    let world = cast(&url).await;
    for backend in [&world.loki, &world.mimir] {
        backend.answers(any_list);
    }
    let before = everything(&world).await;
    let mut matrix = String::from(
        "held on the organization acme, the project acme-shop or the resource shop-api\n\
         Owner       | Editor      | Viewer      | Steward     | nobody\n\
         org pro res | org pro res | org pro res | org pro res |\n",
    );
    for (title, places) in [("there", OWN), ("beside", BESIDE), ("elsewhere", OTHER)] {
        writeln!(matrix, "\n{title}: {}", places.join(", ")).unwrap();
        // Rows of which everybody gets the same are one line.
        let mut lines: Vec<(String, Vec<String>)> = Vec::new();
        let mut add =
            |line: String, name: String| match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, names)) => names.push(name),
                None => lines.push((line, vec![name])),
            };
        for row in rows() {
            let ask = async |who: &str| row.ask(&world, places, who).await.0;
            let line = line(ask).await;
            add(line, format!("{} {}", row.method, row.pattern));
        }
        for row in matrix::rows() {
            let [_, project, resource] = places;
            let (method, path) = (&row.methods[0], row.path(project, resource));
            let parameters = matrix::good_parameters(row.name);
            let ask = async |who: &str| matrix::ask(&world, method, &path, &parameters, who).await;
            let line = line(ask).await;
            add(line, format!("data of the {:?}", row.mount).to_lowercase());
        }
        for (line, names) in lines {
            writeln!(matrix, "{line}").unwrap();
            let mut told: Vec<&String> = Vec::new();
            for name in &names {
                if !told.contains(&name) {
                    told.push(name);
                    let times = names.iter().filter(|other| *other == name).count();
                    let times = if times > 1 {
                        format!(", {times} rows")
                    } else {
                        String::new()
                    };
                    writeln!(matrix, "  {name}{times}").unwrap();
                }
            }
        }
    }
    unchanged(&before, &everything(&world).await, "nothing");
    insta::assert_snapshot!(matrix);
}
