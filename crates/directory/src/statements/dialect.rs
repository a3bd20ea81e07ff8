//! What the databases say differently, as pieces of statements: `sqlite`, `postgres` for a database
//! of our own, and `theirs` for a PostgreSQL database that another program manages, which need not
//! have all columns.

/// The name of a table.
macro_rules! table {
    (sqlite, $name:literal) => {
        $name
    };
    (postgres, $name:literal) => {
        concat!("ktrlplane.", $name)
    };
    (theirs, $($rest:tt)*) => {
        table!(postgres, $($rest)*)
    };
}

/// A time that is given as text in UTC.
macro_rules! time {
    (sqlite, $parameter:literal) => {
        $parameter
    };
    (postgres, $parameter:literal) => {
        concat!("CAST(", $parameter, " AS timestamp)")
    };
    (theirs, $($rest:tt)*) => {
        time!(postgres, $($rest)*)
    };
}

/// A whole number that is given as text.
macro_rules! number {
    (sqlite, $parameter:literal) => {
        concat!("CAST(", $parameter, " AS integer)")
    };
    (postgres, $parameter:literal) => {
        concat!("CAST(", $parameter, " AS bigint)")
    };
    (theirs, $($rest:tt)*) => {
        number!(postgres, $($rest)*)
    };
}

/// A JSON text as the column takes it.
macro_rules! json {
    (sqlite, $parameter:literal) => {
        $parameter
    };
    (postgres, $parameter:literal) => {
        concat!("CAST(", $parameter, " AS json)")
    };
    (theirs, $($rest:tt)*) => {
        json!(postgres, $($rest)*)
    };
}

/// A table of which optional columns are read, under a name of one letter. What another program's
/// table has is looked up by name, in what is made of each row once.
macro_rules! with_optional {
    (theirs, $name:literal, $row:literal) => {
        concat!(
            table!(postgres, $name),
            " ",
            $row,
            " CROSS JOIN LATERAL (SELECT row_to_json(",
            $row,
            ") AS columns OFFSET 0) all_of_",
            $row
        )
    };
    ($dialect:ident, $name:literal, $row:literal) => {
        concat!(table!($dialect, $name), " ", $row)
    };
}

/// A column that a database which is not ours need not have: null where it is not there. The row
/// is of a table that is read `with_optional!`.
macro_rules! optional {
    (sqlite, $row:literal, $column:literal) => {
        concat!($row, ".", $column)
    };
    (postgres, $row:literal, $column:literal) => {
        concat!("CAST(", $row, ".", $column, " AS text)")
    };
    (theirs, $row:literal, $column:literal) => {
        concat!("(all_of_", $row, ".columns ->> '", $column, "')")
    };
}

/// Such a column that holds JSON, as the text that it is.
macro_rules! optional_json {
    (theirs, $row:literal, $column:literal) => {
        concat!("CAST(all_of_", $row, ".columns -> '", $column, "' AS text)")
    };
    ($dialect:ident, $row:literal, $column:literal) => {
        optional!($dialect, $row, $column)
    };
}

/// The only such column of a row, whose table is read as any other.
macro_rules! only_optional {
    (theirs, $row:literal, $column:literal) => {
        concat!("(row_to_json(", $row, ") ->> '", $column, "')")
    };
    ($dialect:ident, $row:literal, $column:literal) => {
        optional!($dialect, $row, $column)
    };
}

/// The expiry of an assignment, as `Statements::read_expiry` reads it.
macro_rules! expiry {
    (sqlite, $row:literal) => {
        concat!($row, ".expires_at")
    };
    (postgres, $row:literal) => {
        concat!("CAST(EXTRACT(EPOCH FROM ", $row, ".expires_at) AS text)")
    };
    (theirs, $($rest:tt)*) => {
        expiry!(postgres, $($rest)*)
    };
}

/// Whether an assignment holds at an instant, given by `Listing::instant`.
macro_rules! holds {
    (sqlite, $row:literal, $now:literal) => {
        concat!(
            "(",
            $row,
            ".expires_at IS NULL OR julianday(",
            $row,
            ".expires_at) > julianday(",
            $now,
            "))"
        )
    };
    // The seconds since the epoch are the same of a column with and without a time zone.
    (postgres, $row:literal, $now:literal) => {
        concat!(
            "(",
            $row,
            ".expires_at IS NULL OR EXTRACT(EPOCH FROM ",
            $row,
            ".expires_at) > CAST(",
            $now,
            " AS numeric))"
        )
    };
    (theirs, $($rest:tt)*) => {
        holds!(postgres, $($rest)*)
    };
}

