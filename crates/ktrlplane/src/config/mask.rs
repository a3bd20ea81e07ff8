//! Hiding secrets in what is shown.

use super::key::{Key, Secret};

/// What stands in a secret's place.
const MASK: &str = "***";

/// `text`, a value of `key`, with its secrets masked.
pub(crate) fn mask(key: &Key, text: &str) -> String {
    match key.secret {
        Secret::No => text.to_owned(),
        Secret::Whole => MASK.to_owned(),
        Secret::InUrl => mask_url(text),
    }
}

/// `text` without the password of a URL's userinfo and without the value of any query parameter
/// that may hold one. Works on what is no URL at all: that is when it is quoted in an error.
pub(crate) fn mask_url(text: &str) -> String {
    let (before, query) = match text.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (text, None),
    };
    let query = match query {
        // A password with a raw `?` puts its second half here, before an `@`, and its first half
        // into what looks like host and port.
        Some(query) if query.contains('@') || !query.contains('=') => return MASK.to_owned(),
        Some(query) => {
            let parameters = query.split('&').map(mask_parameter).collect::<Vec<_>>();
            format!("?{}", parameters.join("&"))
        }
        None => String::new(),
    };
    // The last `@` of all, not of the authority: a password with a raw `/` is no valid URL, and is
    // a password all the same.
    let Some((userinfo, host)) = before.rsplit_once('@') else {
        return format!("{before}{query}");
    };
    let (scheme, userinfo) = match userinfo.split_once("://") {
        Some((scheme, userinfo)) => (format!("{scheme}://"), userinfo),
        None => (String::new(), userinfo),
    };
    match userinfo.split_once(':') {
        Some((user, _)) => format!("{scheme}{user}:{MASK}@{host}{query}"),
        None => format!("{scheme}{MASK}@{host}{query}"),
    }
}

fn mask_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, value)) if is_harmless(name) => format!("{name}={value}"),
        Some((name, _)) => format!("{name}={MASK}"),
        None => MASK.to_owned(),
    }
}

fn is_harmless(parameter: &str) -> bool {
    [
        "sslmode",
        "mode",
        "host",
        "port",
        "dbname",
        "application_name",
        "options",
        "cache",
    ]
    .contains(&parameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        for (text, shown) in [
            ("http://loki:3100/a", "http://loki:3100/a"),
            ("http://user:hunter2@loki:3100", "http://user:***@loki:3100"),
            ("http://hunter2@loki:3100", "http://***@loki:3100"),
            ("http://user:hun/ter2@loki", "http://user:***@loki"),
            ("http://user:hun@ter2@loki", "http://user:***@loki"),
            ("http://user:hun?ter2@loki", "***"),
            ("user:hunter2@loki", "user:***@loki"),
            (
                "postgres://h/d?password=hunter2&sslmode=require",
                "postgres://h/d?password=***&sslmode=require",
            ),
            ("http://loki?hunter2", "***"),
            ("sqlite:ktrlplane.db?mode=ro", "sqlite:ktrlplane.db?mode=ro"),
        ] {
            assert_eq!(mask_url(text), shown, "{text}");
        }
    }
}
