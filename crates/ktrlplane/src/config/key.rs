//! The keys of the configuration: one table, from which the file and the environment are read,
//! mistakes are explained and the effective configuration is printed.

mod backend;
mod embedded;
mod explore;
mod ingest;
mod limits;
mod log;
mod metrics;
mod server;
mod traces;

use std::sync::LazyLock;

use super::units::Measure;

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// Its place in `config.yaml`, with dots between the levels.
    pub(crate) path: &'static str,
    /// What holds when neither the file nor the environment gives it.
    pub(crate) default: Option<&'static str>,
    /// What a value must look like, as the end of a sentence.
    pub(crate) expected: &'static str,
    /// What of its value is not to be shown.
    pub(crate) secret: Secret,
    /// Whether the file may give a list.
    pub(crate) list: bool,
    /// What it is a measure of.
    pub(crate) measure: Measure,
}

/// What of a value is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Nothing.
    No,
    /// All of it.
    Whole,
    /// A password that stands within a URL.
    InUrl,
}

/// What every environment variable of the configuration begins with.
pub(crate) const PREFIX: &str = "KTRLPLANE_";

const fn key(path: &'static str, default: Option<&'static str>, expected: &'static str) -> Key {
    Key {
        path,
        default,
        expected,
        secret: Secret::No,
        list: false,
        measure: Measure::None,
    }
}

const fn bytes(path: &'static str, default: Option<&'static str>, expected: &'static str) -> Key {
    Key {
        measure: Measure::Bytes,
        ..key(path, default, expected)
    }
}

const fn time(path: &'static str, default: Option<&'static str>, expected: &'static str) -> Key {
    Key {
        measure: Measure::Time,
        ..key(path, default, expected)
    }
}

/// All keys, in the order in which they are printed.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let loki = backend::LOKI.into_iter().chain([MAX_LINES]);
    loki.chain(backend::MIMIR)
        .chain(server::SERVER)
        .chain(REST)
        .chain([CREATE, RESERVED])
        .chain(ingest::INGEST)
        .chain(limits::LIMITS)
        .chain(explore::EXPLORE)
        .chain(metrics::METRICS)
        .chain(traces::TRACES)
        .chain(log::LOG)
        .chain(embedded::EMBEDDED)
        .collect()
});

const MAX_LINES: Key = key(
    "observability.loki.max_lines",
    Some("5000"),
    "the most log lines that one request may ask for, from 1 to 1000000",
);

const CREATE: Key = key(
    "management.create",
    Some("anyone"),
    "anyone, members (projects in organizations alone) or nobody: who with a token may create \
     organizations and projects",
);

const RESERVED: Key = Key {
    list: true,
    ..key(
        "management.reserved",
        None,
        "ids that only operators give to a project, such as the tenants that Loki and Mimir already \
         have, as a list or with commas between them",
    )
};

/// What does not belong to a backend.
const REST: [Key; 16] = [
    Key {
        secret: Secret::InUrl,
        ..key(
            "auth.issuer",
            None,
            "the issuer's URL exactly as it stands in the tokens' iss, such as \
             \"https://tenant.eu.auth0.com/\" (the final slash counts)",
        )
    },
    key(
        "auth.audience",
        None,
        "the audience that the tokens' aud must name, such as \"https://api.example.com\"",
    ),
    Key {
        list: true,
        ..key(
            "auth.algorithms",
            Some("RS256"),
            "one or more of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA, \
             as a list or with commas between them",
        )
    },
    Key {
        secret: Secret::InUrl,
        ..key(
            "database.url",
            Some("sqlite:ktrlplane.db"),
            "\"sqlite:FILE\" or \"postgres://USER:PASSWORD@HOST:PORT/DATABASE\"",
        )
    },
    key(
        "database.host",
        None,
        "the host of the PostgreSQL server, or the directory of its socket",
    ),
    key(
        "database.port",
        Some("5432"),
        "a port number from 1 to 65535",
    ),
    key("database.user", None, "the name of a PostgreSQL role"),
    Key {
        secret: Secret::Whole,
        ..key("database.password", None, "the role's password")
    },
    key(
        "database.password_file",
        None,
        "the path of a file that holds the role's password",
    ),
    key("database.dbname", None, "the name of a PostgreSQL database"),
    key(
        "database.sslmode",
        Some("prefer"),
        "disable, allow, prefer, require, verify-ca or verify-full, as libpq has them",
    ),
    key(
        "database.managed",
        Some("true"),
        "true, or false for a database that another program manages and that is only read here",
    ),
    time(
        "database.poll",
        Some("2s"),
        "a time from 1s to 1m, such as 2s: how old what is remembered of a database that is only \
         read here may be",
    ),
    time(
        "database.grace",
        Some("0s"),
        "a time from 0s to 10m, such as 30s: how long what is remembered serves while the database \
         cannot be asked",
    ),
    key(
        "audit.output",
        Some("stdout"),
        "stdout, off, or a file's path with a slash in it, such as /var/log/ktrlplane/audit.jsonl",
    ),
    key(
        "audit.queries",
        Some("hash"),
        "full, hash or none: whether the audit holds the text of queries, its SHA-256, or nothing",
    ),
];

impl Key {
    /// The environment variable that gives this key.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.to_uppercase().replace('.', "_"))
    }
}

/// The key at `path`.
pub(crate) fn at(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Whether `path` is a level above keys, such as `observability.loki`.
pub(crate) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| {
        key.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// Everything that a file may have: the keys, and the levels above them.
pub(crate) fn paths() -> impl Iterator<Item = String> {
    KEYS.iter().flat_map(|key| {
        let levels = key.path.match_indices('.').map(|(dot, _)| &key.path[..dot]);
        levels.chain([key.path]).map(str::to_owned)
    })
}

/// The word among `words` that is nearest to `text`, when it is near enough to be a slip.
pub(crate) fn nearest(text: &str, words: impl IntoIterator<Item = String>) -> Option<String> {
    let close = (text.len() / 6).clamp(1, 4);
    words
        .into_iter()
        .map(|word| (distance(text, &word), word))
        .filter(|(distance, _)| *distance <= close)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// The variable that `name` may be a slip of. The prefix, which all share, does not count.
pub(crate) fn nearest_variable(name: &str) -> Option<String> {
    let without = |name: &str| Some(name.strip_prefix(PREFIX)?.to_owned());
    let near = nearest(
        &without(name)?,
        KEYS.iter().filter_map(|key| without(&key.variable())),
    );
    near.map(|near| format!("{PREFIX}{near}"))
}

/// Levenshtein's distance: how many letters are put in, left out or changed.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        let mut before = index + 1;
        for ((to, above), diagonal) in right.iter().zip(row.iter().skip(1)).zip(&row) {
            let change = diagonal + usize::from(from != *to);
            before = change.min(above + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_variable_and_no_two_keys_share_one() {
        let mut variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
        assert_eq!(variables[0], "KTRLPLANE_OBSERVABILITY_LOKI_ENABLED");
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), KEYS.len());
    }

    #[test]
    fn the_nearest_word_is_found_when_it_is_near() {
        let words = || KEYS.iter().map(|key| key.path.to_owned());
        assert_eq!(
            nearest("auth.isuer", words()).as_deref(),
            Some("auth.issuer")
        );
        assert_eq!(
            nearest("observabilty.loki.ulr", words()).as_deref(),
            Some("observability.loki.url")
        );
        assert_eq!(nearest("stripe.key", words()), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
