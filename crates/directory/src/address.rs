//! Database URLs: read strictly, printed without their secrets.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::error::DirectoryError;

/// Where a directory is.
pub(crate) enum Address {
    /// A SQLite database that ends with the process.
    Memory,
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL server.
    Postgres(Box<PgConnectOptions>),
}

/// The parameters that may follow a PostgreSQL URL. Unknown ones are refused: the driver would
/// write them to the log, and what looks like one may be the rest of a password.
const PARAMETERS: [&str; 16] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, DirectoryError> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            return sqlite(rest);
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return postgres(url);
        }
        Err(DirectoryError::Invalid(
            "the database URL must start with `sqlite:` or `postgres://`".to_owned(),
        ))
    }
}

fn sqlite(rest: &str) -> Result<Address, DirectoryError> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path == ":memory:" {
        return Ok(Address::Memory);
    }
    if path.is_empty() || path.contains(['?', '\0']) || path.starts_with(':') {
        return Err(DirectoryError::Invalid(
            "a SQLite URL is `sqlite:PATH` without parameters, or `sqlite::memory:`".to_owned(),
        ));
    }
    Ok(Address::File(PathBuf::from(path)))
}

fn postgres(text: &str) -> Result<Address, DirectoryError> {
    let invalid = |why: &str| {
        DirectoryError::Invalid(format!(
            "the PostgreSQL URL is malformed ({why}); reserved characters in a user name or \
             password must be percent-encoded"
        ))
    };
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    // Signs of a password whose reserved characters split the URL in the wrong places.
    if url.fragment().is_some() || url.path().contains('@') {
        return Err(invalid("a part that does not belong"));
    }
    for (key, _) in url.query_pairs() {
        if !PARAMETERS.contains(&key.as_ref()) {
            return Err(invalid("an unknown parameter"));
        }
    }
    let options = PgConnectOptions::from_str(text).map_err(|_| invalid("a parameter's value"))?;
    Ok(Address::Postgres(Box::new(options)))
}

/// A database URL as it may be printed: without the password, and without anything that might be
/// part of one.
#[must_use]
pub fn mask(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let scheme = url.split(':').next().unwrap_or_default();
    let scheme = match scheme {
        "postgres" | "postgresql" => scheme,
        _ => return "***".to_owned(),
    };
    let (Ok(_), Ok(parsed)) = (Address::parse(url), Url::parse(url)) else {
        return format!("{scheme}://***");
    };
    let mut masked = parsed.clone();
    if parsed.password().is_some() && masked.set_password(Some("***")).is_err() {
        return format!("{scheme}://***");
    }
    masked.set_query(None);
    for (key, value) in parsed.query_pairs() {
        let value = if key == "password" { "***" } else { &*value };
        masked.query_pairs_mut().append_pair(&key, value);
    }
    masked.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat 25: whatever is wrong with the URL, its password is printed nowhere.
    #[test]
    fn a_password_is_never_printed() {
        for url in [
            "postgres://u:hunter2@host/db",
            "postgres://u@host/db?password=hunter2",
            "postgres://u:hunter2@host:99999/db",
            "postgres://u:1/hunter2@host/db",
            "postgres://u:1#hunter2@host/db",
            "postgres://u:1?hunter2@host/db",
            "postgres://u:1?x=hunter2@host/db",
            "postgres://u:hunter2@host/db?sslmode=hunter2",
            "postgres://u:hunter2@[host/db",
            "postgres:u:hunter2",
            "mysql://u:hunter2@host/db",
            "hunter2",
        ] {
            assert!(!mask(url).contains("hunter2"), "{}", mask(url));
            if let Err(error) = Address::parse(url) {
                assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        for (url, masked) in [
            ("sqlite:/var/lib/d.db", "sqlite:/var/lib/d.db"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            (
                "postgres://u:p@h:5433/d?sslmode=require",
                "postgres://u:***@h:5433/d?sslmode=require",
            ),
        ] {
            assert_eq!(mask(url), masked);
        }
    }

    #[test]
    fn a_malformed_url_is_refused_with_a_sentence() {
        for url in [
            "",
            "sqlite:",
            "sqlite://",
            "sqlite:a.db?mode=ro",
            "sqlite::file:",
            "mysql://h/d",
            "postgres://h/d?sslmode=maybe",
            "postgres://h/d?options=-c%20search_path=evil",
            "postgres://h:port/d",
        ] {
            let refused = matches!(Address::parse(url), Err(DirectoryError::Invalid(_)));
            assert!(refused, "{url}");
        }
    }
}
