//! Who may do what, as the directory says it.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use std::time::Duration;

use directory::policy::{Action, Place, Scope, SystemRole};
use directory::{Access, Directory};

use crate::home::{
    Home, access, at, fill, grant, may, organization, project, reads, resource, subject,
    within_a_second,
};

pub async fn each_role_holds_its_actions_at_each_scope(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    // An organization keeps its last owner.
    let keeper = Scope::Organization(organization("acme"));
    directory
        .grant(grant("keeper", "Owner", keeper))
        .await
        .unwrap();
    for role in SystemRole::ALL {
        for (scope, reached) in [
            (
                Scope::Organization(organization("acme")),
                &["acme-shop", "acme-lab"][..],
            ),
            (Scope::Project(project("acme-shop")), &["acme-shop"][..]),
        ] {
            let id = directory
                .grant(grant("victor", role.name(), scope.clone()))
                .await
                .unwrap();
            for on in ["acme-shop", "acme-lab", "globex-iot", "lonely"] {
                for action in Action::ALL {
                    let expected = reached.contains(&on) && role.actions().contains(&action);
                    assert_eq!(
                        may(&directory, "victor", action, on, 0).await,
                        expected,
                        "{role:?} at {scope:?}: {action} on {on}"
                    );
                    assert!(!may(&directory, "alice", action, on, 0).await);
                }
            }
            directory.revoke(&id).await.unwrap();
        }
    }
}

pub async fn a_project_without_an_organization_is_reached_by_its_own_roles_alone(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    for id in ["acme", "globex"] {
        let scope = Scope::Organization(organization(id));
        directory
            .grant(grant("alice", "Owner", scope))
            .await
            .unwrap();
    }
    let there = access(&directory, "alice", "lonely", None).await.unwrap();
    assert_eq!(there.lineage().unwrap().organization, None);
    assert!(!reads(&directory, "alice", "lonely").await);
    let scope = Scope::Project(project("lonely"));
    directory
        .grant(grant("alice", "Viewer", scope))
        .await
        .unwrap();
    assert!(reads(&directory, "alice", "lonely").await);
}

pub async fn a_project_follows_its_organization_when_it_moves(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let scope = Scope::Organization(organization("acme"));
    directory
        .grant(grant("alice", "Owner", scope))
        .await
        .unwrap();
    assert!(reads(&directory, "alice", "acme-lab").await);
    let moved = "UPDATE {}projects SET org_id = 'globex' WHERE project_id = 'acme-lab'";
    home.sql(moved).await.unwrap();
    within_a_second(async || !reads(&directory, "alice", "acme-lab").await).await;
}

pub async fn a_role_on_a_resource_opens_no_project(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let scope = Scope::Resource(resource("shop-api"));
    directory
        .grant(grant("victor", "Owner", scope.clone()))
        .await
        .unwrap();
    assert!(!reads(&directory, "victor", "acme-shop").await);
    // It is known where the resource is asked for, and only there.
    let shop_api = Some("shop-api");
    let there = access(&directory, "victor", "acme-shop", shop_api).await;
    let there = there.unwrap();
    let scopes = there.assignments().map(|held| &held.scope);
    assert_eq!(scopes.collect::<Vec<_>>(), [&scope]);
    assert!(there.decide(Action::Write, at(0)).is_ok());
    assert!(there.decide_on_project(Action::Write, at(0)).is_err());
    for elsewhere in ["lonely", "nope"] {
        let elsewhere = access(&directory, "victor", elsewhere, shop_api).await;
        assert_eq!(elsewhere.unwrap().assignments().count(), 0);
    }
}

pub async fn a_role_on_an_organization_is_known_there(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let acme = Scope::Organization(organization("acme"));
    for scope in [acme.clone(), Scope::Project(project("globex-iot"))] {
        let owner = grant("alice", "Owner", scope);
        directory.grant(owner).await.unwrap();
    }
    // Twice, as the second answer may come from memory.
    for _ in 0..2 {
        let at_acme = access_to_organization(&directory, "alice", "acme").await;
        let lineage = at_acme.lineage().unwrap();
        assert_eq!(lineage.organization, Some(organization("acme")));
        assert_eq!((&lineage.project, &lineage.resource), (&None, &None));
        let scopes = at_acme.assignments().map(|held| &held.scope);
        assert_eq!(scopes.collect::<Vec<_>>(), [&acme]);
        assert!(at_acme.decide(Action::ManageAccess, at(0)).is_ok());
        // A role on a project in it is none on it.
        let at_globex = access_to_organization(&directory, "alice", "globex").await;
        assert!(at_globex.lineage().is_some());
        assert_eq!(at_globex.assignments().count(), 0);
        let nowhere = access_to_organization(&directory, "alice", "nope").await;
        assert_eq!(nowhere.lineage(), None);
        assert_eq!(nowhere.assignments().count(), 0);
    }
    directory
        .create_organization(&organization("nope"), "x")
        .await
        .unwrap();
    let there = access_to_organization(&directory, "alice", "nope").await;
    assert!(there.lineage().is_some());
}

