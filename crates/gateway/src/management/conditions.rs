//! The headers that a request depends on: conditions, and the key of its repetitions.

use directory::manage::IfMatch;
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::error::{Error, Flaw};
use crate::routes::Effect;

/// The longest idempotency key, in characters.
pub(crate) const MAX_KEY_LENGTH: usize = 255;

/// The most entity tags of a condition.
const MOST_TAGS: usize = 100;

/// By which a repetition of a write is known. Draft `idempotency-key-header` of the IETF's HTTP API
/// working group; taken as it is sent, quotes included.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What a request depends on.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// `If-Match`: the tags of which the record must have one.
    pub(super) if_match: Option<IfMatch>,
    /// `If-None-Match`: the tags that the caller has already.
    if_none_match: Option<Tags>,
    pub(super) idempotency_key: Option<String>,
}

/// What a condition names.
#[derive(Debug, PartialEq, Eq)]
enum Tags {
    /// `*`.
    Any,
    /// Tags with their quotes, each with whether it is weak.
    These(Vec<(String, bool)>),
}

impl Conditions {
    /// Reads the headers of a request for something with this effect.
    pub(super) fn read(headers: &HeaderMap, effect: Effect) -> Result<Self, Error> {
        let if_none_match = tags(headers, &IF_NONE_MATCH)?;
        if effect.writes() && if_none_match.is_some() {
            // Else it would be silently not heeded: ids are made once anyhow.
            return Err(bad("If-None-Match: is for reading; writes take If-Match"));
        }
        let idempotency_key = if effect.writes() { key(headers)? } else { None };
        let if_match = tags(headers, &IF_MATCH)?.map(|tags| match tags {
            Tags::Any => IfMatch::Any,
            // Compared strongly (RFC 9110, section 13.1.1): a weak tag is that of no record.
            Tags::These(tags) => {
                let strong = tags.into_iter().filter(|(_, is_weak)| !is_weak);
                IfMatch::Tags(strong.map(|(tag, _)| tag).collect())
            }
        });
        Ok(Self {
            if_match,
            if_none_match,
            idempotency_key,
        })
    }

    /// Whether the record with this tag is one that the caller has asked for.
    pub(super) fn holds(&self, etag: &str) -> bool {
        match &self.if_match {
            None | Some(IfMatch::Any) => true,
            Some(IfMatch::Tags(tags)) => tags.iter().any(|tag| tag == etag),
        }
    }

    /// Whether the caller has the record with this tag already, by the weak comparison of RFC 9110,
    /// section 13.1.2.
    pub(super) fn has(&self, etag: &str) -> bool {
        match &self.if_none_match {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::These(tags)) => tags.iter().any(|(tag, _)| tag == etag),
        }
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(bad("Idempotency-Key: given more than once"));
    }
    let fits = (1..=MAX_KEY_LENGTH).contains(&value.len());
    match value.to_str() {
        Ok(key) if fits && key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(key.to_owned()))
        }
        Ok(_) | Err(_) => Err(bad(
            "Idempotency-Key: expected 1 to 255 visible ASCII characters",
        )),
    }
}

/// The tags of a header, however many times it is there; `None` where it is not.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Error> {
    let malformed = || {
        Error::BadData(
            Flaw::Management,
            format!("{name}: expected * or entity tags in double quotes, with commas between them"),
        )
    };
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut is_any = false;
    for value in values {
        let mut rest = value.to_str().map_err(|_| malformed())?.trim();
        if rest == "*" {
            is_any = true;
            continue;
        }
        loop {
            let (tag, after) = tag(rest).ok_or_else(malformed)?;
            found.push(tag);
            rest = match after.trim_start() {
                "" => break,
                more => more.strip_prefix(',').ok_or_else(malformed)?.trim_start(),
            };
        }
    }
    match (is_any, found.len()) {
        (true, 0) => Ok(Some(Tags::Any)),
        (false, 1..=MOST_TAGS) => Ok(Some(Tags::These(found))),
        (true | false, _) => Err(malformed()),
    }
}

/// The first entity tag of a text (RFC 9110, section 8.8.3), and what is behind it.
fn tag(text: &str) -> Option<((String, bool), &str)> {
    let opaque = text.strip_prefix("W/");
    let (quoted, is_weak) = opaque.map_or((text, false), |quoted| (quoted, true));
    let (inner, after) = quoted.strip_prefix('"')?.split_once('"')?;
    let of_a_tag = |byte: u8| byte == 0x21 || (0x23..=0x7e).contains(&byte);
    let tag = format!("\"{inner}\"");
    inner
        .bytes()
        .all(of_a_tag)
        .then_some(((tag, is_weak), after))
}

fn bad(sentence: &str) -> Error {
    Error::BadData(Flaw::Management, sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(effect: Effect, given: &[(HeaderName, &'static str)]) -> Result<Conditions, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name, HeaderValue::from_static(value));
        }
        Conditions::read(&headers, effect)
    }

    #[test]
    fn a_record_is_held_against_the_tags_that_are_named() {
        for (given, holds) in [
            ("*", true),
            (r#""a""#, true),
            (r#""b", "a""#, true),
            (r#""b,\"a"#, false),
            (r#""b""#, false),
            (r#"W/"a""#, false),
        ] {
            let read = read(Effect::Updates, &[(IF_MATCH, given)]);
            let found = read.is_ok_and(|conditions| conditions.holds("\"a\""));
            assert_eq!(found, holds, "{given}");
        }
        for (given, has) in [("*", true), (r#"W/"a""#, true), (r#""b""#, false)] {
            let conditions = read(Effect::Reads, &[(IF_NONE_MATCH, given)]).unwrap();
            assert_eq!(conditions.has("\"a\""), has, "{given}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for given in [
            "",
            "a",
            "\"a",
            "\"a\" \"b\"",
            "\"a\",",
            "*, \"a\"",
            "\"a b\"",
            "w/\"a\"",
        ] {
            assert!(
                read(Effect::Updates, &[(IF_MATCH, given)]).is_err(),
                "{given}"
            );
        }
        let both = [(IF_MATCH, "*"), (IF_MATCH, "\"a\"")];
        assert!(read(Effect::Updates, &both).is_err());
        assert!(read(Effect::Updates, &[(IF_NONE_MATCH, "*")]).is_err());
    }

    #[test]
    fn a_key_is_short_and_visible() {
        let read = |given| read(Effect::Creates, &[(IDEMPOTENCY_KEY, given)]);
        let key = |given| read(given).unwrap().idempotency_key;
        assert_eq!(key("a-1").as_deref(), Some("a-1"));
        for bad in ["", " ", "a b", "a\tb"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        let twice = [(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "a")];
        assert!(self::read(Effect::Creates, &twice).is_err());
    }
}
