//! Lists, page by page.

use http::Method;
use serde_json::Value;

use super::{ACME, PROJECTS, SHOP, all, refused};
use crate::harness::World;

/// The path that an answer links to as the next page.
fn next(answer: &crate::harness::client::Answer) -> Option<String> {
    let link = answer.header("link")?;
    let path = link
        .strip_prefix('<')
        .unwrap()
        .strip_suffix(">; rel=\"next\"")
        .unwrap();
    Some(path.to_owned())
}

/// All records of a list, by following the links.
async fn walk(world: &World, who: &str, first: &str) -> (Vec<Value>, usize) {
    let (mut records, mut pages) = (Vec::new(), 0);
    let mut path = Some(first.to_owned());
    while let Some(asked) = path {
        let answer = world.get(who, &asked).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.body);
        records.extend(answer.value().as_array().unwrap().clone());
        pages += 1;
        path = next(&answer);
    }
    (records, pages)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_walked_by_its_links() {
    let world = World::new().await;
    for index in 0..7 {
        let organization = format!(r#"{{"id": "o-{index}", "name": "O"}}"#);
        world
            .write(
                "alice",
                Method::POST,
                "/api/v1/organizations",
                &organization,
            )
            .await;
        let project = format!(r#"{{"id": "p-{index}", "name": "P", "org_id": "acme"}}"#);
        world.write("alice", Method::POST, PROJECTS, &project).await;
        let resource = format!(r#"{{"id": "r-{index}", "name": "R", "type": "T"}}"#);
        world
            .write(
                "alice",
                Method::POST,
                &format!("{SHOP}/resources"),
                &resource,
            )
            .await;
        let role = format!(r#"{{"user_id": "u-{index}", "role_id": "Viewer"}}"#);
        world
            .write("alice", Method::POST, &format!("{SHOP}/rbac"), &role)
            .await;
    }
    for (list, id, count) in [
        ("/api/v1/organizations".to_owned(), "org_id", 8),
        (PROJECTS.to_owned(), "project_id", 9),
        (format!("{PROJECTS}?org_id=acme"), "project_id", 9),
        (format!("{PROJECTS}?org_id=o-1"), "project_id", 0),
        (format!("{SHOP}/resources"), "resource_id", 9),
        (format!("{SHOP}/rbac"), "assignment_id", 10),
        (format!("{ACME}/audit"), "audit_id", 0),
    ] {
        let whole = world.get("alice", &list).await;
        assert_eq!(whole.header("link"), None);
        let whole = whole.value();
        if count > 0 {
            assert_eq!(whole.as_array().unwrap().len(), count, "{list}");
        }
        let sign = if list.contains('?') { '&' } else { '?' };
        for limit in [1, 3, 1000] {
            let (records, pages) =
                walk(&world, "alice", &format!("{list}{sign}limit={limit}")).await;
            let records = Value::Array(records);
            assert_eq!(all(&records, id), all(&whole, id), "{list}");
            let length = whole.as_array().unwrap().len();
            assert_eq!(pages, length.div_ceil(limit).max(1), "{list} {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_what_the_caller_may_read_and_nothing_else() {
    let world = World::new().await;
    for (who, organizations, projects, resources) in [
        ("alice", &["acme"][..], &["acme-lab", "acme-shop"][..], 2),
        ("victor", &[], &["acme-shop"], 2),
        ("gina", &["globex"], &["globex-iot"], 0),
        ("mallory", &[], &[], 0),
        ("never-heard-of", &[], &[], 0),
    ] {
        let list = world.get(who, "/api/v1/organizations").await.value();
        assert_eq!(all(&list, "org_id"), organizations, "{who}");
        let list = world.get(who, PROJECTS).await.value();
        assert_eq!(all(&list, "project_id"), projects, "{who}");
        let list = world
            .get(who, &format!("{PROJECTS}?org_id=acme"))
            .await
            .value();
        let of_acme = projects.iter().filter(|id| id.starts_with("acme"));
        assert_eq!(
            all(&list, "project_id"),
            of_acme.copied().collect::<Vec<_>>(),
            "{who}"
        );
        let list = world.get(who, &format!("{SHOP}/resources")).await;
        if resources == 0 {
            refused(&list, 403, "forbidden");
        } else {
            assert_eq!(list.value().as_array().unwrap().len(), resources, "{who}");
        }
    }
    // A project that has none, and one that is not there.
    world
        .write(
            "alice",
            Method::POST,
            PROJECTS,
            r#"{"id": "empty", "name": "E", "org_id": "acme"}"#,
        )
        .await;
    let list = world.get("alice", "/api/v1/projects/empty/resources").await;
    assert_eq!((list.status.as_u16(), list.body.as_str()), (200, "[]"));
    let told = |list: crate::harness::client::Answer| refused(&list, 403, "forbidden");
    let hidden = told(
        world
            .get("mallory", "/api/v1/projects/empty/resources")
            .await,
    );
    assert_eq!(
        told(
            world
                .get("mallory", "/api/v1/projects/nope/resources")
                .await
        ),
        hidden
    );
    assert_eq!(
        told(
            world
                .get("mallory", "/api/v1/projects/NOPE/resources")
                .await
        ),
        hidden
    );
}
