//! Lists: who sees what, and page after page.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use std::collections::BTreeSet;

use directory::Directory;
use directory::manage::list::{Listed, Page, Reader};
use directory::policy::Permission;

use crate::authority::world;
use crate::home::{Home, at, organization, project, resource, subject};
use crate::manager::{
    NOW, all, by, give, kind, new_organization, new_project, new_resource, now, operate, place,
    reader, role, role_until,
};

async fn organizations(directory: &Directory, who: &Reader) -> Vec<String> {
    let listed = directory.organizations(who, &all()).await.unwrap();
    listed
        .records
        .into_iter()
        .map(|record| record.org_id)
        .collect()
}

async fn projects(directory: &Directory, who: &Reader, of: Option<&str>) -> Vec<String> {
    let of = of.map(organization);
    let listed = directory.projects(who, of.as_ref(), &all()).await.unwrap();
    listed
        .records
        .into_iter()
        .map(|record| record.project_id)
        .collect()
}

async fn resources(directory: &Directory, who: &Reader, of: &str) -> Vec<String> {
    let listed = directory
        .resources(who, &project(of), &all())
        .await
        .unwrap();
    listed
        .records
        .into_iter()
        .map(|record| record.resource_id)
        .collect()
}

/// A role shows what is below it, and nothing beside or above it.
pub async fn a_list_has_what_its_reader_may_read(home: &Home) {
    let directory = world(home).await;
    operate(&directory, new_project("iot", Some("globex"))).await;
    operate(&directory, new_project("lonely", None)).await;
    operate(&directory, new_resource("shop", "web")).await;
    operate(&directory, new_resource("lab", "lab-api")).await;
    home.sql(
        "INSERT INTO {}roles (role_id, name, display_name) VALUES ('graph', 'Graph', 'Graph'); \
         INSERT INTO {}permissions VALUES ('graph-read', 'Konnektr.Graph', 'read'); \
         INSERT INTO {}role_permissions VALUES ('graph', 'graph-read')",
    )
    .await
    .unwrap();
    give(&directory, "on-acme", "Viewer", "acme").await;
    give(&directory, "on-shop", "Viewer", "/shop").await;
    give(&directory, "on-api", "Owner", "/shop/api").await;
    give(&directory, "on-all", "Viewer", "acme").await;
    give(&directory, "on-all", "Viewer", "/shop").await;
    give(&directory, "on-all", "Editor", "/shop").await;
    give(&directory, "on-all", "Viewer", "globex").await;
    give(&directory, "on-all", "Viewer", "/lonely").await;
    give(&directory, "on-graph", "Graph", "acme").await;
    operate(
        &directory,
        role_until("was", "Owner", "acme", Some(NOW + 10)),
    )
    .await;
    let was = Reader::Subject(subject("was"), at(NOW + 10));
    let none: &[&str] = &[];
    let (orgs, acme) = (&["acme", "globex"][..], &["lab", "shop"][..]);
    let (mine, every) = (&["acme"][..], &["iot", "lab", "lonely", "shop"][..]);
    let (shop, both, api) = (&["shop"][..], &["api", "web"][..], &["api"][..]);
    for (who, expected_organizations, all_projects, acme_projects, shop_resources) in [
        (Reader::Operator, orgs, every, acme, both),
        (reader("on-all"), orgs, every, acme, both),
        (reader("on-acme"), mine, acme, acme, both),
        (reader("on-shop"), none, shop, shop, both),
        (reader("on-api"), none, none, none, api),
        (reader("on-graph"), none, none, none, none),
        (reader("stranger"), none, none, none, none),
        (reader("was"), mine, acme, acme, both),
        (was, none, none, none, none),
    ] {
        assert_eq!(
            organizations(&directory, &who).await,
            expected_organizations,
            "{who:?}"
        );
        assert_eq!(
            projects(&directory, &who, None).await,
            all_projects,
            "{who:?}"
        );
        assert_eq!(
            projects(&directory, &who, Some("acme")).await,
            acme_projects,
            "{who:?}"
        );
        assert_eq!(
            resources(&directory, &who, "shop").await,
            shop_resources,
            "{who:?}"
        );
        assert_eq!(
            projects(&directory, &who, Some("nope")).await,
            none,
            "{who:?}"
        );
        assert_eq!(resources(&directory, &who, "nope").await, none, "{who:?}");
    }
    assert_eq!(resources(&directory, &reader("on-api"), "lab").await, none);
}

