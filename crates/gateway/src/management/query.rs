//! The parameters in the URL: each known, given once, and of its kind.

use std::borrow::Cow;

use directory::manage::list::Page;
use directory::policy::OrganizationId;
use percent_encoding::percent_decode;

use crate::error::{Error, Flaw};
use crate::routes::Query;

/// The records of a page where nobody says how many.
pub(crate) const PAGE: u16 = 100;

/// The most records of a page.
pub(crate) const MOST_OF_A_PAGE: u16 = 1000;

/// The longest text of a parameter, in bytes.
pub(crate) const MAX_TEXT_LENGTH: usize = 255;

/// What was given, checked.
#[derive(Debug, Default)]
pub(super) struct Given {
    limit: Option<u16>,
    cursor: Option<String>,
    /// The organization whose projects are listed.
    pub(super) organization: Option<OrganizationId>,
    /// Whether what is in it goes, too.
    pub(super) cascade: bool,
    scope_type: Option<String>,
    scope_id: Option<String>,
    text: Option<String>,
}

impl Given {
    /// Reads a raw query string, in which there may be `known` and nothing else.
    pub(super) fn read(known: &'static [Query], raw: &str) -> Result<Self, Error> {
        let mut given = Self::default();
        let mut seen: Vec<Query> = Vec::with_capacity(known.len());
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let query = known.iter().find(|query| query.name() == name);
            let query = *query.ok_or_else(|| unknown(&name, known))?;
            if seen.contains(&query) {
                return Err(bad(query, "given more than once"));
            }
            seen.push(query);
            let value = decode(value)?;
            if value.is_empty() {
                // Of a script whose variable is not set: `org_id=` is not to list everything.
                return Err(bad(query, "is empty"));
            }
            given.take(query, &value)?;
        }
        for query in known.iter().filter(|query| query.is_required()) {
            if !given.has(*query) {
                return Err(bad(*query, "is missing"));
            }
        }
        Ok(given)
    }

    fn take(&mut self, query: Query, value: &str) -> Result<(), Error> {
        if value.len() > MAX_TEXT_LENGTH || value.chars().any(char::is_control) {
            let expected =
                format!("expected at most {MAX_TEXT_LENGTH} bytes without control characters");
            return Err(bad(query, &expected));
        }
        match query {
            Query::Limit => {
                let limit = value.parse().ok();
                let limit = limit.filter(|limit| (1..=MOST_OF_A_PAGE).contains(limit));
                let expected = format!("expected an integer from 1 to {MOST_OF_A_PAGE}");
                self.limit = Some(limit.ok_or_else(|| bad(query, &expected))?);
            }
            Query::Cursor => self.cursor = Some(value.to_owned()),
            Query::Organization => {
                let id = OrganizationId::new(value);
                self.organization = Some(id.map_err(|error| bad(query, &error.to_string()))?);
            }
            Query::Cascade => {
                self.cascade = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(bad(query, "expected true or false")),
                }
            }
            Query::ScopeType => self.scope_type = Some(value.to_owned()),
            Query::ScopeId => self.scope_id = Some(value.to_owned()),
            Query::Text => self.text = Some(value.to_owned()),
        }
        Ok(())
    }

    fn has(&self, query: Query) -> bool {
        match query {
            Query::Limit => self.limit.is_some(),
            Query::Cursor => self.cursor.is_some(),
            Query::Organization => self.organization.is_some(),
            Query::Cascade => self.cascade,
            Query::ScopeType => self.scope_type.is_some(),
            Query::ScopeId => self.scope_id.is_some(),
            Query::Text => self.text.is_some(),
        }
    }

    /// The part of a list that is asked for.
    pub(super) fn page(&self) -> Page {
        Page {
            after: self.cursor.clone(),
            limit: self.limit(),
        }
    }

    /// The most records.
    pub(super) fn limit(&self) -> u16 {
        self.limit.unwrap_or(PAGE)
    }

    /// What users are searched by; it is there where the route requires it.
    pub(super) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The type and id of a place; they are there where the route requires them.
    pub(super) fn scope(&self) -> (&str, &str) {
        (
            self.scope_type.as_deref().unwrap_or_default(),
            self.scope_id.as_deref().unwrap_or_default(),
        )
    }
}

pub(super) fn bad(query: Query, what: &str) -> Error {
    Error::BadData(Flaw::Management, format!("{}: {what}", query.name()))
}

fn unknown(name: &str, known: &[Query]) -> Error {
    let name: String = name.chars().take(40).collect();
    let known: Vec<&str> = known.iter().map(|query| query.name()).collect();
    Error::BadData(
        Flaw::Management,
        if known.is_empty() {
            format!("{name:?}: this takes no parameters")
        } else {
            format!(
                "{name:?}: is no parameter of this, which are: {}",
                known.join(", ")
            )
        },
    )
}

/// Decodes what may stand in a query string, in which a plus sign is a space.
fn decode(text: &str) -> Result<String, Error> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8();
    decoded.map(Cow::into_owned).map_err(|_| {
        Error::BadData(
            Flaw::Management,
            "a parameter is not valid percent-encoded UTF-8".to_owned(),
        )
    })
}
