//! What the demo tells its user: on the terminal, and in `demo.json` for programs.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::data_dir::DataDir;
use super::identity::{AUDIENCE, IdentityProvider};
use super::world::{USERS, User};

/// The file for programs.
pub(crate) const FILE: &str = "demo.json";

/// What there is to be told.
pub(crate) struct Guide {
    url: String,
    issuer: String,
    /// Where the gateway tells of itself.
    metrics: Option<SocketAddr>,
    tokens: Vec<(&'static User, String)>,
    now: Timestamp,
    lifetime: Duration,
}

#[derive(Serialize)]
struct Told<'a> {
    url: &'a str,
    issuer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
    audience: &'a str,
    users: serde_json::Map<String, serde_json::Value>,
}

impl Guide {
    /// The guide to a demo that listens at `address`, with a token for each user.
    pub(crate) fn new(
        provider: &IdentityProvider,
        (address, metrics): (SocketAddr, Option<SocketAddr>),
        now: Timestamp,
        lifetime: Duration,
    ) -> super::Result<Self> {
        let mut tokens = Vec::new();
        for user in &USERS {
            tokens.push((user, provider.token(user, now, lifetime)?));
        }
        Ok(Self {
            url: format!("http://{address}"),
            issuer: provider.issuer().to_owned(),
            metrics,
            tokens,
            now,
            lifetime,
        })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        let user = |(user, token): &(&User, String)| {
            let told = serde_json::json!({ "token": token, "subject": user.subject });
            (user.name.to_owned(), told)
        };
        let mut text = serde_json::to_string_pretty(&Told {
            url: &self.url,
            issuer: &self.issuer,
            audience: AUDIENCE,
            metrics: self.metrics(),
            users: self.tokens.iter().map(user).collect(),
        })?;
        text.push('\n');
        Ok(text)
    }

    /// For people: lines to paste into a shell. `program` is what this program was started as,
    /// which need not be on the PATH.
    pub(crate) fn text(&self, data: &DataDir, program: &str) -> String {
        let Self { url, now, .. } = self;
        let resources = format!("{url}/api/v1/projects/acme-shop/resources");
        let start = *now - SignedDuration::from_hours(1);
        let span = format!("--data-urlencode 'start={start:.0}' --data-urlencode 'end={now:.0}'");
        let victor = self.token("victor");
        let erin = self.token("erin");
        let mallory = self.token("mallory");
        let file = data.file(FILE);
        let (file, dir) = (file.display(), data.path().display());
        let metrics = self.metrics().unwrap_or_default();
        let hours = self.lifetime.as_secs() / 3600;
        format!(
            "\
The demo runs at {url} until Ctrl-C.
Look at it in a browser: {url}/explore/
What it counts of itself: {metrics}

Tokens of all its users, good for {hours} hours, are in {file};
`{program} token USER --data-dir {dir}` makes more.

Victor may read the project acme-shop:

TOKEN={victor}

The errors in shop-api's logs:

curl -sGw '\\n' -H \"Authorization: Bearer $TOKEN\" {resources}/shop-api/logs \\
  --data-urlencode 'query={{level=\"error\"}}' {span} \\
  --data-urlencode 'limit=100'

Its CPU:

curl -sGw '\\n' -H \"Authorization: Bearer $TOKEN\" {resources}/shop-api/metrics/query_range \\
  --data-urlencode 'query=cpu_usage_percent' {span} \\
  --data-urlencode 'step=15s'

Erin may write there, too. A line of hers, there and back:

ERIN={erin}

curl -sS -H \"Authorization: Bearer $ERIN\" -H 'Content-Type: application/json' {resources}/shop-api/loki/api/v1/push \
  -d '{{\"streams\":[{{\"stream\":{{\"app\":\"by-hand\"}},\"values\":[[\"'$(date +%s)'000000000\",\"hello from Erin\"]]}}]}}' &&
  curl -sGw '\\n' -H \"Authorization: Bearer $ERIN\" {resources}/shop-api/logs --data-urlencode 'query={{app=\"by-hand\"}}'

Mallory has a token and no role, which is 403; nobody is 401; what is not there is 404:

MALLORY={mallory}

curl -siw '\\n' -H \"Authorization: Bearer $MALLORY\" {resources}/shop-api/logs
curl -siw '\\n' {resources}/shop-api/logs
curl -siw '\\n' -H \"Authorization: Bearer $TOKEN\" {resources}/nope/logs
"
        )
    }

    fn metrics(&self) -> Option<String> {
        let address = self.metrics?;
        Some(format!("http://{address}/metrics"))
    }

    fn token(&self, name: &str) -> &str {
        let found = self.tokens.iter().find(|(user, _)| user.name == name);
        found.map_or("", |(_, token)| token)
    }
}
