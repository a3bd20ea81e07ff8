//! What the two databases say differently, as pieces of statements.

/// The name of a table.
macro_rules! table {
    (sqlite, $name:literal) => {
        $name
    };
    (postgres, $name:literal) => {
        concat!("ktrlplane.", $name)
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
}

/// A whole number that is given as text.
macro_rules! number {
    (sqlite, $parameter:literal) => {
        concat!("CAST(", $parameter, " AS integer)")
    };
    (postgres, $parameter:literal) => {
        concat!("CAST(", $parameter, " AS bigint)")
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
}

/// A column that a database which is not ours need not have: null where it is not there.
macro_rules! optional {
    (sqlite, $row:literal, $column:literal) => {
        concat!($row, ".", $column)
    };
    (postgres, $row:literal, $column:literal) => {
        concat!("(row_to_json(", $row, ") ->> '", $column, "')")
    };
}

/// Such a column that holds JSON, as the text that it is.
macro_rules! optional_json {
    (sqlite, $row:literal, $column:literal) => {
        concat!($row, ".", $column)
    };
    (postgres, $row:literal, $column:literal) => {
        concat!("CAST(row_to_json(", $row, ") -> '", $column, "' AS text)")
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
}

/// A text in lower case, in the order of its bytes.
macro_rules! lower {
    (sqlite, $text:literal) => {
        concat!("lower(", $text, ")")
    };
    (postgres, $text:literal) => {
        concat!("lower(", $text, ") COLLATE \"C\"")
    };
}

/// A text that comes after all that begin with a parameter.
macro_rules! past {
    (sqlite, $parameter:literal) => {
        concat!("lower(", $parameter, ") || char(1114111)")
    };
    (postgres, $parameter:literal) => {
        concat!("(lower(", $parameter, ") || chr(1114111)) COLLATE \"C\"")
    };
}

/// Keeps what is read from being deleted before the transaction ends, also by those who take no
/// part in its serialization. SQLite has one writer at a time.
macro_rules! keep {
    (sqlite) => {
        ""
    };
    (postgres) => {
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
            optional!($dialect, "a", "created_at"),
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
    assignment_columns, expiry, holds, json, keep, lower, number, optional, optional_json,
    organization_columns, past, project_columns, resource_columns, scopes, table, time,
};
