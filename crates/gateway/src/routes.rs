//! The route table: the only way in (invariant 5).
//!
//! Paths are matched as they were sent, undecoded: neither an id nor a label's name has a character
//! that needs an escape, so a path with `%`, `;`, an empty segment or a dot segment is the path of
//! nothing.

pub mod parameter;

mod ingest;
mod loki;
pub mod management;
mod prometheus;
mod resource;

use std::collections::HashMap;
use std::sync::LazyLock;

use directory::hashing::{Seeded, seeded};
use directory::policy::Action;
use http::Method;

use crate::body::Takes;
use crate::error::Error;
use crate::ingest::Protocol;
pub use management::{Effect, Managed, Needs, Query, Task};
pub use parameter::{Absent, Kind, Parameter};

/// A backend that requests are forwarded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Logs: Loki.
    Loki,
    /// Metrics: Mimir, or another that speaks Prometheus' HTTP API.
    Mimir,
}

impl Backend {
    /// All backends.
    pub const ALL: [Self; 2] = [Self::Loki, Self::Mimir];

    /// What sentences call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loki => "logs",
            Self::Mimir => "metrics",
        }
    }
}

/// Where a path begins, and so what requests to it can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// The root: no tenant's data.
    Root,
    /// An organization, which has no data of its own.
    Organization,
    /// A project: all of its data.
    Project,
    /// A resource: its data alone.
    Resource,
}

impl Mount {
    /// The path up to the mount, without a slash at its end.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Organization => "/api/v1/organizations/{orgId}",
            Self::Project => "/api/v1/projects/{projectId}",
            Self::Resource => "/api/v1/projects/{projectId}/resources/{resourceId}",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What logs and reviews call it.
    pub name: &'static str,
    /// The mounts below which it is found.
    pub mounts: &'static [Mount],
    /// Its path below a mount. The one segment in braces takes a name or an id.
    pub path: &'static str,
    /// The methods that it answers; all others are a 405.
    pub methods: &'static [Method],
    /// What it does.
    pub serves: Serves,
}

/// What a route does.
#[derive(Clone, Copy, Debug)]
pub enum Serves {
    /// Says how the gateway is; needs no token and tells nothing else.
    Probe(Probe),
    /// Tells what can be asked, of this very table; needs no token and holds nothing of a tenant.
    OpenApi,
    /// A part of the Explore page; needs no token and holds nothing of a tenant.
    Explore(Part),
    /// Reads or writes the directory, as far as the caller's roles go.
    Management(Managed),
    /// Answers about a tenant's data.
    Tenant(Endpoint),
}

/// A question about the gateway's own health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The process runs and answers.
    Live,
    /// Requests can be decided: the directory answers and the issuer's keys are held.
    Ready,
}

/// A part of the Explore page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The page's path without its slash: a redirect to the page.
    Door,
    /// The page itself.
    Page,
    /// What the page has to know to sign somebody in.
    Config,
    /// A script, style sheet or picture of the page, by a name that changes with what is in it.
    File,
}

/// How a tenant's request is answered.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// What the caller must be allowed to do on the project.
    pub action: Action,
    /// The backend that it is about, which must be configured.
    pub backend: Backend,
    /// The parameters that are understood, in the order in which they go upstream. All others are
    /// dropped.
    pub parameters: &'static [Parameter],
    /// Who answers, and how.
    pub answer: Answer,
}

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The backend, at this path below its base URL; `{name}` stands for the label's name, which
    /// was checked. Nothing else of the caller's path is ever copied.
    Forwarded(&'static str),
    /// The gateway itself.
    Local(Local),
    /// The backend, at this path, in an answer of which the gateway lets through what is the
    /// resource's.
    Filtered(Filter, &'static str),
    /// The backend, at this path, to which a write goes stamped with the resource.
    Ingested(Protocol, &'static str),
    /// The backend, at this path, line by line as they are logged.
    Tail(Reader, &'static str),
}

/// How the caller of a tail gets the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Over a WebSocket, in Loki's protocol.
    Socket,
    /// As server-sent events, for browsers and curl.
    Events,
}

/// What the gateway answers by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// A version, by which clients tell what they may ask.
    BuildInfo,
    /// The query in its canonical form.
    FormatQuery,
    /// The query's tree, in Prometheus's JSON.
    ParseQuery,
    /// The tenant and the query as they would go to the backend: of what was scoped, and of nothing
    /// else.
    Scope,
}

/// What cannot carry a label, and so is sifted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Type, help and unit of metrics: those that the resource has.
    Metadata,
    /// Rules that carry the resource's label.
    Rules,
    /// Alerts that carry the resource's label.
    Alerts,
}

