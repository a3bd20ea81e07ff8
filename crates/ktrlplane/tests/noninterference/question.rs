//! Questions: a query at random, with what else a request says.

use form_urlencoded::Serializer;

use crate::census::Census;
use crate::dice::Dice;
use crate::logql::Logql;
use crate::promql::Promql;
use crate::vocabulary::{FOREIGN_APP, FOREIGN_METRIC, LENGTH, START};

/// A query language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Logql,
    Promql,
}

/// A query, and when and how it is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) language: Language,
    /// The text that the caller sends.
    pub(crate) query: String,
    /// The same query, in which `absent` and `absent_over_time` report no resource; `None` where
    /// the query has neither.
    ///
    /// They report what their selector demands with `=`, and scoping demands the resource. With
    /// this label taken off where it comes in, nothing else may be different.
    pub(crate) neutral: Option<String>,
    /// Whether it asks for one time only.
    pub(crate) instant: bool,
    parameters: Vec<(&'static str, String)>,
}

impl Question {
    /// The question of this number in the round of `seed`.
    pub(crate) fn new(seed: u64, number: u64, census: &mut Census) -> Self {
        let mut dice = Dice::new(seed, number);
        let language = dice.pick(&[Language::Logql, Language::Promql]);
        let instant = dice.chance(20);
        let parameters = parameters(&mut dice, language, instant);
        let text = |neutral: bool, census: &mut Census| {
            // The same choices again: only what `neutral` changes is different.
            let mut dice = Dice::new(seed, number ^ (1 << 63));
            match language {
                Language::Logql => {
                    let mut generator = Logql {
                        dice: &mut dice,
                        census,
                        neutral,
                        absent: false,
                    };
                    let tree = generator.query(instant);
                    (tree.to_string(), generator.absent)
                }
                Language::Promql => {
                    let mut generator = Promql {
                        dice: &mut dice,
                        census,
                        neutral,
                        absent: false,
                    };
                    let tree = generator.query(instant);
                    (tree.to_string(), generator.absent)
                }
            }
        };
        let (query, absent) = text(false, census);
        let neutral = absent.then(|| text(true, &mut Census::default()).0);
        Self {
            language,
            query,
            neutral,
            instant,
            parameters,
        }
    }

    /// One in each language for what the other resource alone has.
    pub(crate) fn for_what_others_alone_have() -> [Self; 2] {
        let ask = |language, query: String| Self {
            language,
            query,
            neutral: None,
            instant: false,
            parameters: vec![
                ("start", START.to_string()),
                ("end", (START + LENGTH).to_string()),
                ("step", "60".to_owned()),
            ],
        };
        [
            ask(Language::Logql, format!(r#"{{app="{FOREIGN_APP}"}}"#)),
            ask(Language::Promql, FOREIGN_METRIC.to_owned()),
        ]
    }

    /// The request's query string, with `text` as its query.
    pub(crate) fn query_string(&self, text: &str) -> String {
        Serializer::new(String::new())
            .append_pair("query", text)
            .extend_pairs(&self.parameters)
            .finish()
    }

    /// Where a backend answers it.
    pub(crate) fn backend_path(&self) -> &'static str {
        match (self.language, self.instant) {
            (Language::Logql, false) => "/loki/api/v1/query_range",
            (Language::Logql, true) => "/loki/api/v1/query",
            (Language::Promql, false) => "/prometheus/api/v1/query_range",
            (Language::Promql, true) => "/prometheus/api/v1/query",
        }
    }
}

fn parameters(dice: &mut Dice, language: Language, instant: bool) -> Vec<(&'static str, String)> {
    let mut parameters = Vec::new();
    let start = START + dice.between(0, LENGTH - 600);
    if instant {
        // A little off the second, for what is at an edge.
        let millis = dice.pick(&["", ".5"]);
        parameters.push(("time", format!("{start}{millis}")));
        return parameters;
    }
    // No time at all holds no lines, but samples that are still fresh.
    let length = dice.weighted(&[0, 300, 900, 1_800, LENGTH], |length| match length {
        0 if language == Language::Logql => 1,
        _ => 10,
    });
    let end = (start + length).min(START + LENGTH);
    let steps = dice.between(2, 8);
    parameters.push(("start", start.to_string()));
    parameters.push(("end", end.to_string()));
    parameters.push(("step", ((end - start) / steps).max(7).to_string()));
    if language == Language::Logql {
        let limit = dice.pick(&["1", "3", "20", "200", "1000"]);
        parameters.push(("limit", limit.to_owned()));
        let direction = dice.pick(&["forward", "backward"]);
        parameters.push(("direction", direction.to_owned()));
        if dice.chance(10) {
            parameters.push(("interval", "60".to_owned()));
        }
    }
    parameters
}
