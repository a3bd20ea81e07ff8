//! `ktrlplane scope`: what the gateway would send in a query's place.

mod explain;

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
  ktrlplane scope --explain 'sum(rate(http_requests_total[5m])) / 60'
  ktrlplane scope --language promql --resource-id shop-api 'rate(http_requests_total[5m])'
  echo '{level=\"error\"} |= \"timeout\"' | ktrlplane scope --language logql --resource-id shop-api
  ktrlplane scope --language promql --resource-id shop-api --jsonl < queries.jsonl")]
pub(crate) struct Arguments {
    /// The query's language. To explain a query it may be left out: each one that takes the query
    /// is then shown.
    #[arg(long, value_enum, required_unless_present = "explain")]
    language: Option<Language>,
    /// The resource to which the query is bound. To explain a query it may be left out.
    #[arg(
        long,
        value_name = "ID",
        value_parser = |id: &str| ResourceId::new(id),
        required_unless_present = "explain"
    )]
    resource_id: Option<ResourceId>,
    /// Read `{"query":…}` from standard input, one on each line, and answer each at once with
    /// `{"scoped":…}` or `{"error":…}`. The exit code is then 0, whatever the answers.
    #[arg(long, conflicts_with = "query")]
    jsonl: bool,
    /// Show how the query is understood: its tree, each selector before and after, and what is
    /// sent.
    #[arg(long, conflicts_with = "jsonl")]
    explain: bool,
    /// The query; without it, all of standard input is one.
    query: Option<String>,
}

/// Stands for the resource in an explanation for which none was named.
const SOME_RESOURCE: &str = "RESOURCE-ID";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// Loki's.
    Logql,
    /// Prometheus's and Mimir's.
    Promql,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Logql => "LogQL",
            Self::Promql => "PromQL",
        }
    }

    /// The scoped query, or for a person why there is none.
    fn scoped(self, query: &str, by: &Matcher) -> Result<String, String> {
        match self {
            Self::Logql => scope::logql(query, by),
            Self::Promql => scope::promql(query, by),
        }
        .map_err(|error| match error {
            ScopeError::Parse(error) => error.render(query),
            ScopeError::Unverified => error.to_string(),
        })
    }

    /// How the query is understood, or for a person why it is not.
    fn explained(self, query: &str, by: &Matcher) -> Result<String, String> {
        let scoped = self.scoped(query, by)?;
        match self {
            Self::Logql => explain::logql(query, &scoped),
            Self::Promql => explain::promql(query, &scoped),
        }
        .map_err(|error| error.render(query))
    }
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
    let id = arguments.resource_id.as_ref();
    let by = Matcher::equal("resource_id", id.map_or(SOME_RESOURCE, ResourceId::as_str));
    let result = match arguments.language {
        Some(language) if arguments.jsonl => return answer_lines(language, &by),
        Some(language) if arguments.explain => language.explained(&query(arguments)?, &by),
        Some(language) => language.scoped(&query(arguments)?, &by),
        None => explained_in_each(&query(arguments)?, &by),
    };
    match result {
        Ok(text) => Ok(output::line(text)?),
        Err(error) => {
            output::note(error);
            Err(Failure::said())
        }
    }
}

/// Answers each line of standard input as soon as it is there.
fn answer_lines(language: Language, by: &Matcher) -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str::<Asked>(&line.map_err(|error| unreadable(&error))?)
        {
            Ok(Asked { query }) => language
                .scoped(&query, by)
                .map_or_else(Answer::Error, Answer::Scoped),
            Err(error) => Answer::Error(format!("the line is no {{\"query\":…}}: {error}")),
        };
        output::line(serde_json::to_string(&answer).map_err(Failure::new)?)?;
    }
    Ok(())
}

/// The explanation in every language that takes the query, or why none does.
fn explained_in_each(query: &str, by: &Matcher) -> Result<String, String> {
    let explained = [Language::Logql, Language::Promql].map(|language| {
        let indented =
            |text: String| format!("{}\n  {}", language.name(), text.replace('\n', "\n  "));
        let explained = language.explained(query, by);
        explained.map(indented).map_err(indented)
    });
    match explained {
        [Ok(logql), Ok(promql)] => Ok(format!("{logql}\n{promql}")),
        [Ok(one), Err(other)] | [Err(other), Ok(one)] => {
            let mut refusal = other.lines().map(str::trim);
            let (language, why) = (refusal.next(), refusal.next());
            let (language, why) = (language.unwrap_or_default(), why.unwrap_or_default());
            Ok(format!("{one}\nNot {language}: {why}"))
        }
        [Err(logql), Err(promql)] => Err(format!("{logql}\n{promql}")),
    }
}

/// The query that is named on the command line, or else that on standard input.
fn query(arguments: &Arguments) -> Result<String, Failure> {
    if let Some(query) = &arguments.query {
        return Ok(query.clone());
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| unreadable(&error))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(format_args!("standard input cannot be read: {error}"))
}
