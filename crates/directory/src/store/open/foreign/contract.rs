//! What a database must have to be read: tables, columns, and the permission to select them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::{PgConnection, SqliteConnection};

use crate::error::{DirectoryError, is_lost};
use crate::statements::listing::{self, Listing};
use crate::statements::{POSTGRES, SQLITE, Statements};

/// The tables and columns that exist in every database of `KtrlPlane`. A view is as good as a table.
const CONTRACT: [(&str, &[&str]); 8] = [
    ("users", &["user_id", "email", "name"]),
    ("organizations", &["org_id", "name"]),
    ("projects", &["project_id", "org_id", "name", "status"]),
    (
        "resources",
        &["resource_id", "project_id", "name", "type", "status"],
    ),
    (
        "roles",
        &[
            "role_id",
            "name",
            "display_name",
            "description",
            "is_system",
        ],
    ),
    ("permissions", &["permission_id", "resource_type", "action"]),
    ("role_permissions", &["role_id", "permission_id"]),
    (
        "role_assignments",
        &[
            "assignment_id",
            "user_id",
            "role_id",
            "scope_type",
            "scope_id",
            "assigned_by",
            "created_at",
            "expires_at",
        ],
    ),
];

/// A statement and its parameters.
type Question<'a> = (&'static str, Vec<Option<&'a str>>);

/// The statements of decisions and lists, about nobody and of no rows: what they need has to be
/// there, whatever the catalogue says.
fn questions<'a>(access: &Statements, listing: &Listing, now: &'a str) -> Vec<Question<'a>> {
    let (nobody, none) = (Some("-"), Some("0"));
    vec![
        (access.access_to_project, vec![nobody; 3]),
        (access.access_to_organization, vec![nobody; 2]),
        (listing.organizations, vec![nobody, none]),
        (listing.projects, vec![nobody, none]),
        (listing.resources, vec![nobody, nobody, none]),
        (
            listing.assignments,
            vec![nobody, nobody, nobody, Some(now), nobody, none],
        ),
        (listing.roles, vec![]),
        (listing.users, vec![nobody, none]),
    ]
}

/// A column of the database: its table, its name, and whether it may be read.
type Column = (String, String, bool);

/// What stands between this program and the contract.
#[derive(Debug, Default, PartialEq, Eq)]
struct Gap {
    /// Tables, and `table.column`s.
    missing: Vec<String>,
    /// Tables of which something may not be read.
    forbidden: BTreeSet<&'static str>,
}

