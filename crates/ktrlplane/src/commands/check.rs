//! `ktrlplane check`: will it work?

use clap::Args;
use gateway::check::{self, Finding};
use gateway::routes::Backend;
use gateway::{BackendSettings, Clock as _, Settings, SystemClock};
use tokio::runtime::Handle;

use super::{Failure, Source, serve};
use crate::config::{self, Config, Place};
use crate::process::BACKEND_TIMEOUT;
use crate::{loopback, output, process, store, telemetry};

/// Try everything that the gateway needs, and say what is wrong.
///
/// That is the configuration, the embedded backend's data, the directory's database, the audit's
/// file, the issuer's keys, and the backends, in the order of a start. For each part it says what is
/// wrong and where to look; the exit code is 1 if anything is wrong. Run it as the user that runs
/// `serve`.
///
/// As a start would do it, it makes the directory of the embedded backend's data where there is none,
/// with those above it, and the SQLite file of the directory's database in a directory that is there.
/// The database is brought to this version's shape, as a start would do it. One with
/// `database.managed: false` is not written: its tables, columns and permissions are looked at.
/// Embedded data that a running process has are left to it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane check
  ktrlplane check --config /etc/ktrlplane/config.yaml && ktrlplane serve --config /etc/ktrlplane/config.yaml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// What is said of one part.
enum Verdict {
    /// It can be used or not, and why.
    Found(Finding),
    /// Somebody else has it.
    InUse(String),
    /// Not enabled.
    Off,
    /// What it stands on was not opened.
    NotAsked,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.source.read()?;
    telemetry::start("off");
    output::line("configuration  ok      every value can be used")?;
    if let Some(warning) = config.warning() {
        output::line(format_args!("management     warning {warning}"))?;
    }
    let runtime = process::runtime("check").map_err(Failure::new)?;
    // In the order of `serve`, so that what the one needs of the other is there in both or in none.
    let (store, data) = data(&config);
    let directory = directory(&config, runtime.handle());
    let embedded = store.map(|store| loopback::serve(&store, runtime.handle(), BACKEND_TIMEOUT));
    let embedded = embedded.transpose().map_err(Failure::new)?;
    let (loki, mimir) = serve::backends(&config.observability, embedded.as_ref());
    // Data that were not opened answer nothing.
    let is_asked =
        |at: &config::Backend| embedded.is_some() || !matches!(at, config::Backend::Embedded(_));
    let asks_loki = is_asked(&config.observability.loki);
    let asks_mimir = is_asked(&config.observability.mimir);
    let [loki_is_here, mimir_is_here] = [&config.observability.loki, &config.observability.mimir]
        .map(|at| matches!(at, config::Backend::Embedded(_)));
    let settings = serve::settings(config, loki, mimir);
    let ask = |is_asked: bool, is_embedded: bool, of: Backend| {
        if is_asked {
            backend(&settings, of, is_embedded, runtime.handle())
        } else {
            Verdict::NotAsked
        }
    };
    let issuer = runtime.block_on(check::issuer(&settings.issuer));
    let parts = [
        (
            "tls",
            settings
                .tls
                .as_ref()
                .map(|tls| Verdict::Found(check::tls(tls, SystemClock.now()))),
            "see server.tls",
        ),
        ("data", data, "see embedded.directory"),
        (
            "directory",
            Some(Verdict::Found(directory)),
            "see database.url, or database.host and the others",
        ),
        (
            "audit",
            Some(Verdict::Found(check::audit(&settings.audit))),
            "see audit.output",
        ),
        (
            "issuer",
            Some(Verdict::Found(issuer)),
            "see auth.issuer and auth.algorithms",
        ),
        (
            "logs",
            Some(ask(asks_loki, loki_is_here, Backend::Loki)),
            "see observability.loki.url and what stands beside it",
        ),
        (
            "metrics",
            Some(ask(asks_mimir, mimir_is_here, Backend::Mimir)),
            "see observability.mimir.url and what stands beside it",
        ),
    ];
    let mut all = true;
    for (part, verdict, advice) in parts {
        let Some(verdict) = verdict else {
            continue;
        };
        let (word, sentence) = match verdict {
            Verdict::Off => ("off    ", "not enabled: answers are 503".to_owned()),
            Verdict::NotAsked => ("-      ", "not asked: see the line data".to_owned()),
            Verdict::InUse(sentence) => ("in use ", sentence),
            Verdict::Found(Finding { ok: true, sentence }) => ("ok     ", sentence),
            Verdict::Found(Finding {
                ok: false,
                sentence,
            }) => {
                all = false;
                ("FAILED ", format!("{sentence}; {advice}"))
            }
        };
        output::line(format_args!("{part:<14} {word} {sentence}"))?;
    }
    if all { Ok(()) } else { Err(Failure::said()) }
}

fn directory(config: &Config, runtime: &Handle) -> Finding {
    let shown = crate::config::mask_url(&config.database.url);
    let answer = serve::open_directory(&config.database, runtime);
    let (ok, sentence) = match answer {
        Ok(directory) => {
            runtime.block_on(directory.close());
            (true, format!("{shown} answers; {}", whose(config)))
        }
        Err(error) => (false, format!("{shown}: {error}")),
    };
    Finding { ok, sentence }
}

/// Whose the database is, and what follows.
fn whose(config: &Config) -> String {
    let database = &config.database;
    if database.managed {
        "it is managed here".to_owned()
    } else {
        format!(
            "it is managed elsewhere and only read here, all that is needed may be selected, and a \
             change is in force within {:?}",
            database.poll
        )
    }
}

/// The embedded backend, opened, and what is said of its data; nothing where no backend is embedded.
fn data(config: &Config) -> (Option<embedded::Backend>, Option<Verdict>) {
    let found = |ok, sentence| Some(Verdict::Found(Finding { ok, sentence }));
    if !config.observability.has_embedded() {
        return (None, None);
    }
    let path = match &config.embedded.place {
        Place::Memory => {
            let opened = store::open(&config.embedded).ok();
            return (
                opened,
                found(true, "in memory, until the process ends".to_owned()),
            );
        }
        Place::Directory(path) => path,
    };
    let shown = path.display();
    match store::try_out(path) {
        Ok(store) => {
            let sentence = format!("{shown} can be read and written");
            (Some(store), found(true, sentence))
        }
        Err(error) if error.is_in_use() => {
            let sentence = format!(
                "another process has {shown}, and it was left alone: as it should be if that is \
                 the gateway; a second one would not start on it"
            );
            (None, Some(Verdict::InUse(sentence)))
        }
        Err(error) => (None, found(false, error.to_string())),
    }
}

fn backend(settings: &Settings, backend: Backend, is_embedded: bool, runtime: &Handle) -> Verdict {
    let at: Option<&BackendSettings> = settings.backend(backend);
    at.map_or(Verdict::Off, |at| {
        let mut finding = runtime.block_on(check::backend(backend, at));
        if is_embedded {
            // Its port is any free one, which nobody has configured.
            let url = at.public_url();
            let url = url.trim_end_matches('/');
            finding.sentence = finding.sentence.replacen(url, "embedded:", 1);
        }
        Verdict::Found(finding)
    })
}
