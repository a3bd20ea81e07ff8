//! The property, and how often it was put to the test.

use crate::question::{Language, Question};
use crate::world::{Answer, Connections, Store, Stores};

/// A query whose answer depends on data that are none of its business, or that scoping changed.
#[derive(Debug)]
pub(crate) struct Difference {
    what: &'static str,
    query: String,
    asked: String,
    one: Answer,
    other: Answer,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            what,
            query,
            asked,
            one,
            other,
        } = self;
        writeln!(f, "{what}\n  query: {query}\n  asked: {asked}")?;
        writeln!(
            f,
            "  answer: {} {}",
            one.status,
            excerpt(&one.body, &other.body)
        )?;
        write!(
            f,
            "  answer: {} {}",
            other.status,
            excerpt(&other.body, &one.body)
        )
    }
}

/// The part of `text` where it begins to differ from `other`.
fn excerpt(text: &str, other: &str) -> String {
    let same = text
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let from = same.saturating_sub(80);
    let part: String = text.chars().skip(from).take(300).collect();
    format!("…{part}… ({} bytes)", text.len())
}

/// How a question went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Answered, with something.
    Answered,
    /// Answered with nothing.
    Empty,
    /// Refused, alike on all sides.
    Refused,
}

/// How many questions went how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) logql: usize,
    pub(crate) promql: usize,
    pub(crate) instant: usize,
    pub(crate) absent: usize,
    /// Of the LogQL queries, those answered with something.
    pub(crate) logql_answered: usize,
    /// The same of the PromQL queries.
    pub(crate) promql_answered: usize,
    pub(crate) empty: usize,
    pub(crate) refused: usize,
}

impl Counts {
    pub(crate) fn count(&mut self, question: &Question, verdict: Verdict) {
        match question.language {
            Language::Logql => self.logql += 1,
            Language::Promql => self.promql += 1,
        }
        self.instant += usize::from(question.instant);
        self.absent += usize::from(question.neutral.is_some());
        match (verdict, question.language) {
            (Verdict::Answered, Language::Logql) => self.logql_answered += 1,
            (Verdict::Answered, Language::Promql) => self.promql_answered += 1,
            (Verdict::Empty, _) => self.empty += 1,
            (Verdict::Refused, _) => self.refused += 1,
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.logql += other.logql;
        self.promql += other.promql;
        self.instant += other.instant;
        self.absent += other.absent;
        self.logql_answered += other.logql_answered;
        self.promql_answered += other.promql_answered;
        self.empty += other.empty;
        self.refused += other.refused;
    }

    pub(crate) fn total(&self) -> usize {
        self.logql + self.promql
    }
}

/// How a query comes to a store.
pub(crate) enum Way<'a> {
    /// Through the gateway.
    Gateway(&'a mut Connections),
    /// Scoped by this function, which gives nothing for what it refuses.
    Function(&'a (dyn Fn(&Question, &str) -> Option<String> + Sync)),
}

impl Way<'_> {
    async fn ask(
        &mut self,
        stores: &Stores,
        store: Store,
        question: &Question,
        text: &str,
    ) -> Answer {
        let scoped = match self {
            Self::Gateway(connections) => return connections.ask(store, question, text).await,
            Self::Function(scope) => scope(question, text),
        };
        match scoped {
            Some(scoped) => stores.ask(store, question, &scoped).await,
            None => Answer {
                status: 400,
                body: "refused".to_owned(),
            },
        }
    }
}

/// Asks a question in every way, and compares.
pub(crate) async fn judge(
    stores: &Stores,
    question: &Question,
    way: &mut Way<'_>,
) -> Result<Verdict, Difference> {
    let query = question.query.as_str();
    let full = way.ask(stores, Store::Full, question, query).await;
    let alone = way.ask(stores, Store::Alone, question, query).await;
    let difference = |what, query: &str, one, other| Difference {
        what,
        query: query.to_owned(),
        asked: format!("{}?{}", question.backend_path(), question.query_string("")),
        one,
        other,
    };
    if full != alone {
        let what = "other resources' data change the answer";
        return Err(difference(what, query, full, alone));
    }
    let text = question.neutral.as_deref().unwrap_or(query);
    let plain = stores.ask(Store::Alone, question, text).await;
    let scoped = match &question.neutral {
        Some(neutral) => way.ask(stores, Store::Alone, question, neutral).await,
        None => alone.clone(),
    };
    // The gateway refuses in its own words what the backend would refuse in others.
    // Where series do not match each other a Loki fails with a 500, of which the gateway makes a 400.
    let refused_alike = matches!((plain.status, scoped.status), (400 | 500, 400));
    if plain.without_places() != scoped.without_places() && !refused_alike {
        let what = "scoping changes the answer of a store that holds the resource alone";
        return Err(difference(what, text, plain, scoped));
    }
    Ok(match alone.status {
        200 if alone.is_empty() => Verdict::Empty,
        200 => Verdict::Answered,
        400 | 422 => Verdict::Refused,
        _ => {
            return Err(difference(
                "neither answered nor refused",
                query,
                full,
                alone,
            ));
        }
    })
}
