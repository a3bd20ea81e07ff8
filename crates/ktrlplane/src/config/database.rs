//! `database`: where the directory lives, and whose it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::settings::Secret;
use gateway::transport::TransportError;
use url::Url;

use super::layers::{Given, Layers};
use super::problem::Problem;

/// How often to look for changes may be said from here to there: more often is a load without use,
/// and less often lets a withdrawn role work for longer than anybody would expect.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// The longest time for which what is remembered may stand in for a database that is away.
const MOST_GRACE: Duration = Duration::from_mins(10);

/// The directory's database.
#[derive(Debug)]
pub(crate) struct Database {
    /// Its URL; it may hold a password.
    pub(crate) url: String,
    /// Where the password is that the URL does not hold.
    pub(crate) password_file: Option<PathBuf>,
    /// Whether it is ours: migrated and written. Otherwise it is only read.
    pub(crate) managed: bool,
    /// How old what is remembered of a database that is not ours may be.
    pub(crate) poll: Duration,
    /// How long what is remembered serves while the database cannot be asked.
    pub(crate) grace: Duration,
}

impl Database {
    /// The SQLite file, where it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        let rest = self.url.strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        (path != ":memory:").then(|| Path::new(path))
    }

    /// Its URL with the password within, which is read from its file at this moment.
    pub(crate) fn whole_url(&self) -> Result<String, TransportError> {
        let Some(file) = &self.password_file else {
            return Ok(self.url.clone());
        };
        let password = Secret::File(file.clone()).password()?;
        let Ok(mut url) = Url::parse(&self.url) else {
            // Whoever opens it says what is wrong with it.
            return Ok(self.url.clone());
        };
        // A URL without a host, which is one of a socket, has no place for it before the `@`.
        url.query_pairs_mut().append_pair(PASSWORD, &password);
        Ok(url.into())
    }
}

/// The parameter of a URL that holds a password.
const PASSWORD: &str = "password";

/// The file with the password, which stands beside a URL as well as beside its parts.
const PASSWORD_FILE: &str = "database.password_file";

/// The keys that together stand for a URL, as KtrlPlane's own file has them.
const PARTS: [&str; 6] = [
    "database.host",
    "database.port",
    "database.user",
    "database.password",
    "database.dbname",
    "database.sslmode",
];

/// Which of the two ways to name a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Url,
    Parts,
    /// Both, given by one layer.
    Both(&'static str),
}

/// The environment wins over the file as a whole: half a URL and half a file would be neither.
fn form(layers: &Layers) -> Form {
    let parts = PARTS.iter().filter_map(|path| layers.given(path));
    let part = parts.max_by(|left, right| left.source.cmp(&right.source));
    match (layers.given("database.url"), part) {
        (None, None) if layers.given(PASSWORD_FILE).is_some() => Form::Parts,
        (_, None) => Form::Url,
        (Some(url), Some(part)) if url.source.same_layer(&part.source) => Form::Both(part.key.path),
        (Some(url), Some(part)) if url.source > part.source => Form::Url,
        (_, Some(_)) => Form::Parts,
    }
}

/// Whether the value of `path` holds: of a URL and its parts, only one does.
pub(crate) fn holds(layers: &Layers, path: &str) -> bool {
    match form(layers) {
        Form::Url => !PARTS.contains(&path),
        Form::Parts => path != "database.url",
        Form::Both(_) => true,
    }
}