pub async fn pages_follow_each_other_without_gap_or_overlap(home: &Home) {
    let directory = world(home).await;
    for number in 0..25 {
        operate(&directory, new_project(&format!("p{number}"), Some("acme"))).await;
        operate(&directory, new_organization(&format!("o{number}"))).await;
        operate(&directory, new_resource("shop", &format!("r{number}"))).await;
        operate(&directory, role(&format!("u{number}"), "Viewer", "/shop")).await;
        give(&directory, "reader", "Viewer", &format!("o{number}")).await;
        give(&directory, "reader", "Viewer", &format!("/p{number}")).await;
        give(&directory, "reader", "Viewer", &format!("/shop/r{number}")).await;
    }
    let (acme, shop) = (organization("acme"), project("shop"));
    for limit in [1, 7, 25, 26, 1000] {
        for who in [Reader::Operator, reader("reader")] {
            let extra = usize::from(who == Reader::Operator);
            let seen = pages(limit, async |page| {
                let listed = directory.organizations(&who, &page).await.unwrap();
                (
                    listed
                        .records
                        .into_iter()
                        .map(|record| record.org_id)
                        .collect(),
                    listed.next,
                )
            });
            assert_eq!(seen.await.len(), 25 + 2 * extra);
            for of in [None, Some(&acme)] {
                let seen = pages(limit, async |page| {
                    let listed = directory.projects(&who, of, &page).await.unwrap();
                    let ids = listed.records.into_iter().map(|record| record.project_id);
                    (ids.collect(), listed.next)
                });
                assert_eq!(seen.await.len(), 25 + 2 * extra);
            }
            let seen = pages(limit, async |page| {
                let listed = directory.resources(&who, &shop, &page).await.unwrap();
                let ids = listed.records.into_iter().map(|record| record.resource_id);
                (ids.collect(), listed.next)
            });
            assert_eq!(seen.await.len(), 25 + extra);
        }
        let seen = pages(limit, async |page| {
            let listed = directory
                .assignments(&place("/shop"), now(), &page)
                .await
                .unwrap();
            let ids = listed
                .records
                .into_iter()
                .map(|record| record.assignment_id);
            (ids.collect(), listed.next)
        });
        assert_eq!(seen.await.len(), 26);
        let mut newest_first = pages(limit, async |page| {
            let listed: Listed<_> = directory.audit(&place("acme"), &page).await.unwrap();
            let ids = listed.records.into_iter().map(|record| record.audit_id);
            (ids.collect(), listed.next)
        })
        .await;
        newest_first.reverse();
        // Five of the world, and of each round all but the organization and the role on it.
        assert_eq!(newest_first.len(), 5 + 25 * 5);
        assert!(newest_first.is_sorted());
    }
}

/// All ids, page by page; each once, and each page full but the last.
async fn pages(
    limit: u16,
    mut read: impl AsyncFnMut(Page) -> (Vec<String>, Option<String>),
) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (ids, next) = read(Page { after, limit }).await;
        assert!(next.is_none() || ids.len() == usize::from(limit));
        assert!(!ids.is_empty());
        seen.extend(ids);
        after = next;
        if after.is_none() {
            let once: BTreeSet<_> = seen.iter().collect();
            assert_eq!(once.len(), seen.len());
            return seen;
        }
    }
}

