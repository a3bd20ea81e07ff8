//! `ktrlplane scope`: what the gateway would send in a query's place.

use std::io::{BufRead as _, Read as _};

use clap::{Args, ValueEnum};
use gateway::directory::policy::ResourceId;
use gateway::query::{Matcher, scope, scope::ScopeError};
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::output;

/// Print a query as the gateway would send it for one resource.
///
/// It is parsed, the resource's matcher is added to every selector, and it is printed again.
///
/// LogQL must be whole here: only the logs endpoint takes a query without its selector.
///
/// A query that is refused is explained on standard error, and the exit code is then 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane scope --language promql --resource-id shop-api 'rate(http_requests_total[5m])'
  echo '{level=\"error\"} |= \"timeout\"' | ktrlplane scope --language logql --resource-id shop-api
  ktrlplane scope --language promql --resource-id shop-api --jsonl < queries.jsonl")]
pub(crate) struct Arguments {
    /// The query's language.
    #[arg(long, value_enum)]
    language: Language,
    /// The resource to which the query is bound.
    #[arg(long, value_name = "ID", value_parser = |id: &str| ResourceId::new(id))]
    resource_id: ResourceId,
    /// Read `{"query":…}` from standard input, one on each line, and answer each at once with
    /// `{"scoped":…}` or `{"error":…}`. The exit code is then 0, whatever the answers.
    #[arg(long, conflicts_with = "query")]
    jsonl: bool,
    /// The query; without it, all of standard input is one.
    query: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// Loki's.
    Logql,
    /// Prometheus's and Mimir's.
    Promql,
}

#[derive(Deserialize)]
struct Asked {
    query: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Scoped(String),
    Error(String),
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let matcher = Matcher::equal("resource_id", arguments.resource_id.as_str());
    let scoped = |query: &str| {
        match arguments.language {
            Language::Logql => scope::logql(query, &matcher),
            Language::Promql => scope::promql(query, &matcher),
        }
        .map_err(|error| match error {
            ScopeError::Parse(error) => error.render(query),
            ScopeError::Unverified => error.to_string(),
        })
    };
    let stdin = std::io::stdin();
    if arguments.jsonl {
        for line in stdin.lock().lines() {
            let answer =
                match serde_json::from_str::<Asked>(&line.map_err(|error| unreadable(&error))?) {
                    Ok(asked) => scoped(&asked.query).map_or_else(Answer::Error, Answer::Scoped),
                    Err(error) => Answer::Error(format!("the line is no {{\"query\":…}}: {error}")),
                };
            output::line(serde_json::to_string(&answer).map_err(Failure::new)?)?;
        }
        return Ok(());
    }
    let query = if let Some(query) = &arguments.query {
        query.clone()
    } else {
        let mut text = String::new();
        let read = stdin.lock().read_to_string(&mut text);
        read.map_err(|error| unreadable(&error))?;
        text.trim_end_matches(['\n', '\r']).to_owned()
    };
    match scoped(&query) {
        Ok(scoped) => Ok(output::line(scoped)?),
        Err(error) => {
            output::note(error);
            Err(Failure::said())
        }
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(format_args!("standard input cannot be read: {error}"))
}