/// A text in lower case, in the order of its bytes. Only ASCII has cases, on either database:
/// elsewhere a sign may have a small letter of ASCII (that of the sign for kelvin is `k`), and one
/// address would be taken for another.
macro_rules! lower {
    (sqlite, $text:literal) => {
        concat!("lower(", $text, ")")
    };
    ($postgres:ident, $text:literal) => {
        concat!("lower(", $text, " COLLATE \"C\")")
    };
}

/// A text that comes after all that begin with a parameter.
macro_rules! past {
    (sqlite, $parameter:literal) => {
        concat!("lower(", $parameter, ") || char(1114111)")
    };
    ($postgres:ident, $parameter:literal) => {
        concat!("(lower(", $parameter, " COLLATE \"C\") || chr(1114111))")
    };
}

/// Keeps what is read from being deleted before the transaction ends, also by those who take no
/// part in its serialization. SQLite has one writer at a time.
macro_rules! keep {
    (sqlite) => {
        ""
    };
    ($postgres:ident) => {
        " FOR KEY SHARE"
    };
}

macro_rules! organization_columns {
    ($dialect:ident) => {
        concat!(
            "CAST(o.org_id AS text), CAST(o.name AS text), ",
            optional!($dialect, "o", "created_at"),
            ", ",
            optional!($dialect, "o", "updated_at")
        )
    };
}

macro_rules! project_columns {
    ($dialect:ident) => {
        concat!(
            "CAST(p.project_id AS text), CAST(p.org_id AS text), CAST(p.name AS text), ",
            "CAST(p.status AS text), ",
            optional!($dialect, "p", "created_at"),
            ", ",
            optional!($dialect, "p", "updated_at")
        )
    };
}

macro_rules! resource_columns {
    ($dialect:ident) => {
        concat!(
            "CAST(r.resource_id AS text), CAST(r.project_id AS text), CAST(r.name AS text), ",
            "CAST(r.type AS text), CAST(r.status AS text), ",
            optional!($dialect, "r", "sku"),
            ", ",
            optional_json!($dialect, "r", "settings_json"),
            ", ",
            optional!($dialect, "r", "created_at"),
            ", ",
            optional!($dialect, "r", "updated_at")
        )
    };
}

/// Of an assignment `a`, its user `u`, its role `g` and where it is held, `s`.
macro_rules! assignment_columns {
    ($dialect:ident) => {
        concat!(
            "CAST(a.assignment_id AS text), CAST(a.user_id AS text), CAST(a.role_id AS text), ",
            "CAST(a.scope_type AS text), CAST(a.scope_id AS text), CAST(a.assigned_by AS text), ",
            only_optional!($dialect, "a", "created_at"),
            ", ",
            expiry!($dialect, "a"),
            ", CAST(u.email AS text), CAST(u.name AS text), CAST(g.name AS text), ",
            "CAST(g.display_name AS text), CAST(g.description AS text), ",
            "COALESCE(g.is_system, false), CAST(s.name AS text)"
        )
    };
}

/// The places that reach `$1` organization, `$2` project, `$3` resource, each given or null.
macro_rules! scopes {
    ($dialect:ident) => {
        concat!(
            "scopes (scope_type, scope_id, name) AS (",
            "SELECT 'organization', o.org_id, o.name FROM ",
            table!($dialect, "organizations"),
            " o WHERE o.org_id = COALESCE(CAST($1 AS text), (SELECT q.org_id FROM ",
            table!($dialect, "projects"),
            " q WHERE q.project_id = CAST($2 AS text))) ",
            "UNION ALL SELECT 'project', p.project_id, p.name FROM ",
            table!($dialect, "projects"),
            " p WHERE p.project_id = CAST($2 AS text) ",
            "UNION ALL SELECT 'resource', r.resource_id, r.name FROM ",
            table!($dialect, "resources"),
            " r WHERE r.resource_id = CAST($3 AS text) AND r.project_id = CAST($2 AS text))"
        )
    };
}

pub(crate) use {
    assignment_columns, expiry, holds, json, keep, lower, number, only_optional, optional,
    optional_json, organization_columns, past, project_columns, resource_columns, scopes, table,
    time, with_optional,
};
