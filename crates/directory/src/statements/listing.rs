//! The statements of lists. The last two parameters of a page are the id that it comes after,
//! empty for the first, and the most rows.

use jiff::Timestamp;

use super::dialect::{
    assignment_columns, expiry, holds, lower, number, optional, optional_json,
    organization_columns, past, project_columns, resource_columns, scopes, table,
};
use super::write_expiry;

/// The statements of lists, for one database.
pub(crate) struct Listing {
    pub(crate) organizations: &'static str,
    /// Subject, now.
    pub(crate) organizations_of_reader: &'static str,
    pub(crate) projects: &'static str,
    /// Subject, now.
    pub(crate) projects_of_reader: &'static str,
    /// Organization.
    pub(crate) projects_of_organization: &'static str,
    /// Subject, now, organization: those on which the reader holds a role directly.
    pub(crate) projects_of_organization_and_reader: &'static str,
    /// Project.
    pub(crate) resources: &'static str,
    /// Subject, now, project: those on which the reader holds a role directly.
    pub(crate) resources_of_reader: &'static str,
    /// Organization, project, resource, each or null; now.
    pub(crate) assignments: &'static str,
    pub(crate) roles: &'static str,
    /// Beginning, the most rows; no page.
    pub(crate) users: &'static str,
    /// Beginning, the most rows, subject, now; no page.
    pub(crate) users_of_manager: &'static str,
    /// Subject.
    pub(crate) user: &'static str,
    /// Organization.
    pub(crate) audit_of_organization: &'static str,
    /// Project.
    pub(crate) audit_of_project: &'static str,
    /// Project, resource.
    pub(crate) audit_of_resource: &'static str,
    /// An instant, as the parameter `now` of these statements; of a time before 1970, 1970.
    pub(crate) instant: fn(Timestamp) -> String,
}

/// The places on which `$1` directly holds a permission of this product at `$2`.
macro_rules! held {
    ($dialect:ident, $action:literal, $subject:literal, $now:literal) => {
        concat!(
            "SELECT DISTINCT a.scope_type, a.scope_id FROM ",
            table!($dialect, "role_assignments"),
            " a JOIN ",
            table!($dialect, "role_permissions"),
            " rp ON rp.role_id = a.role_id ",
            "JOIN ",
            table!($dialect, "permissions"),
            " m ON m.permission_id = rp.permission_id ",
            "WHERE a.user_id = ",
            $subject,
            " AND ",
            holds!($dialect, "a", $now),
            " AND m.resource_type = 'Konnektr.KtrlPlane' AND m.action = '",
            $action,
            "'"
        )
    };
}

/// The managed places of a type.
macro_rules! managed {
    ($type:literal) => {
        concat!(
            "SELECT k.scope_id FROM managed k WHERE k.scope_type = '",
            $type,
            "'"
        )
    };
}

macro_rules! user_columns {
    () => {
        "CAST(u.user_id AS text), CAST(u.email AS text), CAST(u.name AS text)"
    };
}

/// Whether a user's name, e-mail address or subject begins with `$1`.
macro_rules! begins {
    ($dialect:ident) => {
        concat!(
            "((",
            lower!($dialect, "u.email"),
            " >= ",
            lower!($dialect, "$1"),
            " AND ",
            lower!($dialect, "u.email"),
            " < ",
            past!($dialect, "$1"),
            ") OR (",
            lower!($dialect, "u.name"),
            " >= ",
            lower!($dialect, "$1"),
            " AND ",
            lower!($dialect, "u.name"),
            " < ",
            past!($dialect, "$1"),
            ") OR (",
            lower!($dialect, "u.user_id"),
            " >= ",
            lower!($dialect, "$1"),
            " AND ",
            lower!($dialect, "u.user_id"),
            " < ",
            past!($dialect, "$1"),
            "))"
        )
    };
}