pub async fn assignments_say_where_they_are_from(home: &Home) {
    let directory = world(home).await;
    operate(
        &directory,
        role_until("soon", "Editor", "/shop", Some(NOW + 10)),
    )
    .await;
    give(&directory, "api", "Viewer", "/shop/api").await;
    give(&directory, "elsewhere", "Viewer", "/lab").await;
    let seen = async |on: &str, second| {
        let listed = directory
            .assignments(&place(on), at(second), &all())
            .await
            .unwrap();
        let mut seen: Vec<_> = listed
            .records
            .into_iter()
            .map(|held| {
                let from = held.inherited_from_scope_id.unwrap_or_default();
                format!("{} {} {from}", held.user_id, held.inheritance_type)
            })
            .collect();
        seen.sort();
        seen
    };
    assert_eq!(seen("acme", NOW).await, ["keeper direct "]);
    assert_eq!(
        seen("/shop", NOW).await,
        ["keeper inherited acme", "soon direct "]
    );
    assert_eq!(seen("/shop", NOW + 10).await, ["keeper inherited acme"]);
    let expected = [
        "api direct ",
        "keeper inherited acme",
        "soon inherited shop",
    ];
    assert_eq!(seen("/shop/api", NOW).await, expected);
    // A resource is where it is.
    assert_eq!(
        seen("/lab/api", NOW).await,
        ["elsewhere inherited lab", "keeper inherited acme"]
    );
    assert_eq!(seen("/nope", NOW).await, [""; 0]);
}

pub async fn permissions_are_those_of_all_roles_once(home: &Home) {
    let directory = world(home).await;
    home.sql(
        "INSERT INTO {}permissions VALUES ('graph-read', 'Konnektr.Graph', 'read'); \
         INSERT INTO {}role_permissions VALUES ('viewer', 'graph-read')",
    )
    .await
    .unwrap();
    give(&directory, "x", "Viewer", "acme").await;
    operate(
        &directory,
        role_until("x", "Editor", "/shop", Some(NOW + 10)),
    )
    .await;
    let held = async |on: &str, second| {
        let held = directory
            .permissions_at(&subject("x"), &place(on), at(second))
            .await
            .unwrap();
        let text = |held: Permission| format!("{}/{}", held.resource_type, held.action);
        held.into_iter().map(text).collect::<Vec<_>>()
    };
    let viewer = ["Konnektr.Graph/read", "Konnektr.KtrlPlane/read"];
    assert_eq!(
        held("/shop", NOW).await,
        [viewer[0], viewer[1], "Konnektr.KtrlPlane/write"]
    );
    assert_eq!(held("/shop", NOW + 10).await, viewer);
    assert_eq!(held("acme", NOW).await, viewer);
    assert_eq!(held("globex", NOW).await, [""; 0]);
    assert_eq!(held("nope", NOW).await, [""; 0]);
    let roles = directory.roles().await.unwrap();
    assert_eq!(
        roles.iter().map(|role| &*role.name).collect::<Vec<_>>(),
        ["Editor", "Owner", "Viewer"]
    );
    assert_eq!(directory.role_permissions("viewer").await.unwrap().len(), 2);
    assert_eq!(
        kind(&directory.role_permissions("Viewer").await),
        "not found"
    );
}