/// Whether the file or the environment names a database.
pub(crate) fn is_given(layers: &Layers) -> bool {
    let others = ["database.url", PASSWORD_FILE];
    let mut paths = PARTS.iter().copied().chain(others);
    paths.any(|path| layers.given(path).is_some())
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Database> {
    let url = url(layers, problems);
    let password_file = password_file(layers, url.as_deref(), problems);
    let managed = layers.require("database.managed", problems, Given::switch);
    let poll = layers.require("database.poll", problems, |given| {
        given.time(POLL.0..=POLL.1)
    });
    let grace = layers.require("database.grace", problems, |given| {
        given.time(Duration::ZERO..=MOST_GRACE)
    });
    Some(Database {
        url: url?,
        password_file,
        managed: managed?,
        poll: poll?,
        grace: grace?,
    })
}

/// The URL, with the password within where there is one.
fn url(layers: &Layers, problems: &mut Vec<Problem>) -> Option<String> {
    match form(layers) {
        Form::Url => layers.require("database.url", problems, address),
        Form::Parts => from_parts(layers, problems),
        Form::Both(part) => layers.require("database.url", problems, |_| {
            Err(format!(
                "and {part} are both given, and only one of them can hold"
            ))
        }),
    }
}

/// The file with the password. Whichever layer gives another one as well: that the one silently takes
/// the place of the other is how a wrong password is found out about when the right one is taken away.
fn password_file(
    layers: &Layers,
    url: Option<&str>,
    problems: &mut Vec<Problem>,
) -> Option<PathBuf> {
    let file = layers.given(PASSWORD_FILE)?;
    let both = |other: &str| format!("and {other} are both given, and only one of them can hold");
    if let Some(password) = layers.given("database.password") {
        problems.push(password.problem(both(PASSWORD_FILE)));
    } else if let Some(url) = url {
        if url.starts_with("sqlite:") {
            problems.push(file.problem("is given, and database.url is SQLite, which has none"));
        } else if has_password(url) {
            problems.push(file.problem(both("the password in database.url")));
        }
    }
    Some(PathBuf::from(file.text.trim()))
}

fn has_password(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(name, _)| name == PASSWORD)
    })
}

fn address(given: &Given) -> Result<String, String> {
    let text = given.text.trim();
    let shown = given.shown();
    if let Some(file) = text.strip_prefix("sqlite:") {
        return if file.trim_start_matches('/').is_empty() {
            Err(format!("is {shown}, which names no file"))
        } else {
            Ok(text.to_owned())
        };
    }
    let url = Url::parse(text).map_err(|error| format!("is {shown}, which is no URL: {error}"))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(format!(
            "is {shown}, which is neither SQLite nor PostgreSQL"
        ));
    }
    Ok(text.to_owned())
}

fn from_parts(layers: &Layers, problems: &mut Vec<Problem>) -> Option<String> {
    let text = |given: &Given| Ok(given.text.trim().to_owned());
    let host = layers.require("database.host", problems, text);
    let port = layers.require("database.port", problems, |given| {
        match given.text.trim().parse::<u16>() {
            Ok(port) if port > 0 => Ok(port),
            _ => Err(format!("is {}, which is no port", given.shown())),
        }
    });
    let user = layers.require("database.user", problems, text);
    let dbname = layers.require("database.dbname", problems, text);
    let sslmode = layers.require("database.sslmode", problems, |given| {
        let known = [
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ];
        match given.text.trim() {
            mode if known.contains(&mode) => Ok(mode.to_owned()),
            _ => Err(format!("is {}", given.shown())),
        }
    });
    let (host, port, user, dbname) = (host?, port?, user?, dbname?);
    let password = layers.given("database.password");
    let Some(mut url) = compose(
        &host,
        port,
        &user,
        password.map(|given| given.text.as_str()),
    ) else {
        let wrong =
            |given: &Given| given.problem(format!("is {}, which is no host", given.shown()));
        problems.extend(layers.given("database.host").map(wrong));
        return None;
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(&dbname);
    }
    url.query_pairs_mut().append_pair("sslmode", &sslmode?);
    if host.starts_with('/') {
        url.query_pairs_mut().append_pair("host", &host);
    }
    Some(url.into())
}

/// The URL of the server, with everything escaped that must be; `None` for a host that is none.
fn compose(host: &str, port: u16, user: &str, password: Option<&str>) -> Option<Url> {
    let mut url = Url::parse("postgres://localhost").ok()?;
    if !host.starts_with('/') {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = if bare.contains(':') {
            format!("[{bare}]")
        } else {
            bare.to_owned()
        };
        url.set_host(Some(&host)).ok()?;
    }
    url.set_port(Some(port)).ok()?;
    url.set_username(user).ok()?;
    url.set_password(password).ok()?;
    Some(url)
}