macro_rules! audit {
    ($dialect:ident, $where:literal, $after:literal, $limit:literal) => {
        concat!(
            "SELECT t.audit_id, CAST(t.at AS text), t.request_id, t.subject, t.operation, ",
            "t.assignment_id, t.org_id, t.project_id, t.resource_id, CAST(t.detail AS text) FROM ",
            table!($dialect, "audit"),
            " t WHERE ",
            $where,
            " AND (",
            $after,
            " = '' OR t.audit_id < ",
            $after,
            ") ",
            "ORDER BY t.audit_id DESC LIMIT ",
            number!($dialect, $limit)
        )
    };
}

/// A page of what is held at the place of a type among `scopes!`.
macro_rules! held_at {
    ($dialect:ident, $type:literal) => {
        concat!(
            "SELECT * FROM (SELECT a.* FROM ",
            table!($dialect, "role_assignments"),
            " a ",
            "WHERE a.scope_type = '",
            $type,
            "' AND a.scope_id = ",
            "(SELECT s.scope_id FROM scopes s WHERE s.scope_type = '",
            $type,
            "') ",
            "AND a.assignment_id > $5 AND ",
            holds!($dialect, "a", "$4"),
            " ORDER BY a.assignment_id LIMIT ",
            number!($dialect, "$6"),
            ") of_",
            $type
        )
    };
}