pub async fn users_are_found_by_those_who_manage_them(home: &Home) {
    let directory = world(home).await;
    for (id, email, name) in [
        ("auth0|1", "Zoe.One@example.org", "Zoe One"),
        ("auth0|2", "zoe.two@example.org", "ZOE Two"),
        ("auth0|3", "zoe%@example.org", "Zoe_Three"),
        ("zoe-client", "m2m@example.org", "Machine"),
    ] {
        let who = subject(id);
        directory
            .remember_user(&who, Some(email), Some(name))
            .await
            .unwrap();
    }
    give(&directory, "auth0|1", "Viewer", "acme").await;
    give(&directory, "auth0|2", "Viewer", "/shop/api").await;
    operate(
        &directory,
        role_until("auth0|3", "Viewer", "/lab", Some(NOW + 10)),
    )
    .await;
    give(&directory, "zoe-client", "Viewer", "globex").await;
    give(&directory, "shopkeeper", "Owner", "/shop").await;
    give(&directory, "acmekeeper", "Owner", "acme").await;
    give(&directory, "reader", "Editor", "acme").await;
    let found = async |who: Reader, text: &str| {
        let found = directory.users(&who, text, 100).await.unwrap();
        found.into_iter().map(|user| user.id).collect::<Vec<_>>()
    };
    let every = ["auth0|1", "auth0|2", "auth0|3", "zoe-client"];
    assert_eq!(found(Reader::Operator, "zOe").await, every);
    assert_eq!(found(reader("acmekeeper"), "zoe").await, every[..3]);
    let later = Reader::Subject(subject("acmekeeper"), at(NOW + 10));
    assert_eq!(found(later, "zoe").await, every[..2]);
    assert_eq!(found(reader("shopkeeper"), "zoe").await, every[1..2]);
    for nobody in ["reader", "stranger", "auth0|1"] {
        assert_eq!(found(reader(nobody), "").await, [""; 0], "{nobody}");
    }
    // What stands for any text elsewhere stands for itself here.
    for (text, expected) in [
        ("zoe%", 1),
        ("zoe_", 1),
        ("%", 0),
        ("_", 0),
        ("*", 0),
        ("Zoe O", 1),
        ("oe", 0),
    ] {
        assert_eq!(
            found(Reader::Operator, text).await.len(),
            expected,
            "{text}"
        );
    }
    assert_eq!(
        directory
            .users(&Reader::Operator, "zoe", 2)
            .await
            .unwrap()
            .len(),
        2
    );
    let one = directory.user(&subject("auth0|1")).await.unwrap().unwrap();
    assert_eq!(one.email.as_deref(), Some("Zoe.One@example.org"));
    assert_eq!(directory.user(&subject("unknown")).await.unwrap(), None);
}

