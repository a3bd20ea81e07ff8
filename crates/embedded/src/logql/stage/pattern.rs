//! Patterns: text with captures, `<ip> - - [<_>] "<method> <_>"`.

use memchr::memmem;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(Box<memmem::Finder<'static>>),
    /// `None` for `<_>`.
    Capture(Option<String>),
}

impl Pattern {
    /// A pattern that extracts labels: it has a named capture, and no name twice.
    pub(super) fn extracting(pattern: &str) -> Result<Self, String> {
        let parsed = Self::parse(pattern)?;
        let names = parsed.names();
        if names.is_empty() {
            return Err("at least one capture is required".to_owned());
        }
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|other| other == name) {
                return Err(format!(
                    "duplicate capture name ({name}): invalid expression"
                ));
            }
        }
        Ok(parsed)
    }

    /// A pattern that filters lines: no capture has a name.
    pub(super) fn filtering(pattern: &str) -> Result<Self, String> {
        let parsed = Self::parse(pattern)?;
        match parsed.names().first() {
            Some(name) => Err(format!("named captures are not allowed: found '<{name}>'")),
            None => Ok(parsed),
        }
    }

    fn parse(pattern: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            if let Some((name, after)) = capture(rest) {
                if !text.is_empty() {
                    parts.push(literal(&text));
                    text.clear();
                } else if let Some(Part::Capture(before)) = parts.last() {
                    let before = before.as_deref().unwrap_or("_");
                    return Err(format!(
                        "found consecutive capture '<{before}><{name}>': invalid expression"
                    ));
                }
                parts.push(Part::Capture((name != "_").then(|| name.to_owned())));
                rest = after;
            } else {
                text.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        if !text.is_empty() {
            parts.push(literal(&text));
        }
        Ok(Self { parts })
    }

    fn names(&self) -> Vec<&str> {
        let name = |part: &'_ Part| match part {
            Part::Capture(Some(_)) => true,
            Part::Capture(None) | Part::Text(_) => false,
        };
        let named = self.parts.iter().filter(|part| name(part));
        named
            .filter_map(|part| match part {
                Part::Capture(name) => name.as_deref(),
                Part::Text(_) => None,
            })
            .collect()
    }

    /// What the captures hold in `line`, as far as the pattern goes along with it: where the text
    /// behind a capture is missing, the capture is the rest of the line.
    pub(super) fn captures<'a>(&self, line: &'a str) -> Vec<(&str, &'a str)> {
        let mut found = Vec::new();
        let mut rest = line;
        let mut parts = self.parts.as_slice();
        if line.is_empty() {
            return found;
        }
        if let Some((Part::Text(text), others)) = parts.split_first() {
            match rest.as_bytes().strip_prefix(text.needle()) {
                Some(after) => rest = &rest[rest.len() - after.len()..],
                None => return found,
            }
            parts = others;
        }
        while let Some((Part::Capture(name), others)) = parts.split_first() {
            let next = others.first();
            let end = match next {
                Some(Part::Text(text)) => text
                    .find(rest.as_bytes())
                    .map(|at| (at, at + text.needle().len())),
                Some(Part::Capture(_)) | None => None,
            };
            let (held, after) = match end {
                Some((at, after)) => (&rest[..at], Some(&rest[after..])),
                None => (rest, None),
            };
            if let Some(name) = name {
                found.push((name.as_str(), held));
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
            parts = others.get(1..).unwrap_or_default();
        }
        found
    }

    /// Whether the whole line is as the pattern says; no capture is empty.
    pub(super) fn matches(&self, line: &str) -> bool {
        if line.is_empty() || self.parts.is_empty() {
            return line.is_empty() && self.parts.is_empty();
        }
        let mut rest = line.as_bytes();
        for (index, part) in self.parts.iter().enumerate() {
            let Part::Text(text) = part else {
                continue;
            };
            match text.find(rest) {
                Some(0) if index != 0 => return false,
                Some(at) => rest = rest.get(at + text.needle().len()..).unwrap_or_default(),
                None => return false,
            }
        }
        let ends_on_capture = matches!(self.parts.last(), Some(Part::Capture(_)));
        ends_on_capture != rest.is_empty()
    }
}

fn literal(text: &str) -> Part {
    Part::Text(Box::new(memmem::Finder::new(text).into_owned()))
}

/// The capture that `text` begins with, and what follows it.
fn capture(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_hold_what_stands_between() {
        let pattern = Pattern::extracting("<ip> - [<_>] \"<method> <path>\"").unwrap();
        let found = pattern.captures("10.0.0.1 - [now] \"GET /x\"");
        assert_eq!(
            found,
            [("ip", "10.0.0.1"), ("method", "GET"), ("path", "/x")]
        );
        assert_eq!(pattern.captures("10.0.0.1"), [("ip", "10.0.0.1")]);
    }

    #[test]
    fn a_filter_wants_the_whole_line_and_full_captures() {
        let cases = [
            ("<_> bar", "foo bar baz", false),
            ("<_> baz", "foo bar baz", true),
            ("foo <_>", "foo bar baz", true),
            ("<_> bar <_>", " bar ", false),
            ("<_>bar<_>", " bar ", true),
            ("", "", true),
        ];
        for (pattern, line, wanted) in cases {
            assert_eq!(
                Pattern::filtering(pattern).unwrap().matches(line),
                wanted,
                "{pattern}"
            );
        }
    }

    #[test]
    fn patterns_that_cannot_be_are_refused() {
        assert!(Pattern::extracting("no capture").is_err());
        assert!(Pattern::extracting("<a><b>").is_err());
        assert!(Pattern::extracting("<a> <a>").is_err());
        assert!(Pattern::filtering("<a> x").is_err());
    }
}
