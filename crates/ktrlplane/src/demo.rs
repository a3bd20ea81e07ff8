//! The demo: everything in one process, with an identity provider of its own and sample data.
//!
//! Nothing here is reachable from `serve`.

pub(crate) mod world;

pub(crate) mod data_dir;

pub(crate) mod identity;

mod sample;

mod seed;

mod guide;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded::{Backend, Limits};
use gateway::directory::{Directory, Options};
use gateway::{
    AuditOutput, AuditQueries, AuditSettings, Clock, IssuerSettings, ManagementSettings, Settings,
    StartError, SystemClock, TailSettings,
};
use tokio::runtime::Handle;

use crate::process::{self, BACKEND_TIMEOUT, End};
use crate::{loopback, output};
use data_dir::DataDir;
use identity::{AUDIENCE, IdentityProvider};
use sample::Generator;

/// What goes wrong in a demo is told and not handled.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

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

/// How long the end of the demo waits for answers that are on their way.
const GRACE: Duration = Duration::from_secs(3);

/// Runs the demo until the process is asked to end.
pub(crate) fn run(listen: SocketAddr, dir: &Path) -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let begin = Instant::now();
    let data = DataDir::new(dir);
    let _occupied = data.occupy()?;
    data.remove(guide::FILE)?;

    let (provider, issuer_listener) = IdentityProvider::open(&data)?;
    let background = process::runtime("background")?;
    let backends = process::runtime("backend")?;
    serve_issuer(&provider, issuer_listener, background.handle())?;
    let directory = open_directory(&data, background.handle())?;

    let backend = Backend::new(Limits::default());
    let now = clock.now().as_second();
    let mut generator = Generator::new(SEED, now - HISTORY_SECONDS);
    output::note("Making an hour of sample data …");
    grow(&mut generator, &backend, now)?;
    for (tenant, metadata) in sample::metadata() {
        backend.add_metadata(tenant, metadata)?;
    }

    let embedded = loopback::serve(&backend, backends.handle(), BACKEND_TIMEOUT)?;
    let settings = Settings {
        listen,
        workers: 0,
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
        management: ManagementSettings::default(),
        // The queries in full: these data are nobody's.
        audit: AuditSettings {
            output: AuditOutput::File(data.file(AUDIT)),
            queries: AuditQueries::Full,
        },
        shutdown_grace: GRACE,
    };
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
    let guide = guide::Guide::new(&provider, server.local_addr(), clock.now(), TOKEN_LIFETIME)?;
    data.write(guide::FILE, &guide.json()?)?;
    output::note(format_args!(
        "Ready after {:.2} s.",
        begin.elapsed().as_secs_f64()
    ));
    let program = std::env::args().next();
    output::line(guide.text(&data, program.as_deref().unwrap_or("ktrlplane")))?;

    background.block_on(async {
        let end = end.wished();
        tokio::pin!(end);
        let mut ticks = tokio::time::interval(GROWTH);
        loop {
            tokio::select! {
                () = &mut end => break,
                _ = ticks.tick() => {
                    grow(&mut generator, &backend, clock.now().as_second())?;
                }
            }
        }
        server.shutdown().await;
        directory.close().await;
        Ok(())
    })
}

/// Pushes the sample data up to `now` into the backend.
fn grow(generator: &mut Generator, backend: &Backend, now: i64) -> Result<()> {
    for batch in generator.advance(now) {
        backend.push_logs(batch.tenant, batch.logs)?;
        backend.push_samples(batch.tenant, batch.samples)?;
    }
    Ok(())
}

fn serve_issuer(
    provider: &IdentityProvider,
    listener: TcpListener,
    runtime: &Handle,
) -> Result<()> {
    listener.set_nonblocking(true)?;
    let _in_runtime = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = provider.router();
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
