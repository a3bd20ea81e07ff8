//! What is wrong with a configuration, in sentences.

use std::borrow::Cow;
use std::fmt;

use super::key::{self, KEYS, Key, nearest, nearest_variable};
use super::layers::Source;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The file cannot be read, or is no YAML.
    File {
        /// The file.
        file: String,
        /// What is wrong, without a quotation from the file.
        wrong: String,
    },
    /// A key of the file that does not exist.
    UnknownKey {
        /// The file.
        file: String,
        /// The key.
        path: String,
    },
    /// A variable of the environment that belongs to no key.
    UnknownVariable {
        /// The variable.
        name: String,
    },
    /// A value that is not as it should be.
    Value {
        /// Its key.
        path: &'static str,
        /// Its variable.
        variable: String,
        /// Who gave it.
        source: Source,
        /// What is wrong with it, without secrets.
        wrong: String,
        /// What it should be.
        expected: Cow<'static, str>,
    },
}

impl Problem {
    /// A wrong value of `key`.
    pub(crate) fn value(key: &Key, source: Source, wrong: impl Into<String>) -> Self {
        Self::Value {
            path: key.path,
            variable: key.variable(),
            source,
            wrong: wrong.into(),
            expected: key.expected.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, wrong } => write!(f, "{file} cannot be read: {wrong}"),
            Self::UnknownKey { file, path } => {
                write!(f, "{file} has the unknown key {path}; ")?;
                if key::at(path).is_some() {
                    return f.write_str("its levels belong on lines of their own, without dots");
                }
                match nearest(path, key::paths()) {
                    Some(near) => write!(f, "did you mean {near}?"),
                    None => known_keys(f, path),
                }
            }
            Self::UnknownVariable { name } => {
                write!(f, "the environment has the unknown variable {name}; ")?;
                match nearest_variable(name) {
                    Some(near) => write!(f, "did you mean {near}?"),
                    None => write!(
                        f,
                        "variables that begin like a key of the configuration must be one: \
                         unset it, and `ktrlplane config` lists them all"
                    ),
                }
            }
            Self::Value {
                path,
                variable,
                source,
                wrong,
                expected,
            } => {
                write!(f, "{path} ({variable}) {wrong}")?;
                match source {
                    Source::Default => {}
                    Source::File { .. } => write!(f, " (from {source})")?,
                    Source::Environment => f.write_str(" (from the environment)")?,
                }
                write!(f, "; expected {expected}")
            }
        }
    }
}

/// Lists the keys of the section in which `path` stands or, for an unknown section, the sections.
fn known_keys(f: &mut fmt::Formatter<'_>, path: &str) -> fmt::Result {
    let section = path.split_once('.').map_or("", |(section, _)| section);
    let mut known: Vec<&str> = KEYS
        .iter()
        .filter(|key| key.path.split('.').next() == Some(section))
        .map(|key| key.path)
        .collect();
    if known.is_empty() {
        known = KEYS
            .iter()
            .filter_map(|key| key.path.split('.').next())
            .collect();
        known.dedup();
        write!(f, "the sections are {}", known.join(", "))
    } else {
        write!(f, "the keys of {section} are {}", known.join(", "))
    }
}
