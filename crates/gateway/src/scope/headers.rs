//! The caller's headers that go upstream: an allow-list (threat 12).

use http::header::{ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONNECTION, HeaderName};
use http::{HeaderMap, HeaderValue};

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const QUERY_TAGS: HeaderName = HeaderName::from_static("x-query-tags");

/// Copied as they are. They say how an answer is wanted, and never who wants it.
static ALLOWED: [HeaderName; 6] = [
    ACCEPT,
    ACCEPT_ENCODING,
    CACHE_CONTROL,
    HeaderName::from_static("x-loki-response-encoding-flags"),
    HeaderName::from_static("traceparent"),
    TRACESTATE,
];

/// The longest query tags that are passed on, in bytes.
const MAX_TAGS_LENGTH: usize = 512;

/// The longest state of a trace that is passed on, in bytes: as much as everybody has to (Trace Context,
/// section 3.3.1.5).
const MAX_STATE_LENGTH: usize = 512;

/// Those of `headers` that go upstream. One that `Connection` names was meant for this hop only
/// (RFC 9110, section 7.6.1), so it stays here.
pub(super) fn allowed(headers: &HeaderMap) -> HeaderMap {
    // Many requests have none of them, and such a map needs no memory.
    let mut kept = HeaderMap::new();
    let any_stays = headers.contains_key(CONNECTION);
    for name in &ALLOWED {
        if any_stays && is_hop_by_hop(headers, name) {
            continue;
        }
        if *name == TRACESTATE && !is_short(headers) {
            continue;
        }
        for value in headers.get_all(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    if let Some(tags) = headers.get(QUERY_TAGS)
        && !is_hop_by_hop(headers, &QUERY_TAGS)
    {
        kept.extend(clean_tags(tags).map(|tags| (QUERY_TAGS, tags)));
    }
    kept
}

/// Those of a write that go upstream: they tell which trace it belongs to, and its body is built
/// anew.
pub(crate) fn trace_headers(headers: &HeaderMap) -> HeaderMap {
    let mut kept = allowed(headers);
    for name in &ALLOWED {
        if !matches!(name.as_str(), "traceparent" | "tracestate") {
            kept.remove(name);
        }
    }
    kept.remove(QUERY_TAGS);
    kept
}

/// Whether the caller's own value of this header may go upstream.
pub(crate) fn passes_on(name: &HeaderName) -> bool {
    *name == QUERY_TAGS || ALLOWED.contains(name)
}

fn is_short(headers: &HeaderMap) -> bool {
    let state = headers.get_all(TRACESTATE).iter().map(HeaderValue::len);
    state.sum::<usize>() <= MAX_STATE_LENGTH
}

fn is_hop_by_hop(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut options = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case(name.as_str()))
}

/// Query tags end up in Loki's metrics log, so they keep to `key=value,…` in plain characters.
fn clean_tags(tags: &HeaderValue) -> Option<HeaderValue> {
    let harmless = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'.' | b'@' | b'=' | b',' | b' ')
    };
    let clean: Vec<u8> = tags
        .as_bytes()
        .iter()
        .take(MAX_TAGS_LENGTH)
        .map(|byte| if harmless(*byte) { *byte } else { b'_' })
        .collect();
    HeaderValue::from_bytes(&clean).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_cleaned() {
        let tags = HeaderValue::from_static("Source=grafana,User=\"a;b\"");
        assert_eq!(clean_tags(&tags).unwrap(), "Source=grafana,User=_a_b_");
        let long = HeaderValue::from_str(&"a".repeat(MAX_TAGS_LENGTH + 1)).unwrap();
        assert_eq!(clean_tags(&long).unwrap().len(), MAX_TAGS_LENGTH);
    }

    #[test]
    fn a_trace_has_no_more_state_than_everybody_passes_on() {
        let of = |values: &[String]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(TRACESTATE, HeaderValue::from_str(value).unwrap());
            }
            allowed(&headers).get_all(TRACESTATE).iter().count()
        };
        assert_eq!(of(&["a=".to_owned() + &"b".repeat(510)]), 1);
        assert_eq!(of(&["a=".to_owned() + &"b".repeat(511)]), 0);
        assert_eq!(of(&["a".repeat(256), "b".repeat(257)]), 0);
    }
}
