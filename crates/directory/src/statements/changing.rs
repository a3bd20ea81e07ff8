//! The statements of writes. Their parameters are in the order of their names.

use super::dialect::{
    assignment_columns, expiry, json, keep, lower, optional, optional_json, organization_columns,
    project_columns, resource_columns, table, time,
};

/// The statements of writes, for one database.
pub(crate) struct Changing {
    /// Id.
    pub(crate) organization: &'static str,
    /// Id.
    pub(crate) project: &'static str,
    /// Id: in whichever project.
    pub(crate) resource: &'static str,
    /// Id, name, now.
    pub(crate) insert_organization: &'static str,
    /// Id, organization or null, name, now.
    pub(crate) insert_project: &'static str,
    /// Id, project, name, type, SKU or null, settings or null, now.
    pub(crate) insert_resource: &'static str,
    /// Id, name, now.
    pub(crate) update_organization: &'static str,
    /// Id, organization or null, name, now.
    pub(crate) update_project: &'static str,
    /// Id, name, SKU, settings, now; what is null stays as it is.
    pub(crate) update_resource: &'static str,
    /// Organization: some of its projects.
    pub(crate) some_projects: &'static str,
    /// Project: some of its resources.
    pub(crate) some_resources: &'static str,
    /// Organization: how many resources its projects have, counted up to one more than 10,000.
    pub(crate) count_resources_of_organization: &'static str,
    /// The same of a project.
    pub(crate) count_resources_of_project: &'static str,
    /// Organization.
    pub(crate) delete_resources_of_organization: &'static str,
    /// Organization.
    pub(crate) delete_projects_of_organization: &'static str,
    /// Id.
    pub(crate) delete_organization: &'static str,
    /// Project.
    pub(crate) delete_resources_of_project: &'static str,
    /// Id.
    pub(crate) delete_project: &'static str,
    /// Id.
    pub(crate) delete_resource: &'static str,
    /// Kind, id.
    pub(crate) is_buried: &'static str,
    /// Kind, id.
    pub(crate) unbury: &'static str,
    /// Id, and that it stays until the end of the transaction.
    pub(crate) keep_organization: &'static str,
    /// The same.
    pub(crate) keep_project: &'static str,
    /// The same.
    pub(crate) keep_resource: &'static str,
    /// Id or name: the role of that id first.
    pub(crate) role: &'static str,
    /// All names.
    pub(crate) role_names: &'static str,
    /// Role's id: permission's id, resource type and action.
    pub(crate) role_permissions: &'static str,
    /// E-mail address: two of the users who have it.
    pub(crate) users_of_email: &'static str,
    /// Subject, now: a user of that name, unless there is one.
    pub(crate) insert_user: &'static str,
    /// Subject, role, type of scope, id of scope.
    pub(crate) held: &'static str,
    /// Id, subject, role, type of scope, id of scope, who gave it or null, expiry or null, now.
    pub(crate) insert_assignment: &'static str,
    /// Id.
    pub(crate) delete_assignment: &'static str,
    /// Type of scope, id of scope: some of the users who hold a role there.
    pub(crate) some_holders: &'static str,
    /// Id, type of scope, id of scope.
    pub(crate) assignment: &'static str,
    /// Id: type and id of its scope.
    pub(crate) scope_of_assignment: &'static str,
    /// Type of scope, id of scope, an assignment that does not count: another owner for ever.
    pub(crate) other_owner: &'static str,
    /// Actor, key: fingerprint, answer, time.
    pub(crate) recall: &'static str,
    /// Actor, key, fingerprint, answer, now.
    pub(crate) remember: &'static str,
    /// Time: forgets what is older.
    pub(crate) forget: &'static str,
    /// Id, now, request, subject or null, operation, assignment or null, organization or null,
    /// project or null, resource or null, detail.
    pub(crate) audit: &'static str,
    /// Subject, e-mail address or null, name or null: what is null stays as it is.
    pub(crate) remember_user: &'static str,
}