macro_rules! listing {
    ($dialect:ident, $instant:expr) => {
        Listing {
            organizations: concat!(
                "SELECT ",
                organization_columns!($dialect),
                " FROM ",
                table!($dialect, "organizations"),
                " o WHERE o.org_id > $1 ORDER BY o.org_id LIMIT ",
                number!($dialect, "$2")
            ),
            organizations_of_reader: concat!(
                "WITH held AS MATERIALIZED (",
                held!($dialect, "read", "$1", "$2"),
                ") ",
                "SELECT ",
                organization_columns!($dialect),
                " FROM held h CROSS JOIN ",
                table!($dialect, "organizations"),
                " o ",
                "WHERE h.scope_type = 'organization' AND o.org_id = h.scope_id AND o.org_id > $3 ",
                "ORDER BY o.org_id LIMIT ",
                number!($dialect, "$4")
            ),
            projects: concat!(
                "SELECT ",
                project_columns!($dialect),
                " FROM ",
                table!($dialect, "projects"),
                " p WHERE p.project_id > $1 ORDER BY p.project_id LIMIT ",
                number!($dialect, "$2")
            ),
            // The ids first, from indexes alone: an organization may have very many projects.
            projects_of_reader: concat!(
                "WITH held AS MATERIALIZED (",
                held!($dialect, "read", "$1", "$2"),
                "), ",
                "ids AS MATERIALIZED (",
                "SELECT q.project_id AS id FROM held h CROSS JOIN ",
                table!($dialect, "projects"),
                " q WHERE h.scope_type = 'organization' AND q.org_id = h.scope_id ",
                "AND q.project_id > $3 ",
                "UNION SELECT q.project_id FROM held h CROSS JOIN ",
                table!($dialect, "projects"),
                " q WHERE h.scope_type = 'project' AND q.project_id = h.scope_id ",
                "AND q.project_id > $3 ",
                "ORDER BY 1 LIMIT ",
                number!($dialect, "$4"),
                ") ",
                "SELECT ",
                project_columns!($dialect),
                " FROM ids CROSS JOIN ",
                table!($dialect, "projects"),
                " p WHERE p.project_id = ids.id ORDER BY p.project_id"
            ),
            projects_of_organization: concat!(
                "SELECT ",
                project_columns!($dialect),
                " FROM ",
                table!($dialect, "projects"),
                " p WHERE p.org_id = $1 AND p.project_id > $2 ORDER BY p.project_id LIMIT ",
                number!($dialect, "$3")
            ),
            projects_of_organization_and_reader: concat!(
                "WITH held AS MATERIALIZED (",
                held!($dialect, "read", "$1", "$2"),
                ") ",
                "SELECT ",
                project_columns!($dialect),
                " FROM held h CROSS JOIN ",
                table!($dialect, "projects"),
                " p ",
                "WHERE h.scope_type = 'project' AND p.project_id = h.scope_id ",
                "AND COALESCE(p.org_id, '') = $3 AND p.project_id > $4 ",
                "ORDER BY p.project_id LIMIT ",
                number!($dialect, "$5")
            ),
            resources: concat!(
                "SELECT ",
                resource_columns!($dialect),
                " FROM ",
                table!($dialect, "resources"),
                " r WHERE r.project_id = $1 AND r.resource_id > $2 ORDER BY r.resource_id LIMIT ",
                number!($dialect, "$3")
            ),
            resources_of_reader: concat!(
                "WITH held AS MATERIALIZED (",
                held!($dialect, "read", "$1", "$2"),
                ") ",
                "SELECT ",
                resource_columns!($dialect),
                " FROM held h CROSS JOIN ",
                table!($dialect, "resources"),
                " r ",
                "WHERE h.scope_type = 'resource' AND r.resource_id = h.scope_id ",
                // Not the project's index, which leads to all of its resources.
                "AND COALESCE(r.project_id, '') = $3 AND r.resource_id > $4 ",
                "ORDER BY r.resource_id LIMIT ",
                number!($dialect, "$5")
            ),
            // Of each place no more than the page needs, in the order of an index: an organization
            // may have very many members.
            assignments: concat!(
                "WITH ",
                scopes!($dialect),
                ", held AS (",
                held_at!($dialect, "organization"),
                " UNION ALL ",
                held_at!($dialect, "project"),
                " UNION ALL ",
                held_at!($dialect, "resource"),
                ") ",
                "SELECT ",
                assignment_columns!($dialect),
                " FROM (SELECT * FROM held ORDER BY assignment_id LIMIT ",
                number!($dialect, "$6"),
                ") a ",
                "JOIN scopes s ON s.scope_type = a.scope_type ",
                "JOIN ",
                table!($dialect, "roles"),
                " g ON g.role_id = a.role_id ",
                "LEFT JOIN ",
                table!($dialect, "users"),
                " u ON u.user_id = a.user_id ",
                "ORDER BY a.assignment_id"
            ),
            roles: concat!(
                "SELECT CAST(g.role_id AS text), CAST(g.name AS text), ",
                "CAST(g.display_name AS text), CAST(g.description AS text), ",
                "COALESCE(g.is_system, false) FROM ",
                table!($dialect, "roles"),
                " g ORDER BY g.role_id"
            ),
            users: concat!(
                "SELECT ",
                user_columns!(),
                " FROM ",
                table!($dialect, "users"),
                " u WHERE ",
                begins!($dialect),
                " ORDER BY u.user_id LIMIT ",
                number!($dialect, "$2")
            ),
            // At most so many are looked at, and none for who manages nothing: otherwise a short
            // text would have everybody's assignments read.
            users_of_manager: concat!(
                "WITH managed AS MATERIALIZED (",
                held!($dialect, "manage_access", "$3", "$4"),
                "), ",
                "matching AS MATERIALIZED (SELECT u.user_id, u.email, u.name FROM ",
                table!($dialect, "users"),
                " u WHERE EXISTS (SELECT 1 FROM managed) AND ",
                begins!($dialect),
                " ORDER BY u.user_id LIMIT 1000) ",
                "SELECT ",
                user_columns!(),
                " FROM matching u WHERE EXISTS (SELECT 1 FROM ",
                table!($dialect, "role_assignments"),
                " b WHERE b.user_id = u.user_id AND ",
                holds!($dialect, "b", "$4"),
                " AND CASE b.scope_type ",
                "WHEN 'organization' THEN b.scope_id IN (",
                managed!("organization"),
                ") ",
                "WHEN 'project' THEN b.scope_id IN (",
                managed!("project"),
                ") ",
                "OR (SELECT p.org_id FROM ",
                table!($dialect, "projects"),
                " p WHERE p.project_id = b.scope_id) IN (",
                managed!("organization"),
                ") ",
                "WHEN 'resource' THEN b.scope_id IN (",
                managed!("resource"),
                ") ",
                "OR (SELECT r.project_id FROM ",
                table!($dialect, "resources"),
                " r WHERE r.resource_id = b.scope_id) IN (",
                managed!("project"),
                ") ",
                "OR (SELECT p.org_id FROM ",
                table!($dialect, "resources"),
                " r JOIN ",
                table!($dialect, "projects"),
                " p ON p.project_id = r.project_id ",
                "WHERE r.resource_id = b.scope_id) IN (",
                managed!("organization"),
                ") END) ",
                "ORDER BY u.user_id LIMIT ",
                number!($dialect, "$2")
            ),
            user: concat!(
                "SELECT ",
                user_columns!(),
                " FROM ",
                table!($dialect, "users"),
                " u WHERE u.user_id = $1"
            ),
            audit_of_organization: audit!($dialect, "t.org_id = $1", "$2", "$3"),
            audit_of_project: audit!($dialect, "t.project_id = $1", "$2", "$3"),
            audit_of_resource: audit!(
                $dialect,
                "t.resource_id = $2 AND t.project_id = $1",
                "$3",
                "$4"
            ),
            instant: $instant,
        }
    };
}