impl Serves {
    /// Whether requests are decided on, and so audited.
    pub(crate) const fn is_audited(&self) -> bool {
        match self {
            Self::Probe(_) | Self::OpenApi | Self::Explore(_) => false,
            Self::Management(_) | Self::Tenant(_) => true,
        }
    }

    /// What the caller must be allowed to do; none where everybody or every token may.
    pub(crate) const fn action(&self) -> Option<Action> {
        match self {
            Self::Probe(_) | Self::OpenApi | Self::Explore(_) => None,
            Self::Management(managed) => match managed.needs {
                Needs::Token => None,
                Needs::On(action) | Needs::Within(action) => Some(action),
            },
            Self::Tenant(endpoint) => Some(endpoint.action),
        }
    }
}

impl Route {
    /// The body that a request by this method may have.
    pub(crate) fn takes(&self, method: &Method) -> Takes {
        match &self.serves {
            Serves::Management(managed) if managed.task.takes_body() => Takes::Json,
            Serves::Management(_) => Takes::Nothing,
            Serves::Tenant(Endpoint {
                answer: Answer::Ingested(..),
                ..
            }) => Takes::Batch,
            Serves::Probe(_) | Serves::OpenApi | Serves::Explore(_) | Serves::Tenant(_) => {
                if method == Method::POST {
                    Takes::Form
                } else {
                    Takes::Nothing
                }
            }
        }
    }

    /// Its whole paths, with `{projectId}`, `{resourceId}` and the like in them.
    pub fn paths(&self) -> impl Iterator<Item = (Mount, String)> {
        let path = self.path;
        let whole = move |mount: &Mount| (*mount, format!("{}{path}", mount.prefix()));
        self.mounts.iter().map(whole)
    }
}

const GET: &[Method] = &[Method::GET];
const GET_OR_POST: &[Method] = &[Method::GET, Method::POST];
/// What data sources are given: the resource alone, or the whole project.
const BOTH: &[Mount] = &[Mount::Project, Mount::Resource];

/// All routes.
pub static ROUTES: &[&[Route]] = &[
    resource::ROUTES,
    loki::ROUTES,
    prometheus::ROUTES,
    ingest::ROUTES,
    management::ROUTES,
    &[
        probe("health", "/health", Probe::Ready),
        probe("livez", "/livez", Probe::Live),
        probe("readyz", "/readyz", Probe::Ready),
        open("openapi", "/openapi.json", Serves::OpenApi),
        open("explore", "/explore", Serves::Explore(Part::Door)),
        open("explore_page", "/explore/", Serves::Explore(Part::Page)),
        open(
            "explore_config",
            "/explore/config.json",
            Serves::Explore(Part::Config),
        ),
        open(
            "explore_file",
            "/explore/assets/{file}",
            Serves::Explore(Part::File),
        ),
    ],
];

/// All routes, one after the other.
pub fn all() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().copied().flatten()
}

/// The table, by what a path is below its mount.
static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

struct Index {
    /// Routes without braces.
    plain: HashMap<&'static str, Vec<Numbered>, Seeded>,
    /// The few with them.
    braced: Vec<Numbered>,
}

/// A route, and the number of its name.
type Numbered = (&'static Route, usize);

/// The names of all routes, each once. A route's number is the place of its name.
pub(crate) static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names = Vec::new();
    for route in all() {
        if !names.contains(&route.name) {
            names.push(route.name);
        }
    }
    names
});

impl Index {
    fn new() -> Self {
        let number = |name| NAMES.iter().position(|known| *known == name);
        let numbered = all().map(|route| (route, number(route.name).unwrap_or(NAMES.len())));
        let (braced, unbraced) = numbered.partition(|(route, _)| route.path.contains('{'));
        let unbraced: Vec<Numbered> = unbraced;
        let mut plain = HashMap::with_hasher(seeded());
        for (route, number) in unbraced {
            let of_path: &mut Vec<_> = plain.entry(route.path).or_default();
            of_path.push((route, number));
        }
        Self { plain, braced }
    }

    /// The routes that a path may be of. No path is that of two which answer the same method.
    fn of(&self, below: &str) -> impl Iterator<Item = Numbered> {
        let plain = self.plain.get(below).into_iter().flatten();
        plain.chain(&self.braced).copied()
    }
}

const fn probe(name: &'static str, path: &'static str, probe: Probe) -> Route {
    open(name, path, Serves::Probe(probe))
}

/// A route that is open to everybody.
const fn open(name: &'static str, path: &'static str, serves: Serves) -> Route {
    Route {
        name,
        mounts: &[Mount::Root],
        path,
        methods: &[Method::GET, Method::HEAD],
        serves,
    }
}

