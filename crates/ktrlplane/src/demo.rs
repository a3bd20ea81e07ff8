//! The demo: everything in one process, with an identity provider of its own and sample data.
//!
//! Nothing here is reachable from `serve`.

pub(crate) mod world;

pub(crate) mod data_dir;

pub(crate) mod identity;

mod sample;

mod send;

mod feed;

mod seed;

mod guide;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded::{Backend, Limits};
use gateway::directory::{Directory, Options};
use gateway::{
    AuditOutput, AuditQueries, AuditSettings, BackendSettings, Clock, ConnectionSettings, DemoUser,
    ExploreSettings, IssuerSettings, ManagementSettings, Server, Settings, StartError, SystemClock,
    TailSettings,
};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::process::{self, BACKEND_GRACE, BACKEND_TIMEOUT, End};
use crate::{loopback, output, page};
use data_dir::DataDir;
use feed::Feed;
use identity::sign_in::CLIENT;
use identity::{AUDIENCE, IdentityProvider};
use sample::SERVICES;
use send::Sender;

/// What goes wrong in a demo is told and not handled.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How far back the sample data go at the start.
const HISTORY_SECONDS: i64 = 3600;

/// How often new data come.
const GROWTH: Duration = Duration::from_secs(5);

/// Makes this demo's sample data different from nobody's: always the same.
const SEED: u64 = 2;

/// How long the tokens in `demo.json` are good.
const TOKEN_LIFETIME: Duration = Duration::from_hours(12);

/// The file of the audit, in the demo's directory.
pub(crate) const AUDIT: &str = "audit.jsonl";

/// The directory of logs and metrics, in the demo's directory.
const STORE: &str = "store";

/// How long the end of the demo waits for answers that are on their way.
const GRACE: Duration = Duration::from_secs(3);

/// Runs the demo until the process is asked to end.
pub(crate) fn run(listen: SocketAddr, page_origin: Option<String>, dir: &Path) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let begin = Instant::now();
    let data = DataDir::new(dir);
    let _occupied = data.occupy()?;
    data.remove(guide::FILE)?;

    let (provider, issuer_listener) = IdentityProvider::open(&data)?;
    let provider = Arc::new(provider);
    let background = process::runtime("background")?;
    let backends = process::runtime("backend")?;
    serve_issuer(&provider, issuer_listener, &clock, background.handle())?;
    let directory = open_directory(&data, background.handle())?;
    let backend = Backend::open(&data.file(STORE), Limits::default())?;
    let embedded = loopback::serve(&backend, backends.handle(), BACKEND_TIMEOUT)?;
    drop(backend);
    let settings = settings(listen, &provider, &data, embedded);
    let mut end = End::listen(&background)?;
    let server = gateway::start(
        settings,
        directory.clone(),
        background.handle().clone(),
        Arc::clone(&clock),
    )
    .map_err(|error| {
        let hint = if matches!(error, StartError::Listen { .. }) {
            "; --listen chooses another port, with 0 any free one"
        } else {
            ""
        };
        format!("{error}{hint}")
    })?;

    provider
        .sign_in
        .open(&origins(server.local_addr(), page_origin));
    let ended = background.block_on(async {
        output::note("Sending what is missing of the last hour's sample data …");
        let feeds = tokio::select! {
            () = end.wished() => return Ok(()),
            feeds = fill(&server, &provider, &clock) => feeds?,
        };
        let at = (server.local_addr(), server.metrics_addr());
        let guide = guide::Guide::new(&provider, at, clock.now(), TOKEN_LIFETIME)?;
        data.write(guide::FILE, &guide.json()?)?;
        output::note(format_args!(
            "Ready after {:.2} s.",
            begin.elapsed().as_secs_f64()
        ));
        let program = std::env::args().next();
        output::line(guide.text(&data, program.as_deref().unwrap_or("ktrlplane")))?;
        let growing: JoinSet<()> = feeds
            .into_iter()
            .map(|feed| grow(feed, Arc::clone(&clock)))
            .collect();
        end.wished().await;
        drop(growing);
        Ok(())
    });
    background.block_on(async {
        server.shutdown().await;
        directory.close().await;
    });
    backends.shutdown_timeout(BACKEND_GRACE);
    ended
}

