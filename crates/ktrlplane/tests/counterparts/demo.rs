//! The demo: the gateway before the embedded backend, with an issuer and sample data.

use serde_json::Value;
use tempfile::TempDir;

use crate::gateway::binary;
use crate::http::try_get;
use crate::process::{Process, free_port};

/// A running demo.
pub(crate) struct Demo {
    _process: Process,
    /// Where its gateway listens.
    pub(crate) url: String,
    notes: Value,
    _temporary: TempDir,
}

impl Demo {
    /// Starts it on a free port, with data of its own.
    pub(crate) fn start() -> Self {
        let temporary = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let data = temporary.path().join("demo");
        let mut process = Process::start(binary(), temporary.path(), |command| {
            command
                .args([
                    "demo",
                    "--listen",
                    &format!("127.0.0.1:{port}"),
                    "--data-dir",
                ])
                .arg(&data);
        });
        let mut notes = Value::Null;
        process.wait_until("ready", || {
            let ready = try_get(&format!("{url}/readyz"), None);
            let text = std::fs::read(data.join("demo.json")).unwrap_or_default();
            notes = serde_json::from_slice(&text).unwrap_or_default();
            !notes.is_null() && ready.is_ok_and(|answer| answer.status == 200)
        });
        Self {
            _process: process,
            url,
            notes,
            _temporary: temporary,
        }
    }

    /// The token of one of its users.
    pub(crate) fn token(&self, user: &str) -> &str {
        let token = &self.notes["users"][user]["token"];
        token
            .as_str()
            .unwrap_or_else(|| panic!("no token of {user}"))
    }

    /// Where it tells of itself.
    pub(crate) fn metrics(&self) -> &str {
        self.notes["metrics"].as_str().expect("a URL")
    }
}