pub(crate) static SQLITE: Listing = listing!(sqlite, text);
pub(crate) static POSTGRES: Listing = listing!(postgres, seconds);

fn text(instant: Timestamp) -> String {
    write_expiry(instant.max(Timestamp::UNIX_EPOCH)).unwrap_or_default()
}

fn seconds(instant: Timestamp) -> String {
    let instant = instant.max(Timestamp::UNIX_EPOCH);
    format!("{}.{:09}", instant.as_second(), instant.subsec_nanosecond())
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};

    use super::*;

    /// A page costs what the page has, however much there is: nothing but indexes, in their order.
    #[tokio::test]
    async fn pages_are_read_from_indexes_alone() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for migration in [
            include_str!("../../migrations/sqlite/0001_directory.sql"),
            include_str!("../../migrations/sqlite/0003_management.sql"),
        ] {
            connection.execute(migration).await.unwrap();
        }
        for (name, statement) in [
            ("organizations", SQLITE.organizations),
            ("organizations_of_reader", SQLITE.organizations_of_reader),
            ("projects", SQLITE.projects),
            ("projects_of_reader", SQLITE.projects_of_reader),
            ("projects_of_organization", SQLITE.projects_of_organization),
            (
                "projects_of_organization_and_reader",
                SQLITE.projects_of_organization_and_reader,
            ),
            ("resources", SQLITE.resources),
            ("resources_of_reader", SQLITE.resources_of_reader),
            ("assignments", SQLITE.assignments),
            ("audit_of_organization", SQLITE.audit_of_organization),
            ("audit_of_project", SQLITE.audit_of_project),
            ("audit_of_resource", SQLITE.audit_of_resource),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
                .fetch_all(&mut connection)
                .await
                .unwrap();
            let plan: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
            // What a statement has itself collected may be read to its end.
            let collected = [
                "SCAN h",
                "SCAN ids",
                "SCAN s",
                "SCAN held",
                "SCAN of_",
                "SCAN a",
            ];
            for step in plan.iter().filter(|step| step.starts_with("SCAN")) {
                let is_collected = collected.iter().any(|part| step.starts_with(part));
                assert!(is_collected && !step.contains("USING"), "{name}: {plan:?}");
            }
            let sorted = plan
                .iter()
                .any(|step| step.contains("USE TEMP B-TREE FOR ORDER BY"));
            let is_one_range = !name.ends_with("reader") && name != "assignments";
            assert!(!(sorted && is_one_range), "{name}: {plan:?}");
        }
    }
}
