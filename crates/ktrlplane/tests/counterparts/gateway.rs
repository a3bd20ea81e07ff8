//! The gateway under test: the real binary, with a configuration file.

use std::path::{Path, PathBuf};

use crate::http::{Answer, get, try_get, with_query};
use crate::issuer::AUDIENCE;
use crate::process::{Process, free_port};
use crate::prometheus::range;

/// What the configuration file says. A backend that is `None` is `enabled: false`.
pub(crate) struct Settings<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) database: &'a str,
    pub(crate) loki: Option<&'a str>,
    pub(crate) mimir: Option<&'a str>,
}

/// A running gateway.
pub(crate) struct Gateway {
    process: Process,
    pub(crate) url: String,
}

impl Gateway {
    /// Starts `ktrlplane serve` and waits until it answers. It need not be ready: an issuer that
    /// is not there must not keep it from starting.
    pub(crate) fn start(directory: &Path, settings: &Settings) -> Self {
        Self::start_with(directory, settings, &[])
    }

    /// The same, with variables that win over the file.
    pub(crate) fn start_with(
        directory: &Path,
        settings: &Settings,
        variables: &[(&str, &str)],
    ) -> Self {
        Self::start_on(free_port(), directory, settings, variables)
    }

    /// The same, on this port.
    pub(crate) fn start_on(
        port: u16,
        directory: &Path,
        settings: &Settings,
        variables: &[(&str, &str)],
    ) -> Self {
        let file = configure(directory, port, settings);
        let url = format!("http://127.0.0.1:{port}");
        let mut process = Process::start(binary(), directory, |command| {
            command.arg("serve").arg("--config").arg(file);
            command.envs(variables.iter().copied());
        });
        let livez = format!("{url}/livez");
        process.wait_until("alive", || {
            try_get(&livez, None).is_ok_and(|answer| answer.status == 200)
        });
        Self { process, url }
    }

    /// Asks it to stop, and waits until it has; its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        self.process.stop()
    }

    /// Asks for a path that needs no token.
    pub(crate) fn get(&self, path: &str) -> Answer {
        get(&format!("{}{path}", self.url), None)
    }

    /// Asks for a resource's metrics over the hour of `prometheus.rs`.
    pub(crate) fn metrics(
        &self,
        project: &str,
        resource: &str,
        query: &str,
        token: Option<&str>,
    ) -> Answer {
        let url = format!(
            "{}/api/v1/projects/{project}/resources/{resource}/metrics/query_range",
            self.url
        );
        get(&range(&url, query), token)
    }

    /// Asks for a resource's logs.
    pub(crate) fn logs(
        &self,
        project: &str,
        resource: &str,
        parameters: &[(&str, &str)],
        token: Option<&str>,
    ) -> Answer {
        logs(&self.url, project, resource, parameters, token)
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

/// Asks the gateway at `url` for a resource's logs.
pub(crate) fn logs(
    url: &str,
    project: &str,
    resource: &str,
    parameters: &[(&str, &str)],
    token: Option<&str>,
) -> Answer {
    let url = format!("{url}/api/v1/projects/{project}/resources/{resource}/logs");
    get(&with_query(&url, parameters), token)
}

/// The product.
pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_ktrlplane"))
}

fn configure(directory: &Path, port: u16, settings: &Settings) -> PathBuf {
    let backend = |url: Option<&str>| match url {
        Some(url) => format!("enabled: true\n    url: \"{url}\""),
        None => "enabled: false".to_owned(),
    };
    let text = format!(
        "server:
  host: 127.0.0.1
  port: {port}
auth:
  issuer: \"{}\"
  audience: \"{AUDIENCE}\"
  algorithms: [RS256]
database:
  url: \"{}\"
observability:
  loki:
    {}
  mimir:
    {}
embedded:
  directory: \"{}\"
",
        settings.issuer,
        settings.database,
        backend(settings.loki),
        backend(settings.mimir),
        directory.join("embedded").display(),
    );
    let file = directory.join(format!("config-{port}.yaml"));
    std::fs::write(&file, text).expect("a file can be written");
    file
}