async fn access_to_organization(directory: &Directory, who: &str, on: &str) -> Access {
    let place = Place::Organization(organization(on));
    directory.access(&subject(who), &place).await.unwrap()
}

pub async fn an_assignment_ends_at_the_second_of_its_expiry(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let mut grant = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    grant.expires_at = Some(at(2_000_000_000));
    directory.grant(grant).await.unwrap();
    for (now, holds) in [
        (1_999_999_999, true),
        (2_000_000_000, false),
        (2_000_000_001, false),
    ] {
        let may = may(&directory, "victor", Action::Read, "acme-shop", now).await;
        assert_eq!(may, holds, "{now}");
    }
}

/// KtrlPlane's column has no time zone; a column with one says the same instant.
pub async fn an_expiry_reads_the_same_from_a_column_with_a_time_zone(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let mut grant = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    grant.expires_at = Some(at(2_000_000_000));
    directory.grant(grant).await.unwrap();
    let changes = if home.is_postgres() {
        &[
            "SET TimeZone = 'Asia/Tokyo'; ALTER TABLE {}role_assignments ALTER expires_at \
             TYPE timestamptz USING expires_at AT TIME ZONE 'UTC'",
            "SET TimeZone = 'Asia/Tokyo'; \
             UPDATE {}role_assignments SET expires_at = '2033-05-18 12:33:20'",
        ][..]
    } else {
        &[
            "UPDATE {}role_assignments SET expires_at = '2033-05-18T03:33:20Z'",
            "UPDATE {}role_assignments SET expires_at = '2033-05-18 12:33:20+09:00'",
            "UPDATE {}role_assignments SET expires_at = datetime(2000000000, 'unixepoch')",
        ][..]
    };
    for change in changes {
        home.sql(change).await.unwrap();
        // What is remembered from before the change may be believed for half a second.
        std::thread::sleep(Duration::from_millis(700));
        for (now, holds) in [(1_999_999_999, true), (2_000_000_000, false)] {
            let may = may(&directory, "victor", Action::Read, "acme-shop", now).await;
            assert_eq!(may, holds, "{now} after {change}");
        }
    }
}

pub async fn a_withdrawn_role_stops_working_at_once(home: &Home) {
    let (directory, replica) = (home.open().await, home.open().await);
    fill(&directory).await.unwrap();
    for _ in 0..10 {
        let grant = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
        let id = directory.grant(grant).await.unwrap();
        assert!(reads(&directory, "victor", "acme-shop").await);
        within_a_second(async || reads(&replica, "victor", "acme-shop").await).await;
        directory.revoke(&id).await.unwrap();
        assert!(!reads(&directory, "victor", "acme-shop").await);
        within_a_second(async || !reads(&replica, "victor", "acme-shop").await).await;
    }
}

pub async fn a_permission_called_read_of_another_type_grants_nothing(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    home.sql(
        "INSERT INTO {}roles (role_id, name, display_name) VALUES ('graph', 'Graph', 'Graph'); \
         INSERT INTO {}permissions VALUES ('graph-read', 'Konnektr.Graph', 'read'); \
         INSERT INTO {}role_permissions VALUES ('graph', 'graph-read')",
    )
    .await
    .unwrap();
    let grant = grant("victor", "Graph", Scope::Project(project("acme-shop")));
    directory.grant(grant).await.unwrap();
    assert!(!reads(&directory, "victor", "acme-shop").await);
}

pub async fn a_role_without_permissions_grants_nothing(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let role = "INSERT INTO {}roles (role_id, name, display_name) VALUES ('none', 'None', 'None')";
    home.sql(role).await.unwrap();
    let grant = grant("victor", "None", Scope::Project(project("acme-shop")));
    directory.grant(grant).await.unwrap();
    let there = access(&directory, "victor", "acme-shop", None).await;
    let there = there.unwrap();
    let permissions = there.assignments().map(|held| held.permissions.len());
    assert_eq!(permissions.collect::<Vec<_>>(), [0]);
}

