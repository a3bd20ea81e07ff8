//! Replacements with groups.

use regex::Captures;

/// Appends a template, filled as Go's `Regexp.Expand` does: `$1`, `${1}`, `$name`, `${name}`, `$$`; a
/// group that does not exist or did not match is empty, and a `$` that begins none of these stays.
/// `None` as soon as `out` would have more than `most` bytes: groups of long texts, many times over,
/// make texts that no memory holds.
pub(crate) fn expand(
    template: &str,
    captures: &Captures<'_>,
    out: &mut String,
    most: usize,
) -> Option<()> {
    let mut push = |text: &str| {
        if text.len() > most.saturating_sub(out.len()) {
            return None;
        }
        out.push_str(text);
        Some(())
    };
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        push(before)?;
        rest = behind;
        if let Some(behind) = rest.strip_prefix('$') {
            push("$")?;
            rest = behind;
            continue;
        }
        let Some((name, behind)) = reference(rest) else {
            push("$")?;
            continue;
        };
        rest = behind;
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        push(group.map_or("", |group| group.as_str()))?;
    }
    push(rest)
}

/// The group that is meant behind a `$`, and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(inner) = text.strip_prefix('{') {
        let named = inner.split_once('}')?;
        return Some(named).filter(|(name, _)| !name.is_empty() && name.chars().all(is_name));
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, most: usize) -> Option<String> {
        let regex = regex::Regex::new("(?P<first>[a-z]+)-([0-9]+)(x)?").unwrap();
        let captures = regex.captures("ab-12").unwrap();
        let mut out = String::new();
        expand(template, &captures, &mut out, most).map(|()| out)
    }

    #[test]
    fn templates_are_filled_as_go_fills_them() {
        for (template, wanted) in [
            ("$1", "ab"),
            ("${1}x$2", "abx12"),
            ("$1x", ""),
            ("$first|$3|$9", "ab||"),
            ("$$1 $ ${-} ${1", "$1 $ ${-} ${1"),
        ] {
            assert_eq!(filled(template, 100).as_deref(), Some(wanted), "{template}");
        }
    }

    #[test]
    fn nothing_longer_than_wanted_is_made() {
        assert_eq!(filled("${1}${1}", 4).as_deref(), Some("abab"));
        assert_eq!(filled("${1}${1}", 3), None);
        let regex = regex::Regex::new("(.*)").unwrap();
        let text = "y".repeat(100_000);
        let captures = regex.captures(&text).unwrap();
        let mut out = String::new();
        let template = "${1}".repeat(100_000);
        assert_eq!(expand(&template, &captures, &mut out, 65_536), None);
        assert!(out.len() <= 65_536);
    }
}
