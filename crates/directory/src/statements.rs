//! The statements, once for both databases; where they differ is named in the two tables below.
//!
//! All parameters are text or null, and all ids are cast to text on the way out, so that a column
//! of another text type in a database that we did not make reads the same.

pub(crate) mod changing;

mod dialect;

pub(crate) mod listing;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The statements of one database.
pub(crate) struct Statements {
    /// `$1` subject, `$2` project, `$3` resource or null: whether the project exists, its
    /// organization, the resource's project, and a row per assignment and permission, or one row
    /// where there are none. What does not exist is asked about like everything else: each answer
    /// is remembered by itself, and must not depend on what else was asked. The subject stands in
    /// each branch so that PostgreSQL looks each up by itself, instead of reading all members of a
    /// scope.
    pub(crate) access_to_project: &'static str,
    /// The same of an organization: `$1` subject, `$2` organization.
    pub(crate) access_to_organization: &'static str,
    pub(crate) put_user: &'static str,
    /// Reads an expiry as they return it; `None` where it makes no sense.
    pub(crate) read_expiry: fn(&str) -> Option<Timestamp>,
}

macro_rules! statements {
    (
        schema: $schema:literal,
        now: $now:literal,
        expiry_out: $expiry_out:literal,
        read_expiry: $read_expiry:expr,
    ) => {
        Statements {
            access_to_organization: concat!(
                "SELECT o.org_id IS NOT NULL, CAST(o.org_id AS text), NULL, ",
                "CAST(a.assignment_id AS text), CAST(a.scope_type AS text), CAST(a.scope_id AS text), ",
                $expiry_out, ", CAST(m.resource_type AS text), CAST(m.action AS text) ",
                "FROM (SELECT 1 AS one) asked ",
                "LEFT JOIN ", $schema, "organizations o ON o.org_id = $2 ",
                "LEFT JOIN ", $schema, "role_assignments a ON a.user_id = $1 ",
                "AND a.scope_type = 'organization' AND a.scope_id = $2 ",
                "LEFT JOIN ", $schema, "role_permissions rp ON rp.role_id = a.role_id ",
                "LEFT JOIN ", $schema, "permissions m ON m.permission_id = rp.permission_id ",
                "ORDER BY a.assignment_id, m.permission_id"
            ),
            access_to_project: concat!(
                "SELECT p.project_id IS NOT NULL, CAST(p.org_id AS text), CAST(r.project_id AS text), ",
                "CAST(a.assignment_id AS text), CAST(a.scope_type AS text), CAST(a.scope_id AS text), ",
                $expiry_out, ", CAST(m.resource_type AS text), CAST(m.action AS text) ",
                "FROM (SELECT 1 AS one) asked ",
                "LEFT JOIN ", $schema, "projects p ON p.project_id = $2 ",
                "LEFT JOIN ", $schema, "resources r ON r.resource_id = $3 ",
                "LEFT JOIN ", $schema, "role_assignments a ON (",
                "(a.user_id = $1 AND a.scope_type = 'project' AND a.scope_id = $2) ",
                "OR (a.user_id = $1 AND a.scope_type = 'organization' AND a.scope_id = p.org_id) ",
                "OR (a.user_id = $1 AND a.scope_type = 'resource' AND a.scope_id = $3)) ",
                "LEFT JOIN ", $schema, "role_permissions rp ON rp.role_id = a.role_id ",
                "LEFT JOIN ", $schema, "permissions m ON m.permission_id = rp.permission_id ",
                "ORDER BY a.assignment_id, m.permission_id"
            ),
            put_user: concat!(
                "INSERT INTO ", $schema, "users (user_id, email, name) VALUES ($1, $2, $3) ",
                "ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, name = excluded.name, ",
                "updated_at = ", $now
            ),
            read_expiry: $read_expiry,
        }
    };
}

/// SQLite keeps timestamps as text in UTC, in any of the forms that its own functions take.
pub(crate) static SQLITE: Statements = statements! {
    schema: "",
    now: "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    expiry_out: "a.expires_at",
    read_expiry: read_text,
};

/// PostgreSQL says the seconds since the epoch, which read the same from a column with and without
/// a time zone.
pub(crate) static POSTGRES: Statements = statements! {
    schema: "ktrlplane.",
    now: "(now() AT TIME ZONE 'UTC')",
    expiry_out: "CAST(EXTRACT(EPOCH FROM a.expires_at) AS text)",
    read_expiry: read_epoch,
};