fn settings(
    listen: SocketAddr,
    provider: &IdentityProvider,
    data: &DataDir,
    embedded: BackendSettings,
) -> Settings {
    Settings {
        listen,
        workers: 0,
        tls: None,
        connections: ConnectionSettings::default(),
        issuer: IssuerSettings {
            issuer: provider.issuer().to_owned(),
            audience: AUDIENCE.to_owned(),
            algorithms: vec![jsonwebtoken::Algorithm::RS256],
        },
        loki: Some(embedded.clone()),
        mimir: Some(embedded),
        max_log_lines: Settings::MAX_LOG_LINES,
        tail: TailSettings::default(),
        ingest: gateway::ingest::Limits::default(),
        limits: gateway::LimitSettings::default(),
        management: ManagementSettings::default(),
        // The queries in full: these data are nobody's.
        audit: AuditSettings {
            output: AuditOutput::File(data.file(AUDIT)),
            queries: AuditQueries::Full,
        },
        explore: Some(explore()),
        metrics: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        traces: None,
        shutdown_grace: GRACE,
    }
}

/// The page, with everybody in the demo to choose from.
fn explore() -> ExploreSettings {
    let users = world::USERS.iter().filter(|user| user.email.is_some());
    let users = users.map(|user| DemoUser {
        name: user.name,
        description: user.full_name,
    });
    ExploreSettings {
        client_id: CLIENT.to_owned(),
        scopes: ["openid", "profile", "offline_access"]
            .map(str::to_owned)
            .into(),
        contact: None,
        users: users.collect(),
        files: page::FILES,
    }
}

/// Where the page is found, and `other` beside that. Browsers take the names of this machine for
/// different places.
fn origins(address: SocketAddr, other: Option<String>) -> Vec<String> {
    let named = format!("http://localhost:{}", address.port());
    [format!("http://{address}"), named]
        .into_iter()
        .chain(other)
        .collect()
}

/// Sends what is missing of every resource's last hour.
async fn fill(
    server: &Server,
    provider: &Arc<IdentityProvider>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Feed>> {
    let mut filling = JoinSet::new();
    for service in &SERVICES {
        let account = world::sender_of(service.project)
            .ok_or_else(|| format!("nobody sends the data of {}", service.project))?;
        let sender = Sender::new(
            server.local_addr(),
            service.project,
            service.resource,
            account,
            Arc::clone(provider),
            Arc::clone(clock),
        );
        let clock = Arc::clone(clock);
        filling.spawn(async move {
            let now = clock.now().as_second();
            match Feed::begin(service, sender, SEED, now).await {
                Ok(mut feed) => {
                    feed.catch_up(clock.now().as_second()).await?;
                    Ok(Some(feed))
                }
                // Whoever took the role or the resource away in an earlier run wants it so.
                Err(error) if error.is_for_now() => {
                    tracing::warn!(%error, "there are no sample data of {}", service.resource);
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        });
    }
    let mut feeds = Vec::new();
    while let Some(filled) = filling.join_next().await {
        let filled: Result<Option<Feed>> = filled?;
        feeds.extend(filled?);
    }
    Ok(feeds)
}

/// Sends the data of one resource as they come.
async fn grow(mut feed: Feed, clock: Arc<dyn Clock>) {
    let mut ticks = tokio::time::interval(GROWTH);
    loop {
        ticks.tick().await;
        if let Err(error) = feed.catch_up(clock.now().as_second()).await {
            tracing::warn!(error, "sample data were lost");
        }
    }
}

fn serve_issuer(
    provider: &Arc<IdentityProvider>,
    listener: TcpListener,
    clock: &Arc<dyn Clock>,
    runtime: &Handle,
) -> Result<()> {
    listener.set_nonblocking(true)?;
    let _in_runtime = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = provider.router(Arc::clone(clock));
    runtime.spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the demo's identity provider has stopped");
        }
    });
    Ok(())
}

fn open_directory(data: &DataDir, runtime: &Handle) -> Result<Directory> {
    let path = data.file("directory.sqlite");
    let options = Options::new(format!("sqlite:{}", path.display()), runtime.clone());
    runtime.block_on(async {
        let directory = Directory::open(options).await?;
        seed::seed(&directory).await?;
        Ok(directory)
    })
}
