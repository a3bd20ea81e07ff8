//! The identity provider, a real one: the npm package `oidc-provider` (see `tests/oidc-provider`).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::http::{post, with_query};
use crate::process::{Dialogue, find, missing};

/// The audience that the gateway under test expects.
pub(crate) const AUDIENCE: &str = "https://observability.test";

/// An issuer of tokens.
pub(crate) struct Issuer {
    /// `None` once it was stopped.
    dialogue: Option<Dialogue>,
    pub(crate) url: String,
}

impl Issuer {
    /// Starts the provider on `port`, signing with the first of `keys`; `None` where it is not
    /// installed.
    pub(crate) fn start(directory: &Path, port: u16, keys: &[&str]) -> Option<Self> {
        let package = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/oidc-provider");
        if find("node").is_none() || !package.join("node_modules/oidc-provider").is_dir() {
            missing("the npm package oidc-provider");
            return None;
        }
        let mut dialogue = Dialogue::start("node", directory, |command| {
            command.arg(package.join("provider.js"));
        });
        let ready =
            dialogue.say(&json!({"command": "start", "port": port, "keys": keys}).to_string());
        let ready: Value = serde_json::from_str(&ready).expect("JSON");
        let url = ready["issuer"]
            .as_str()
            .unwrap_or_else(|| panic!("{ready}"));
        Some(Self {
            url: url.to_owned(),
            dialogue: Some(dialogue),
        })
    }

    /// The port that it listens on, to start another in its place.
    pub(crate) fn port(&self) -> u16 {
        let port = self.url.rsplit(':').next().unwrap_or_default();
        port.parse().expect("the issuer's URL ends with its port")
    }

    /// Stops it: nobody listens on its port any more.
    pub(crate) fn stop(&mut self) {
        self.dialogue = None;
    }

    /// A machine client's token, by its own client credentials. Its subject is the client's id.
    pub(crate) fn client_credentials(&self, client: &str, audience: &str) -> String {
        let url = with_query(
            "http://form/",
            &[
                ("grant_type", "client_credentials"),
                ("client_id", client),
                ("client_secret", &format!("{client}-secret")),
                ("resource", audience),
                ("scope", "observe"),
            ],
        );
        let form = url.rsplit('?').next().unwrap_or_default().to_owned();
        let answer = post(
            &format!("{}/token", self.url),
            "application/x-www-form-urlencoded",
            &[],
            form,
        );
        let answer = answer.expect(200).json();
        answer["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    /// A user's token for the gateway, good for five minutes.
    pub(crate) fn token(&mut self, subject: &str) -> String {
        self.mint(subject, AUDIENCE, 300)
    }

    /// A user's token for `audience`, good for `seconds`; below zero it has expired.
    pub(crate) fn mint(&mut self, subject: &str, audience: &str, seconds: i64) -> String {
        let answer = self.say(&json!({
            "command": "mint", "subject": subject, "audience": audience, "ttl": seconds,
        }));
        answer["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    }

    /// Publishes `keys` from now on, and signs with the first.
    pub(crate) fn rotate(&mut self, keys: &[&str]) {
        let answer = self.say(&json!({"command": "rotate", "keys": keys}));
        assert_eq!(answer["keys"], json!(keys));
    }

    fn say(&mut self, command: &Value) -> Value {
        let dialogue = self.dialogue.as_mut().expect("the issuer runs");
        let answer = dialogue.say(&command.to_string());
        serde_json::from_str(&answer).expect("JSON")
    }
}