/// Checks a PostgreSQL database, whose catalogue tells of everything, also of what the role may
/// not read.
pub(super) async fn check_postgres(connection: &mut PgConnection) -> Result<(), DirectoryError> {
    let (role, database, may_use): (String, String, Option<bool>) = sqlx::query_as(
        "SELECT quote_ident(current_user), CAST(current_database() AS text), \
         (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_catalog.pg_namespace \
          WHERE nspname = 'ktrlplane')",
    )
    .fetch_one(&mut *connection)
    .await?;
    let Some(may_use) = may_use else {
        return Err(DirectoryError::Invalid(format!(
            "the database `{database}` has no schema `ktrlplane`, and with \
             `database.managed: false` none is made"
        )));
    };
    let columns: Vec<Column> = sqlx::query_as(
        "SELECT CAST(c.relname AS text), CAST(a.attname AS text), \
         has_column_privilege(c.oid, a.attnum, 'SELECT') \
         FROM pg_catalog.pg_namespace n \
         JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid \
         AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
         AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE n.nspname = 'ktrlplane'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let gap = gap(columns);
    if let Some(sentence) = sentence(&gap, may_use, &role) {
        return Err(DirectoryError::Invalid(sentence));
    }
    let now = (listing::POSTGRES.instant)(Timestamp::UNIX_EPOCH);
    for (statement, arguments) in questions(&POSTGRES, &listing::POSTGRES, &now) {
        let query = sqlx::query(statement);
        let query = arguments
            .iter()
            .fold(query, |query, text| query.bind(*text));
        query.fetch_all(&mut *connection).await.map_err(unusable)?;
    }
    Ok(())
}

/// Checks a SQLite database, where whoever may read the file may read all of it.
pub(super) async fn check_sqlite(connection: &mut SqliteConnection) -> Result<(), DirectoryError> {
    let columns: Vec<Column> = sqlx::query_as(
        "SELECT t.name, c.name, true FROM sqlite_schema t, pragma_table_info(t.name) c \
         WHERE t.type IN ('table', 'view')",
    )
    .fetch_all(&mut *connection)
    .await?;
    if let Some(sentence) = sentence(&gap(columns), true, "") {
        return Err(DirectoryError::Invalid(sentence));
    }
    let now = (listing::SQLITE.instant)(Timestamp::UNIX_EPOCH);
    for (statement, arguments) in questions(&SQLITE, &listing::SQLITE, &now) {
        let query = sqlx::query(statement);
        let query = arguments
            .iter()
            .fold(query, |query, text| query.bind(*text));
        query.fetch_all(&mut *connection).await.map_err(unusable)?;
    }
    Ok(())
}

/// All is there, and still a statement fails: a column has a type that cannot be compared, or a
/// view cannot read what it shows.
fn unusable(error: sqlx::Error) -> DirectoryError {
    match error.as_database_error() {
        Some(refused) if !is_lost(&error) => DirectoryError::Invalid(format!(
            "the tables of `ktrlplane` are there, but what is asked of them fails: {}",
            refused.message()
        )),
        _ => error.into(),
    }
}

fn gap(columns: Vec<Column>) -> Gap {
    let mut tables: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for (table, column, may_read) in columns {
        tables.entry(table).or_default().insert(column, may_read);
    }
    let mut gap = Gap::default();
    for (table, columns) in CONTRACT {
        let Some(there) = tables.get(table) else {
            gap.missing.push(format!("the table `{table}`"));
            continue;
        };
        let absent = columns
            .iter()
            .filter(|column| !there.contains_key(**column));
        gap.missing
            .extend(absent.map(|column| format!("the column `{table}.{column}`")));
        // All of the table, since columns that not every database has are read out of whole rows.
        // A view hides what nobody should see.
        if there.values().any(|may_read| !may_read) {
            gap.forbidden.insert(table);
        }
    }
    gap
}

/// All that is wrong, with what to do about it; `None` where nothing is.
fn sentence(gap: &Gap, may_use: bool, role: &str) -> Option<String> {
    let mut wrongs = Vec::new();
    if !gap.missing.is_empty() {
        wrongs.push(format!(
            "the schema `ktrlplane` lacks {}",
            gap.missing.join(", ")
        ));
    }
    let mut grants = Vec::new();
    if !may_use {
        grants.push(format!("GRANT USAGE ON SCHEMA ktrlplane TO {role};"));
    }
    if !gap.forbidden.is_empty() {
        let tables = gap
            .forbidden
            .iter()
            .map(|table| format!("ktrlplane.{table}"));
        let tables = tables.collect::<Vec<_>>().join(", ");
        grants.push(format!("GRANT SELECT ON {tables} TO {role};"));
    }
    if !grants.is_empty() {
        wrongs.push(format!(
            "the role {role} may not read all of it, which its owner permits with `{}`",
            grants.join(" ")
        ));
    }
    (!wrongs.is_empty()).then(|| wrongs.join(", and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Column> {
        let columns = CONTRACT.iter().flat_map(|(table, columns)| {
            let named = move |column: &&str| ((*table).to_owned(), (*column).to_owned(), true);
            columns.iter().map(named)
        });
        columns.collect()
    }

    #[test]
    fn more_than_the_contract_is_nothing_to_complain_about() {
        let mut columns = all();
        columns.push(("users".to_owned(), "stripe_id".to_owned(), true));
        columns.push(("billing_accounts".to_owned(), "id".to_owned(), false));
        assert_eq!(sentence(&gap(columns), true, "reader"), None);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut columns = all();
        columns.retain(|(table, column, _)| table != "roles" && column != "expires_at");
        for (table, _, may_read) in &mut columns {
            *may_read = table != "users" && table != "permissions";
        }
        let said = sentence(&gap(columns), false, "\"the reader\"").unwrap();
        assert_eq!(
            said,
            "the schema `ktrlplane` lacks the table `roles`, the column \
             `role_assignments.expires_at`, and the role \"the reader\" may not read all of it, \
             which its owner permits with `GRANT USAGE ON SCHEMA ktrlplane TO \"the reader\"; \
             GRANT SELECT ON ktrlplane.permissions, ktrlplane.users TO \"the reader\";`"
        );
    }
}
