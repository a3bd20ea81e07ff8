//! The layers of the configuration, and who gave what.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::key::{self, KEYS, Key};
use super::origin::Origin;
use super::problem::Problem;
use super::{environment, file, mask, units};

/// Who gave a value. The order is that of precedence: the last one wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// Nobody: the default of the key.
    Default,
    /// A file.
    File {
        /// Its name.
        name: String,
        /// The line, from 1; 0 where it is not known.
        line: u64,
    },
    /// The environment.
    Environment,
}

impl Source {
    /// Whether the two are of one layer, on whatever line.
    pub(crate) fn same_layer(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line: 0 } => f.write_str(name),
            Self::File { name, line } => write!(f, "{name}, line {line}"),
            Self::Environment => f.write_str("environment"),
        }
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    /// The predicate of the sentence whose subject is the key.
    wrong: String,
    /// What is expected, where that depends on other keys.
    expected: Option<String>,
}

impl Wrong {
    /// A value that does not fit to others.
    pub(crate) fn beside(wrong: String, expected: String) -> Self {
        Self {
            wrong,
            expected: Some(expected),
        }
    }
}

impl From<String> for Wrong {
    fn from(wrong: String) -> Self {
        Self {
            wrong,
            expected: None,
        }
    }
}

/// A value and who gave it.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) key: &'static Key,
    pub(crate) text: String,
    pub(crate) source: Source,
}

impl Given {
    /// This value is wrong: `wrong` is the predicate of the sentence whose subject is the key.
    pub(crate) fn problem(&self, wrong: impl Into<String>) -> Problem {
        Problem::value(self.key, self.source.clone(), wrong)
    }

    /// Likewise, where something else is expected than the key as such says.
    pub(crate) fn problem_of(&self, wrong: Wrong) -> Problem {
        let mut problem = self.problem(wrong.wrong);
        if let (Problem::Value { expected, .. }, Some(instead)) = (&mut problem, wrong.expected) {
            *expected = instead.into();
        }
        problem
    }

    /// The value as a switch.
    pub(crate) fn switch(&self) -> Result<bool, String> {
        match self.text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("is {}", self.shown())),
        }
    }

    /// The value as a time within `limits`.
    pub(crate) fn time(&self, limits: RangeInclusive<Duration>) -> Result<Duration, String> {
        let wrong = |why: &str| format!("is {}, which is {why}", self.shown());
        let parsed = units::parse_time(&self.text);
        let time = parsed.ok_or_else(|| wrong("no time with a unit"))?;
        match Duration::try_from(time) {
            Ok(time) if time < *limits.start() => Err(wrong("too short")),
            Ok(time) if time > *limits.end() => Err(wrong("too long")),
            Ok(time) => Ok(time),
            Err(_) => Err(wrong("negative")),
        }
    }

    /// The value with its secrets masked, in quotation marks.
    pub(crate) fn shown(&self) -> String {
        format!("{:?}", mask::mask(self.key, &self.text))
    }
}

/// All values, the winning layer's for each key.
#[derive(Default)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, Given>,
    origin: Option<Origin>,
}

impl Layers {
    /// Lays the file `name` over what is there.
    pub(crate) fn add_file(&mut self, name: &Path, text: &str, problems: &mut Vec<Problem>) {
        let name = name.display().to_string();
        let file = match file::read(text) {
            Ok(file) => file,
            Err(wrong) => return problems.push(Problem::File { file: name, wrong }),
        };
        for (key, text, line) in file.values {
            let name = name.clone();
            self.give(key, text, Source::File { name, line });
        }
        problems.extend(file.unknown.into_iter().map(|path| Problem::UnknownKey {
            file: name.clone(),
            path,
        }));
    }

    /// The values that are there now are those of this file.
    pub(super) fn came_from(&mut self, mut origin: Origin) {
        origin.gives = !self.values.is_empty();
        self.origin = Some(origin);
    }

    /// The file that was read, if there is one.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Lays the environment over what is there.
    pub(crate) fn add_environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        problems: &mut Vec<Problem>,
    ) {
        for (name, value) in variables {
            match environment::recognize(&name, &value) {
                environment::Variable::Key(key) => self.give(key, value, Source::Environment),
                environment::Variable::Unknown => problems.push(Problem::UnknownVariable { name }),
                environment::Variable::NotOurs => {}
            }
        }
    }

    /// An empty text gives nothing: compose files and charts pass variables on that are not set.
    fn give(&mut self, key: &'static Key, text: String, source: Source) {
        if !text.trim().is_empty() {
            self.values.insert(key.path, Given { key, text, source });
        }
    }

    /// What the file or the environment gives for `path`.
    pub(crate) fn given(&self, path: &str) -> Option<&Given> {
        self.values.get(path)
    }

    /// The value for `path`: the default, where there is one and nothing else is given.
    pub(crate) fn value(&self, path: &str) -> Option<Given> {
        let default = || {
            let key = key::at(path)?;
            Some(Given {
                key,
                text: key.default?.to_owned(),
                source: Source::Default,
            })
        };
        self.given(path).cloned().or_else(default)
    }

    /// Every key with its value, in the order of the table.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static Key, Option<Given>)> {
        KEYS.iter().map(|key| (key, self.value(key.path)))
    }

    /// The value for `path` as `read` takes it. A problem is noted where it is missing or wrong.
    pub(crate) fn require<T>(
        &self,
        path: &str,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        self.require_beside(path, problems, |given| read(given).map_err(Wrong::from))
    }

    /// Likewise, where what is expected depends on other keys.
    pub(crate) fn require_beside<T>(
        &self,
        path: &str,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&Given) -> Result<T, Wrong>,
    ) -> Option<T> {
        let Some(given) = self.value(path) else {
            let missing =
                key::at(path).map(|key| Problem::value(key, Source::Default, "is missing"));
            problems.extend(missing);
            return None;
        };
        match read(&given) {
            Ok(value) => Some(value),
            Err(wrong) => {
                problems.push(given.problem_of(wrong));
                None
            }
        }
    }
}
