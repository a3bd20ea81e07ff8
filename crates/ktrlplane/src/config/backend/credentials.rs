//! What a backend is shown: a user and password, or a bearer token, and never both.

use gateway::settings::{Credentials, Secret};

use super::Section;
use crate::config::layers::Given;
use crate::config::problem::Problem;

/// Keys of which at most one may be given, whichever layer gives it: that the environment's token
/// silently takes the place of the file's password is how a wrong one is sent for months.
const RIVALS: [(&[&str], &[&str]); 3] = [
    (
        &["username", "password", "password_file"],
        &["bearer_token", "bearer_token_file"],
    ),
    (&["password"], &["password_file"]),
    (&["bearer_token"], &["bearer_token_file"]),
];

/// Reads what the keys give: [`Credentials::None`] where that is nothing, and the URL's userinfo
/// holds.
pub(super) fn read(section: Section<'_>, problems: &mut Vec<Problem>) -> Option<Credentials> {
    if let Some(problem) = rivalry(section) {
        problems.push(problem);
        return None;
    }
    if is_given(section, &["username", "password", "password_file"]) {
        basic(section, problems)
    } else if section.given("bearer_token").is_some() {
        let token = section.require("bearer_token", problems, token);
        token.map(Credentials::Bearer)
    } else if section.given("bearer_token_file").is_some() {
        let token = section.require("bearer_token_file", problems, file);
        token.map(Credentials::Bearer)
    } else {
        Some(Credentials::None)
    }
}

/// Two ways where there can only be one.
fn rivalry(section: Section<'_>) -> Option<Problem> {
    let first = |names: &[&'static str]| names.iter().find_map(|name| section.given(name));
    let userinfo = section.given("url").filter(|url| has_userinfo(url));
    let keys = first(&[
        "username",
        "password",
        "password_file",
        "bearer_token",
        "bearer_token_file",
    ]);
    if let (Some(_), Some(key)) = (userinfo, keys) {
        let url = section.key("url");
        return Some(key.problem(format!(
            "and the user or password in {url} are both given, and only one of them can hold"
        )));
    }
    RIVALS.iter().find_map(|(some, others)| {
        let (some, other) = (first(some)?, first(others)?);
        Some(some.problem(format!(
            "and {} are both given, and only one of them can hold",
            other.key.path
        )))
    })
}

fn has_userinfo(url: &Given) -> bool {
    url::Url::parse(url.text.trim())
        .is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

fn is_given(section: Section<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| section.given(name).is_some())
}

fn basic(section: Section<'_>, problems: &mut Vec<Problem>) -> Option<Credentials> {
    let username = section.require("username", problems, |given| {
        // RFC 7617, section 2: the first colon ends the name.
        if given.text.contains(':') {
            return Err(format!("is {}, which has a colon", given.shown()));
        }
        Ok(given.text.trim().to_owned())
    });
    let password = if section.given("password_file").is_some() {
        section.require("password_file", problems, file)
    } else {
        section.require("password", problems, |given| {
            Ok(Secret::Text(given.text.clone()))
        })
    };
    Some(Credentials::Basic {
        username: username?,
        password: password?,
    })
}

fn token(given: &Given) -> Result<Secret, String> {
    let token = given.text.trim();
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(Secret::Text(token.to_owned()))
    } else {
        Err("has characters that no token has".to_owned())
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "a reader of a key's value, as the others are"
)]
fn file(given: &Given) -> Result<Secret, String> {
    Ok(Secret::File(given.text.trim().into()))
}