/// A route that the backend answers at `upstream`, scoped.
const fn forwarded(
    name: &'static str,
    path: &'static str,
    methods: &'static [Method],
    (backend, upstream): (Backend, &'static str),
    parameters: &'static [Parameter],
) -> Route {
    tenants(
        name,
        path,
        methods,
        backend,
        parameters,
        Answer::Forwarded(upstream),
    )
}

/// A route about a tenant's data, below resources and projects, that needs `read`.
const fn tenants(
    name: &'static str,
    path: &'static str,
    methods: &'static [Method],
    backend: Backend,
    parameters: &'static [Parameter],
    answer: Answer,
) -> Route {
    Route {
        name,
        mounts: BOTH,
        path,
        methods,
        serves: Serves::Tenant(Endpoint {
            action: Action::Read,
            backend,
            parameters,
            answer,
        }),
    }
}

/// A route and what its path's braces took.
#[derive(Clone, Copy, Debug)]
pub struct Found<'path> {
    /// The row.
    pub route: &'static Route,
    /// The number of its name among those of all routes.
    pub number: usize,
    /// What the path names.
    pub target: Target<'path>,
    /// The segment in braces, unchecked; empty for a route without one.
    pub name: &'path str,
}

/// What a path names, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'path> {
    /// Nobody's data.
    Nothing,
    /// An organization.
    Organization(&'path str),
    /// A project.
    Project(&'path str),
    /// A resource of a project.
    Resource(&'path str, &'path str),
}

impl Target<'_> {
    fn mount(self) -> Mount {
        match self {
            Self::Nothing => Mount::Root,
            Self::Organization(_) => Mount::Organization,
            Self::Project(_) => Mount::Project,
            Self::Resource(..) => Mount::Resource,
        }
    }
}

/// Finds the route for a method and a raw path.
///
/// An unknown path is [`Error::UnknownPath`], a known one with another method
/// [`Error::MethodNotAllowed`].
pub fn find<'path>(method: &Method, path: &'path str) -> Result<Found<'path>, Error> {
    let (target, below) = target(path).ok_or(Error::UnknownPath)?;
    let mut allowed: Vec<&'static Method> = Vec::new();
    let mount = target.mount();
    for (route, number) in INDEX
        .of(below)
        .filter(|(route, _)| route.mounts.contains(&mount))
    {
        let Some(name) = matches(route.path, below) else {
            continue;
        };
        if route.methods.contains(method) {
            return Ok(Found {
                route,
                number,
                target,
                name,
            });
        }
        allowed.extend(route.methods);
    }
    if allowed.is_empty() {
        Err(Error::UnknownPath)
    } else {
        Err(Error::MethodNotAllowed { allowed })
    }
}

/// What a path names, and the rest of it with its slash.
fn target(path: &str) -> Option<(Target<'_>, &str)> {
    if let Some(below) = path.strip_prefix("/api/v1/organizations/") {
        let (organization, below) = segment(below)?;
        return Some((Target::Organization(organization), below));
    }
    let Some(below) = path.strip_prefix("/api/v1/projects/") else {
        return Some((Target::Nothing, path));
    };
    let (project, below) = segment(below)?;
    let Some(below_resources) = below.strip_prefix("/resources/") else {
        return Some((Target::Project(project), below));
    };
    let (resource, below) = segment(below_resources)?;
    Some((Target::Resource(project, resource), below))
}

/// The first segment, that may stand for an id or a name, and the rest with its slash. Whether it
/// is one is decided behind the token, where a wrong one looks like any other project that the
/// caller may not see.
fn segment(path: &str) -> Option<(&str, &str)> {
    let end = path.bytes().position(|byte| byte == b'/');
    let (segment, rest) = path.split_at_checked(end.unwrap_or(path.len()))?;
    let tricky = |byte: u8| matches!(byte, b'%' | b';' | b'\\');
    let refused = matches!(segment, "" | "." | "..") || segment.bytes().any(tricky);
    (!refused).then_some((segment, rest))
}

/// What the braces in `pattern` take from `path`, if the path is of this pattern.
fn matches<'path>(pattern: &str, path: &'path str) -> Option<&'path str> {
    match pattern.split_once('{') {
        Some((before, braces)) => {
            let (_, after) = braces.split_once('}')?;
            let (name, rest) = segment(path.strip_prefix(before)?)?;
            (rest == after).then_some(name)
        }
        None => (pattern == path).then_some(""),
    }
}

#[cfg(test)]
mod tests;