/// An expiry as both databases take it: UTC, to the microsecond and never later than what was
/// asked. `None` before 1970, where the two would not agree on the text.
pub(crate) fn write_expiry(expiry: Timestamp) -> Option<String> {
    (expiry >= Timestamp::UNIX_EPOCH).then(|| expiry.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

/// A time as text in UTC, in any of the forms that the databases give.
pub(crate) fn read_text(text: &str) -> Option<Timestamp> {
    // A sign or letter behind the date is an offset from UTC; without one, the time is in UTC.
    let time = text.get(10..).unwrap_or_default();
    if time.contains(['Z', 'z', '+', '-', '[']) {
        return text.parse().ok();
    }
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn read_epoch(text: &str) -> Option<Timestamp> {
    match text {
        "Infinity" => return Some(Timestamp::MAX),
        "-Infinity" => return Some(Timestamp::MIN),
        _ => {}
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok()?;
    if fraction.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    // Before the epoch the fraction counts the other way; dropping it ends the role no later.
    let nanosecond = if text.starts_with('-') {
        return Timestamp::from_second(seconds.checked_sub(1)?)
            .ok()
            .or(Some(Timestamp::MIN));
    } else {
        let digits: String = fraction
            .chars()
            .chain("000000000".chars())
            .take(9)
            .collect();
        digits.parse::<i32>().ok()?
    };
    // Past the year 9999, where PostgreSQL still has dates and we do not.
    Some(Timestamp::new(seconds, nanosecond).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
#[path = "../tests/support/postgres.rs"]
pub(crate) mod postgres;

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

    use super::*;

    #[test]
    fn an_expiry_reads_as_it_was_written() {
        let expiry: Timestamp = "2026-02-03T04:05:06.789012Z".parse().unwrap();
        let text = write_expiry(expiry).unwrap();
        assert_eq!(text, "2026-02-03 04:05:06.789012");
        assert_eq!(read_text(&text), Some(expiry));
    }

    #[test]
    fn an_expiry_is_never_rounded_up() {
        let expiry: Timestamp = "2026-02-03T04:05:06.9999999Z".parse().unwrap();
        assert_eq!(write_expiry(expiry).unwrap(), "2026-02-03 04:05:06.999999");
    }

    #[test]
    fn text_without_an_offset_is_in_utc() {
        let expected: Timestamp = "2026-02-03T04:05:06Z".parse().unwrap();
        for text in [
            "2026-02-03 04:05:06",
            "2026-02-03T04:05:06",
            "2026-02-03 04:05:06.000",
            "2026-02-03T04:05:06Z",
            "2026-02-03 06:05:06+02:00",
            "2026-02-03 02:05:06-02:00",
        ] {
            assert_eq!(read_text(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "1770091506",
            "2026-02-03T04:05:06[Asia/Tokyo]",
            "2026-02-30 00:00:00",
        ] {
            assert_eq!(read_text(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_since_the_epoch_read_in_every_form_of_postgresql() {
        let second = |second| Some(Timestamp::from_second(second).unwrap());
        assert_eq!(read_epoch("100"), second(100));
        assert_eq!(read_epoch("100.000000"), second(100));
        assert_eq!(
            read_epoch("100.5"),
            Some(Timestamp::new(100, 500_000_000).unwrap())
        );
        assert!(read_epoch("-1.500000") <= second(-1));
        assert_eq!(read_epoch("Infinity"), Some(Timestamp::MAX));
        assert_eq!(read_epoch("-Infinity"), Some(Timestamp::MIN));
        assert_eq!(read_epoch("9224318015999.000000"), Some(Timestamp::MAX));
        for text in ["", "x", "1.x", "1e3"] {
            assert_eq!(read_epoch(text), None, "{text}");
        }
    }

    /// Access is asked about once per request: that must not read a table, however many rows there are.
    #[tokio::test]
    async fn the_access_statement_reads_indexes_alone() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let schema = include_str!("../migrations/sqlite/0001_directory.sql");
        connection.execute(schema).await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", SQLITE.access_to_project));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
        let mut assignments = plan.iter().filter(|step| step.starts_with("SEARCH a "));
        assert!(assignments.all(|step| step.contains("scope_id=?") && step.contains("user_id=?")));
        // The one row that all others are joined to is made of nothing.
        let mut scans = plan.iter().filter(|step| step.contains("SCAN"));
        assert!(
            scans.all(|step| ["SCAN CONSTANT ROW", "SCAN asked"].contains(step)),
            "{plan:?}"
        );
    }

    #[tokio::test]
    async fn the_access_statement_reads_indexes_alone_on_postgresql() {
        let Some(database) = postgres::database() else {
            return;
        };
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        connection.execute("CREATE SCHEMA ktrlplane").await.unwrap();
        let schema = include_str!("../migrations/postgres/0001_directory.sql");
        connection.execute(schema).await.unwrap();
        // Many roles of one subject, and many subjects: the worst cases of two other indexes.
        let rows = "INSERT INTO ktrlplane.users (user_id, name) \
                    SELECT 'u' || i, 'x' FROM generate_series(1, 200) i; \
             INSERT INTO ktrlplane.projects (project_id, name) \
                    SELECT 'p' || i, 'x' FROM generate_series(1, 20000) i; \
             INSERT INTO ktrlplane.resources (resource_id, project_id, name, type) \
                    SELECT 'r' || i, 'p' || i, 'x', 'x' FROM generate_series(1, 20000) i; \
             INSERT INTO ktrlplane.role_assignments \
                    (assignment_id, user_id, role_id, scope_type, scope_id) \
                    SELECT 'a' || i, 'u1', 'viewer', 'project', 'p' || i \
                    FROM generate_series(1, 20000) i; \
             INSERT INTO ktrlplane.role_assignments \
                    (assignment_id, user_id, role_id, scope_type, scope_id) \
                    SELECT 'b' || i, 'u' || i, 'viewer', 'project', 'p9' \
                    FROM generate_series(2, 200) i; \
             ANALYZE; SET plan_cache_mode = force_generic_plan";
        connection.execute(rows).await.unwrap();
        let explain = format!(
            "EXPLAIN (ANALYZE, TIMING OFF) {}",
            POSTGRES.access_to_project
        );
        let literals = explain
            .replace("$1", "'u1'")
            .replace("$2", "'p9'")
            .replace("$3", "'r9'");
        let plan: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(literals))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan: Vec<&str> = plan.iter().map(|step| step.0.as_str()).collect();
        let plan = plan.join("\n");
        for large in ["projects", "resources", "role_assignments"] {
            assert!(!plan.contains(&format!("Seq Scan on {large}")), "{plan}");
        }
        assert!(!plan.contains("Rows Removed by"), "{plan}");
    }
}