macro_rules! changing {
    ($dialect:ident) => {
        Changing {
            organization: concat!(
                "SELECT ", organization_columns!($dialect),
                " FROM ", table!($dialect, "organizations"), " o WHERE o.org_id = $1"
            ),
            project: concat!(
                "SELECT ", project_columns!($dialect),
                " FROM ", table!($dialect, "projects"), " p WHERE p.project_id = $1"
            ),
            resource: concat!(
                "SELECT ", resource_columns!($dialect),
                " FROM ", table!($dialect, "resources"), " r WHERE r.resource_id = $1"
            ),
            insert_organization: concat!(
                "INSERT INTO ", table!($dialect, "organizations"),
                " (org_id, name, created_at, updated_at) VALUES ($1, $2, ",
                time!($dialect, "$3"), ", ", time!($dialect, "$3"), ")"
            ),
            insert_project: concat!(
                "INSERT INTO ", table!($dialect, "projects"),
                " (project_id, org_id, name, created_at, updated_at) VALUES ($1, $2, $3, ",
                time!($dialect, "$4"), ", ", time!($dialect, "$4"), ")"
            ),
            insert_resource: concat!(
                "INSERT INTO ", table!($dialect, "resources"),
                " (resource_id, project_id, name, type, sku, settings_json, created_at, updated_at)",
                " VALUES ($1, $2, $3, $4, $5, ", json!($dialect, "$6"), ", ",
                time!($dialect, "$7"), ", ", time!($dialect, "$7"), ")"
            ),
            update_organization: concat!(
                "UPDATE ", table!($dialect, "organizations"), " SET name = $2, updated_at = ",
                time!($dialect, "$3"), " WHERE org_id = $1"
            ),
            update_project: concat!(
                "UPDATE ", table!($dialect, "projects"),
                " SET org_id = $2, name = $3, updated_at = ", time!($dialect, "$4"),
                " WHERE project_id = $1"
            ),
            update_resource: concat!(
                "UPDATE ", table!($dialect, "resources"),
                " SET name = COALESCE($2, name), sku = COALESCE($3, sku), ",
                "settings_json = COALESCE(", json!($dialect, "$4"), ", settings_json), ",
                "updated_at = ", time!($dialect, "$5"), " WHERE resource_id = $1"
            ),
            some_projects: concat!(
                "SELECT project_id FROM ", table!($dialect, "projects"),
                " WHERE org_id = $1 ORDER BY project_id LIMIT 4"
            ),
            some_resources: concat!(
                "SELECT resource_id FROM ", table!($dialect, "resources"),
                " WHERE project_id = $1 ORDER BY resource_id LIMIT 4"
            ),
            count_resources_of_organization: concat!(
                "SELECT count(*) FROM (SELECT 1 FROM ", table!($dialect, "projects"), " p ",
                "JOIN ", table!($dialect, "resources"), " r ON r.project_id = p.project_id ",
                "WHERE p.org_id = $1 LIMIT 10001) counted"
            ),
            count_resources_of_project: concat!(
                "SELECT count(*) FROM (SELECT 1 FROM ", table!($dialect, "resources"),
                " r WHERE r.project_id = $1 LIMIT 10001) counted"
            ),
            delete_resources_of_organization: concat!(
                "DELETE FROM ", table!($dialect, "resources"),
                " WHERE project_id IN (SELECT p.project_id FROM ", table!($dialect, "projects"),
                " p WHERE p.org_id = $1)"
            ),
            delete_projects_of_organization: concat!(
                "DELETE FROM ", table!($dialect, "projects"), " WHERE org_id = $1"
            ),
            delete_organization: concat!(
                "DELETE FROM ", table!($dialect, "organizations"), " WHERE org_id = $1"
            ),
            delete_resources_of_project: concat!(
                "DELETE FROM ", table!($dialect, "resources"), " WHERE project_id = $1"
            ),
            delete_project: concat!(
                "DELETE FROM ", table!($dialect, "projects"), " WHERE project_id = $1"
            ),
            delete_resource: concat!(
                "DELETE FROM ", table!($dialect, "resources"), " WHERE resource_id = $1"
            ),
            is_buried: concat!(
                "SELECT 1 FROM ", table!($dialect, "tombstones"), " WHERE kind = $1 AND id = $2"
            ),
            unbury: concat!(
                "DELETE FROM ", table!($dialect, "tombstones"), " WHERE kind = $1 AND id = $2"
            ),
            keep_organization: concat!(
                "SELECT 1 FROM ", table!($dialect, "organizations"), " WHERE org_id = $1",
                keep!($dialect)
            ),
            keep_project: concat!(
                "SELECT 1 FROM ", table!($dialect, "projects"), " WHERE project_id = $1",
                keep!($dialect)
            ),
            keep_resource: concat!(
                "SELECT 1 FROM ", table!($dialect, "resources"), " WHERE resource_id = $1",
                keep!($dialect)
            ),
            role: concat!(
                "SELECT CAST(role_id AS text), CAST(name AS text) FROM ",
                table!($dialect, "roles"),
                " WHERE role_id = $1 OR name = $1 ORDER BY role_id = $1 DESC LIMIT 1"
            ),
            role_names: concat!(
                "SELECT CAST(name AS text) FROM ", table!($dialect, "roles"), " ORDER BY name"
            ),
            role_permissions: concat!(
                "SELECT CAST(m.permission_id AS text), CAST(m.resource_type AS text), ",
                "CAST(m.action AS text) FROM ", table!($dialect, "role_permissions"), " rp ",
                "JOIN ", table!($dialect, "permissions"), " m ON m.permission_id = rp.permission_id ",
                "WHERE rp.role_id = $1 ORDER BY m.resource_type, m.action"
            ),
            users_of_email: concat!(
                "SELECT CAST(user_id AS text) FROM ", table!($dialect, "users"), " WHERE ",
                lower!($dialect, "email"), " = ", lower!($dialect, "$1"), " LIMIT 2"
            ),
            insert_user: concat!(
                "INSERT INTO ", table!($dialect, "users"),
                " (user_id, name, created_at, updated_at) VALUES ($1, $1, ",
                time!($dialect, "$2"), ", ", time!($dialect, "$2"), ") ON CONFLICT DO NOTHING"
            ),
            held: concat!(
                "SELECT CAST(a.assignment_id AS text), ", expiry!($dialect, "a"), " FROM ",
                table!($dialect, "role_assignments"), " a ",
                "WHERE a.user_id = $1 AND a.role_id = $2 AND a.scope_type = $3 AND a.scope_id = $4"
            ),
            insert_assignment: concat!(
                "INSERT INTO ", table!($dialect, "role_assignments"),
                " (assignment_id, user_id, role_id, scope_type, scope_id, assigned_by, ",
                "expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, ",
                time!($dialect, "$7"), ", ", time!($dialect, "$8"), ")"
            ),
            delete_assignment: concat!(
                "DELETE FROM ", table!($dialect, "role_assignments"), " WHERE assignment_id = $1"
            ),
            some_holders: concat!(
                "SELECT DISTINCT CAST(user_id AS text) FROM ",
                table!($dialect, "role_assignments"),
                " WHERE scope_type = $1 AND scope_id = $2 LIMIT 101"
            ),
            assignment: concat!(
                "SELECT ", assignment_columns!($dialect),
                " FROM (SELECT CAST(NULL AS text) AS name) s CROSS JOIN ",
                table!($dialect, "role_assignments"), " a ",
                "JOIN ", table!($dialect, "roles"), " g ON g.role_id = a.role_id ",
                "LEFT JOIN ", table!($dialect, "users"), " u ON u.user_id = a.user_id ",
                "WHERE a.assignment_id = $1 AND a.scope_type = $2 AND a.scope_id = $3"
            ),
            scope_of_assignment: concat!(
                "SELECT CAST(scope_type AS text), CAST(scope_id AS text) FROM ",
                table!($dialect, "role_assignments"), " WHERE assignment_id = $1"
            ),
            other_owner: concat!(
                "SELECT 1 FROM ", table!($dialect, "role_assignments"), " a ",
                "JOIN ", table!($dialect, "roles"), " g ON g.role_id = a.role_id ",
                "WHERE a.scope_type = $1 AND a.scope_id = $2 AND a.assignment_id <> $3 ",
                "AND a.expires_at IS NULL AND g.name = 'Owner' LIMIT 1"
            ),
            recall: concat!(
                "SELECT fingerprint, answer, ", "CAST(created_at AS text) FROM ",
                table!($dialect, "idempotency"), " WHERE actor = $1 AND key = $2"
            ),
            remember: concat!(
                "INSERT INTO ", table!($dialect, "idempotency"),
                " (actor, key, fingerprint, answer, created_at) VALUES ($1, $2, $3, $4, ",
                time!($dialect, "$5"), ") ON CONFLICT (actor, key) DO UPDATE SET ",
                "fingerprint = excluded.fingerprint, answer = excluded.answer, ",
                "created_at = excluded.created_at"
            ),
            forget: concat!(
                "DELETE FROM ", table!($dialect, "idempotency"), " WHERE created_at < ",
                time!($dialect, "$1")
            ),
            audit: concat!(
                "INSERT INTO ", table!($dialect, "audit"),
                " (audit_id, at, request_id, subject, operation, assignment_id, org_id, ",
                "project_id, resource_id, detail) VALUES ($1, ", time!($dialect, "$2"),
                ", $3, $4, $5, $6, $7, $8, $9, ", json!($dialect, "$10"), ")"
            ),
            remember_user: concat!(
                "INSERT INTO ", table!($dialect, "users"), " AS known (user_id, email, name) ",
                "VALUES ($1, $2, COALESCE($3, $1)) ",
                "ON CONFLICT (user_id) DO UPDATE SET ",
                "email = COALESCE($2, known.email), name = COALESCE($3, known.name), ",
                "updated_at = excluded.updated_at ",
                "WHERE known.email IS DISTINCT FROM COALESCE($2, known.email) ",
                "OR known.name IS DISTINCT FROM COALESCE($3, known.name)"
            ),
        }
    };
}

pub(crate) static SQLITE: Changing = changing!(sqlite);
pub(crate) static POSTGRES: Changing = changing!(postgres);
