//! `ktrlplane check`: will it work?

use clap::Args;
use gateway::check::{self, Finding};
use gateway::routes::Backend;
use gateway::{BackendSettings, Settings};
use tokio::runtime::Handle;

use super::{Failure, Source, serve};
use crate::config::Config;
use crate::{output, process, telemetry};

/// Try everything that the gateway needs, and say what is wrong.
///
/// That is the configuration, the audit's file, the directory's database, the issuer's keys, and the
/// backends. For
/// each part it says what is wrong and where to look; the exit code is 1 if anything is wrong.
///
/// The database is brought to this version's shape, as a start would do it. One with
/// `database.managed: false` is not written: its tables, columns and permissions are looked at.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane check
  ktrlplane check --config /etc/ktrlplane/config.yaml && ktrlplane serve --config /etc/ktrlplane/config.yaml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.source.read()?;
    telemetry::start("off");
    output::line("configuration  ok      every value can be used")?;
    let runtime = process::runtime("check").map_err(Failure::new)?;
    let directory = directory(&config, runtime.handle());
    let (loki, mimir) = serve::start_backends(&config.observability, runtime.handle())?;
    let settings = serve::settings(config, loki, mimir);
    let parts = [
        (
            "audit",
            Some(check::audit(&settings.audit)),
            "see audit.output",
        ),
        (
            "directory",
            Some(directory),
            "see database.url, or database.host and the others",
        ),
        (
            "issuer",
            Some(runtime.block_on(check::issuer(&settings.issuer))),
            "see auth.issuer and auth.algorithms",
        ),
        (
            "logs",
            backend(&settings, Backend::Loki, runtime.handle()),
            "see observability.loki.url and what stands beside it",
        ),
        (
            "metrics",
            backend(&settings, Backend::Mimir, runtime.handle()),
            "see observability.mimir.url and what stands beside it",
        ),
    ];
    let mut all = true;
    for (part, finding, advice) in parts {
        match finding {
            None => output::line(format_args!(
                "{part:<14} off     not enabled: answers are 503"
            ))?,
            Some(Finding { ok: true, sentence }) => {
                output::line(format_args!("{part:<14} ok      {sentence}"))?;
            }
            Some(Finding {
                ok: false,
                sentence,
            }) => {
                all = false;
                output::line(format_args!("{part:<14} FAILED  {sentence}; {advice}"))?;
            }
        }
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

fn backend(settings: &Settings, backend: Backend, runtime: &Handle) -> Option<Finding> {
    let at: &BackendSettings = settings.backend(backend)?;
    Some(runtime.block_on(check::backend(backend, at)))
}