pub async fn a_permission_added_to_a_role_holds_at_once(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    directory.grant(viewer).await.unwrap();
    assert!(!may(&directory, "victor", Action::Delete, "acme-shop", 0).await);
    let added = "INSERT INTO {}role_permissions VALUES ('viewer', 'ktrlplane-delete')";
    home.sql(added).await.unwrap();
    let deletes = async || may(&directory, "victor", Action::Delete, "acme-shop", 0).await;
    within_a_second(deletes).await;
}

/// A real KtrlPlane database has such rows, for its own service account.
pub async fn a_global_scope_grants_nothing(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let statements = ["global", "acme-shop", "acme"].map(|id| {
        format!(
            "INSERT INTO {{}}role_assignments \
             (assignment_id, user_id, role_id, scope_type, scope_id) \
             VALUES ('global-{id}', 'victor', 'owner', 'global', '{id}');"
        )
    });
    home.sql_without_checks("role_assignments", &statements.concat())
        .await;
    for on in ["acme-shop", "acme-lab", "lonely"] {
        let there = access(&directory, "victor", on, None).await.unwrap();
        assert_eq!(there.assignments().count(), 0);
    }
}

/// Threat 16: an id with a tenant separator, wherever it comes from, goes no further.
pub async fn an_invalid_id_in_the_database_is_never_returned(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    home.sql_without_checks(
        "organizations",
        "INSERT INTO {}organizations (org_id, name) VALUES ('acme|globex', 'x')",
    )
    .await;
    home.sql_without_checks(
        "projects",
        "UPDATE {}projects SET org_id = 'acme|globex' WHERE project_id = 'lonely'",
    )
    .await;
    home.sql_without_checks(
        "role_assignments",
        "INSERT INTO {}role_assignments (assignment_id, user_id, role_id, scope_type, scope_id) \
         VALUES ('bad', 'victor', 'owner', 'organization', 'acme|globex')",
    )
    .await;
    let there = access(&directory, "victor", "lonely", None).await.unwrap();
    assert_eq!(there.lineage().unwrap().organization, None);
    assert_eq!(there.assignments().count(), 0);
}

pub async fn an_unreadable_expiry_grants_nothing(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let viewer = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    directory.grant(viewer).await.unwrap();
    assert!(reads(&directory, "victor", "acme-shop").await);
    // PostgreSQL has no unreadable timestamps, but one that lies before all others.
    let expiry = if home.is_postgres() {
        "-infinity"
    } else {
        "later"
    };
    let change = format!("UPDATE {{}}role_assignments SET expires_at = '{expiry}'");
    home.sql_without_checks("role_assignments", &change).await;
    within_a_second(async || !reads(&directory, "victor", "acme-shop").await).await;
}

pub async fn a_resource_of_another_project_does_not_exist_here(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    for (on, asked, exists) in [
        ("acme-shop", "shop-api", true),
        ("acme-lab", "shop-api", false),
        ("globex-iot", "shop-api", false),
        ("acme-shop", "iot-graph", false),
        ("acme-shop", "nope", false),
        ("nope", "shop-api", false),
    ] {
        let there = access(&directory, "victor", on, Some(asked)).await.unwrap();
        let found = there
            .lineage()
            .and_then(|lineage| lineage.resource.as_ref());
        assert_eq!(found.is_some(), exists, "{asked} in {on}");
    }
}

pub async fn a_project_that_does_not_exist_is_told_apart(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let nowhere = access(&directory, "victor", "nope", None).await.unwrap();
    assert_eq!(nowhere.lineage(), None);
    // A subject that the directory never heard of is one without roles, and no error.
    let there = access(&directory, "nobody", "lonely", None).await.unwrap();
    assert!(there.lineage().is_some());
    assert_eq!(there.assignments().count(), 0);
}

pub async fn a_subject_is_only_ever_a_value(home: &Home) {
    let directory = home.open().await;
    fill(&directory).await.unwrap();
    let grant = grant("victor", "Viewer", Scope::Project(project("acme-shop")));
    directory.grant(grant).await.unwrap();
    for who in ["' OR '1'='1", "victor'--", "%", "Victor", "victor ", "$1"] {
        assert!(!reads(&directory, who, "acme-shop").await, "{who}");
    }
}