pub async fn a_user_is_remembered_as_far_as_they_are_known(home: &Home) {
    let directory = home.open().await;
    let who = subject("x");
    let known = async || {
        let user = directory.user(&who).await.unwrap().unwrap();
        (user.email, user.name.unwrap())
    };
    let address = |text: &str| Some(text.to_owned());
    directory.remember_user(&who, None, None).await.unwrap();
    assert_eq!(known().await, (None, "x".to_owned()));
    directory
        .remember_user(&who, Some("x@y"), None)
        .await
        .unwrap();
    assert_eq!(known().await, (address("x@y"), "x".to_owned()));
    directory
        .remember_user(&who, None, Some("Xaver"))
        .await
        .unwrap();
    assert_eq!(known().await, (address("x@y"), "Xaver".to_owned()));
    // What no directory takes is as good as not said.
    let long = "l".repeat(256);
    for text in ["", " ", "a\nb", "a\0b", &long] {
        directory
            .remember_user(&who, Some(text), Some(text))
            .await
            .unwrap();
        assert_eq!(known().await, (address("x@y"), "Xaver".to_owned()));
    }
    let before = "INSERT INTO {}roles (role_id, name, display_name) SELECT CAST(updated_at AS text), \
                  'before', 'x' FROM {}users WHERE user_id = 'x'";
    home.sql(before).await.unwrap();
    directory
        .remember_user(&who, Some("x@y"), Some("Xaver"))
        .await
        .unwrap();
    let unchanged = "INSERT INTO {}roles (role_id, name, display_name) SELECT 'same', 'after', 'x' \
                     FROM {}users u JOIN {}roles r ON r.role_id = CAST(u.updated_at AS text)";
    home.sql(unchanged).await.unwrap();
    assert!(
        directory
            .roles()
            .await
            .unwrap()
            .iter()
            .any(|role| role.role_id == "same")
    );
    // A role for somebody who was never heard of makes them known by their subject.
    operate(&directory, new_organization("acme")).await;
    give(&directory, "auth0|new", "Viewer", "acme").await;
    let new = directory
        .user(&subject("auth0|new"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(new.name.as_deref(), Some("auth0|new"));
}

pub async fn the_audit_tells_every_write(home: &Home) {
    let directory = world(home).await;
    let done = directory
        .write(by("keeper"), role("x", "viewer", "/shop/api"))
        .await
        .unwrap();
    let refused = directory
        .write(by("stranger"), role("x", "viewer", "/shop/api"))
        .await;
    assert_eq!(kind(&refused), "forbidden");
    let listed = directory
        .audit(&place("/shop/api"), &all())
        .await
        .unwrap()
        .records;
    let newest = &listed[0];
    assert_eq!(listed.len(), 2);
    assert_eq!((newest.at, &*newest.request_id), (now(), "request"));
    assert_eq!(
        (newest.subject.as_deref(), &*newest.operation),
        (Some("keeper"), "role.grant")
    );
    assert_eq!(newest.assignment_id, done.assignment);
    assert_eq!(newest.org_id.as_deref(), Some("acme"));
    assert_eq!(newest.project_id.as_deref(), Some("shop"));
    assert_eq!(newest.resource_id.as_deref(), Some("api"));
    let detail: serde_json::Value = serde_json::from_str(newest.detail.get()).unwrap();
    assert_eq!(detail["user_id"], "x");
    assert_eq!(
        (&detail["scope_type"], &detail["scope_id"]),
        (&"resource".into(), &"api".into())
    );
    // Of settings, that they changed and not to what: they may be a secret.
    let update = directory::manage::Operation::UpdateResource {
        project: project("shop"),
        id: resource("api"),
        name: None,
        sku: None,
        settings: Some(r#"{"password":"hunter2"}"#.to_owned()),
    };
    operate(&directory, update).await;
    let newest = directory
        .audit(&place("/shop"), &all())
        .await
        .unwrap()
        .records
        .remove(0);
    let detail = newest.detail.get();
    assert!(
        detail.contains("settings_sha256") && !detail.contains("hunter2"),
        "{detail}"
    );
    // A move is told on both sides.
    let moves = directory::manage::Operation::UpdateProject {
        id: project("shop"),
        name: None,
        organization: Some(Some(organization("globex"))),
    };
    operate(&directory, moves).await;
    for id in ["acme", "globex"] {
        let newest = directory
            .audit(&place(id), &all())
            .await
            .unwrap()
            .records
            .remove(0);
        assert_eq!(newest.operation, "project.update");
    }
}

pub async fn the_audit_is_only_ever_added_to(home: &Home) {
    let directory = world(home).await;
    let before = directory
        .audit(&place("acme"), &all())
        .await
        .unwrap()
        .records;
    let mut attempts = vec![
        "UPDATE {}audit SET subject = 'somebody else'",
        "DELETE FROM {}audit",
        "INSERT INTO {}audit (audit_id, at, request_id, operation, detail) \
         SELECT audit_id, at, request_id, operation, detail FROM {}audit",
    ];
    if home.is_postgres() {
        attempts.push("TRUNCATE {}audit");
    } else {
        attempts.push(
            "INSERT OR REPLACE INTO audit (audit_id, at, request_id, operation, detail) \
             SELECT audit_id, at, 'forged', operation, detail FROM audit",
        );
    }
    for attempt in attempts {
        assert!(home.sql(attempt).await.is_err(), "{attempt}");
    }
    let after = directory
        .audit(&place("acme"), &all())
        .await
        .unwrap()
        .records;
    assert_eq!(
        serde_json::to_string(&before).unwrap(),
        serde_json::to_string(&after).unwrap()
    );
}
