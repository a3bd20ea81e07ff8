//! A directory of any size, filled by SQL alone.

use std::fmt;

use directory::policy::{Place, ProjectId, ResourceId, Subject};
use directory::{Directory, Options};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

/// How many there are of each.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    organizations: u64,
    projects: u64,
    resources: u64,
    users: u64,
    assignments: u64,
    /// So many projects has the user with the most of them, and so many members the project with
    /// the most of them.
    crowd: u64,
}

/// One in ten assignments is on a resource, one in ten on an organization, some are the crowds',
/// and the others are on projects.
const ON_PROJECTS: u64 = 7;

impl Size {
    pub(crate) fn of(resources: u64) -> Self {
        Self {
            organizations: (resources / 1000).max(2),
            projects: resources / 10,
            resources,
            users: resources / 5,
            assignments: resources,
            crowd: (resources / 200).max(2),
        }
    }

    pub(crate) fn resources(self) -> u64 {
        self.resources
    }

    /// The question number `i`: who holds a role on a project asks for a resource of it. No two of
    /// the first [`questions`](Self::questions) are the same.
    pub(crate) fn question(self, i: u64) -> (Subject, Place) {
        let i = i % self.questions() + 1;
        let project = (i * 7919 + i / self.users * 13) % self.projects;
        let resource = project + self.projects * (i % 10);
        let subject = Subject::new(format!("auth0|user-{}", i % self.users)).unwrap();
        (subject, place(project, resource))
    }

    pub(crate) fn questions(self) -> u64 {
        self.assignments / 10 * ON_PROJECTS
    }

    /// The question number `i` of those about the user who has the most projects, and the project
    /// that has the most members.
    pub(crate) fn crowded_question(self, i: u64) -> (Subject, Place) {
        let i = i % self.crowd;
        if i.is_multiple_of(2) {
            (Subject::new("auth0|user-0").unwrap(), place(i, i))
        } else {
            let subject = Subject::new(format!("auth0|user-{i}")).unwrap();
            (subject, place(0, self.projects))
        }
    }
}

fn place(project: u64, resource: u64) -> Place {
    Place::Resource(
        ProjectId::new(format!("project-{project}")).unwrap(),
        ResourceId::new(format!("resource-{resource}")).unwrap(),
    )
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} resources, {} projects, {} organizations, {} users, {} assignments",
            self.resources, self.projects, self.organizations, self.users, self.assignments
        )
    }
}

/// Makes the tables and fills them.
pub(crate) fn fill(url: &str, size: Size) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = Options::new(url, runtime.handle().clone());
        Directory::open(options).await.unwrap().close().await;
        if url.starts_with("postgres") {
            let mut connection = PgConnection::connect(url).await.unwrap();
            // A million rows are changed once: the work of the triggers is not what is measured.
            connection
                .execute("SET session_replication_role = replica")
                .await
                .unwrap();
            for statement in statements("ktrlplane.", size) {
                connection.execute(AssertSqlSafe(statement)).await.unwrap();
            }
            // As the server does by itself after so many changes.
            connection.execute("VACUUM ANALYZE").await.unwrap();
            connection.close().await.unwrap();
        } else {
            let mut connection = SqliteConnection::connect(url).await.unwrap();
            connection
                .execute("PRAGMA synchronous = OFF")
                .await
                .unwrap();
            for statement in statements("", size) {
                connection.execute(AssertSqlSafe(statement)).await.unwrap();
            }
            connection
                .execute("PRAGMA wal_checkpoint(TRUNCATE)")
                .await
                .unwrap();
            connection.close().await.unwrap();
        }
    });
}

/// The numbers from `from` to `to`, inserted as `select` says of each `i`, in words that both
/// databases understand.
fn insert(schema: &str, into: &str, (from, to): (u64, u64), select: &str) -> String {
    format!(
        "INSERT INTO {schema}{into} \
         WITH RECURSIVE n(i) AS (SELECT CAST({from} AS bigint) \
         UNION ALL SELECT i + 1 FROM n WHERE i < {to}) \
         SELECT {select} FROM n"
    )
}

/// One statement for each table, which both databases understand.
fn statements(schema: &str, size: Size) -> Vec<String> {
    let Size {
        organizations,
        projects,
        resources,
        users,
        assignments,
        crowd,
    } = size;
    let on_projects = size.questions();
    let on_resources = on_projects + assignments / 10;
    let on_organizations = assignments - 2 * crowd;
    let insert =
        |into: &str, from: u64, to: u64, select: &str| insert(schema, into, (from, to), select);
    let held = "role_assignments \
                (assignment_id, user_id, role_id, scope_type, scope_id, expires_at)";
    // Every fifth ends some day; both databases take a null for a time.
    let assigned = |from: u64, to: u64, user: &str, role: &str, scope: &str, id: &str| {
        let select = format!(
            "'a-' || i, 'auth0|user-' || ({user}), '{role}', '{scope}', '{scope}-' || ({id}), NULL"
        );
        insert(held, from, to, &select)
    };
    let ends = format!(
        "UPDATE {schema}role_assignments SET expires_at = '2099-12-31 23:59:59' \
         WHERE assignment_id LIKE '%5'"
    );
    vec![
        insert(
            "organizations (org_id, name)",
            0,
            organizations - 1,
            "'organization-' || i, 'Organization ' || i",
        ),
        // A fifth is in one organization, a tenth in none.
        insert(
            "projects (project_id, org_id, name)",
            0,
            projects - 1,
            &format!(
                "'project-' || i, CASE WHEN i < {projects} / 5 THEN 'organization-0' \
                 WHEN i % 10 = 0 THEN NULL \
                 ELSE 'organization-' || (i % {organizations}) END, 'Project ' || i"
            ),
        ),
        insert(
            "resources (resource_id, project_id, name, type)",
            0,
            resources - 1,
            &format!(
                "'resource-' || i, 'project-' || (i % {projects}), 'Resource ' || i, \
                 'Konnektr.Graph'"
            ),
        ),
        insert(
            "users (user_id, email, name)",
            0,
            users - 1,
            "'auth0|user-' || i, 'user-' || i || '@example.test', 'User ' || i",
        ),
        assigned(
            1,
            on_projects,
            &format!("i % {users}"),
            "viewer",
            "project",
            &format!("(i * 7919 + i / {users} * 13) % {projects}"),
        ),
        assigned(
            on_projects + 1,
            on_resources,
            &format!("i % {users}"),
            "editor",
            "resource",
            &format!("(i * 104729) % {resources}"),
        ),
        assigned(
            on_resources + 1,
            on_organizations,
            &format!("i % {users}"),
            "viewer",
            "organization",
            &format!("i % {organizations}"),
        ),
        assigned(
            on_organizations + 1,
            on_organizations + crowd,
            "0",
            "editor",
            "project",
            &format!("i - {on_organizations} - 1"),
        ),
        assigned(
            on_organizations + crowd + 1,
            assignments,
            &format!("i - {on_organizations} - {crowd}"),
            "owner",
            "project",
            "0",
        ),
        ends,
    ]
}
