//! The caller's body: bounded, of one content type, and only where a route takes one.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::error::Error;
use crate::ingest::Refusal;
use crate::settings::ConnectionSettings;

/// The longest body that is read, in bytes.
pub(crate) const MAX_LENGTH: usize = 1 << 20;

/// What a request's body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing: there is to be none.
    Nothing,
    /// Parameters, or nothing.
    Form,
    /// A JSON text.
    Json,
    /// A batch of a write, of which kind and length are the protocol's and the limits' matter.
    Batch,
}

impl Takes {
    /// The media type, without parameters.
    const fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Nothing | Self::Batch => None,
            Self::Form => Some("application/x-www-form-urlencoded"),
            Self::Json => Some("application/json"),
        }
    }

    /// What a body of another kind is refused with.
    const fn otherwise(self) -> Error {
        match self {
            Self::Nothing => Error::UnexpectedBody,
            Self::Form => Error::NoForm,
            Self::Json => Error::NotJson,
            Self::Batch => Error::Refused(Refusal::UnsupportedMedia(
                "send the body as it is or in chunks, and in no other transfer coding",
            )),
        }
    }
}

/// Refuses a head that is longer than permitted. The library reads a little more than that, for this
/// answer's sake.
pub(crate) fn check_head(head: &Parts, settings: &ConnectionSettings) -> Result<(), Error> {
    let uri = &head.uri;
    let uri = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if uri > settings.max_uri_bytes {
        return Err(Error::UriTooLong(settings.max_uri_bytes));
    }
    // With colon, space and line's end.
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 4);
    if uri + headers.sum::<usize>() > settings.max_head_bytes {
        return Err(Error::HeadTooLong(settings.max_head_bytes));
    }
    Ok(())
}

/// Refuses a body that the request has no use for (threat 17), and one of which the head already
/// says that it is not to be read.
pub(crate) fn check(takes: Takes, headers: &HeaderMap) -> Result<(), Error> {
    let lengths = headers.get_all(CONTENT_LENGTH);
    let chunked = headers.contains_key(TRANSFER_ENCODING);
    let empty = !chunked && lengths.iter().all(|length| length == "0");
    if empty {
        return Ok(());
    }
    if takes == Takes::Nothing {
        return Err(Error::UnexpectedBody);
    }
    // Two ways to say where a body ends: the other carrier of request smuggling. The HTTP library
    // lets only one of the two through, and this does not rely on it.
    if chunked && lengths.iter().next().is_some() {
        return Err(Error::UnexpectedBody);
    }
    if chunked && !is_chunked_alone(headers) {
        return Err(takes.otherwise());
    }
    let Some(media_type) = takes.media_type() else {
        return Ok(());
    };
    if !is_of(media_type, headers) || headers.contains_key(CONTENT_ENCODING) {
        return Err(takes.otherwise());
    }
    let length = lengths
        .iter()
        .next()
        .and_then(|length| length.to_str().ok());
    match length.map(str::parse::<usize>) {
        None => Ok(()),
        Some(Ok(length)) if length <= MAX_LENGTH => Ok(()),
        Some(Ok(_) | Err(_)) => Err(Error::TooLarge),
    }
}

/// Whether chunks are all that is done to the body on its way. The HTTP library undoes no other
/// coding (`gzip, chunked`), so what arrives would be read as a body that it is not, and a proxy in
/// front that does undo it would have read another one.
fn is_chunked_alone(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let (first, more) = (codings.next(), codings.next());
    more.is_none() && first.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

fn is_of(media_type: &str, headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, more) = (types.next(), types.next());
    let Some(Ok(text)) = first.map(|value| value.to_str()) else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    more.is_none() && essence.eq_ignore_ascii_case(media_type)
}

/// Reads a body, which [`check`] has let through, and which may take so long to arrive.
pub(crate) async fn read<B>(body: B, patience: Duration) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = timeout(patience, Limited::new(body, MAX_LENGTH).collect()).await;
    match collected {
        Err(_) => Err(Error::SlowBody),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::TooLarge),
        // The caller has gone, or chunks are no chunks.
        Ok(Err(_)) => Err(Error::BrokenBody),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
    }
}

/// Reads a form, which [`check`] has found to be one.
pub(crate) async fn read_form<B>(body: B, patience: Duration) -> Result<String, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    String::from_utf8(read(body, patience).await?.into())
        .map_err(|_| Error::BadData("the form is not valid percent-encoded UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn threat_17_two_ways_to_say_where_a_body_ends_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        assert_eq!(check(Takes::Form, &headers), Ok(()));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("8"));
        assert_eq!(check(Takes::Form, &headers), Err(Error::UnexpectedBody));
        headers.remove(TRANSFER_ENCODING);
        assert_eq!(check(Takes::Form, &headers), Ok(()));
        assert_eq!(check(Takes::Nothing, &headers), Err(Error::UnexpectedBody));
    }

    #[test]
    fn a_body_is_of_the_type_that_is_taken() {
        let check = |takes, media_type| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("8"));
            check(takes, &headers)
        };
        for json in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(check(Takes::Json, json), Ok(()));
            assert_eq!(check(Takes::Form, json), Err(Error::NoForm));
            assert_eq!(check(Takes::Nothing, json), Err(Error::UnexpectedBody));
        }
        for other in ["application/x-www-form-urlencoded", "text/json", ""] {
            assert_eq!(check(Takes::Json, other), Err(Error::NotJson));
        }
    }

    #[test]
    fn threat_17_a_body_is_coded_in_chunks_and_in_nothing_else() {
        let check = |codings: &[&'static str]| {
            let mut headers = HeaderMap::new();
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
            for coding in codings {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(coding));
            }
            check(Takes::Form, &headers)
        };
        assert_eq!(check(&["Chunked"]), Ok(()));
        for codings in [
            &["gzip, chunked"][..],
            &["chunked, chunked"],
            &["gzip", "chunked"],
            &["identity"],
            &[""],
        ] {
            assert_eq!(check(codings), Err(Error::NoForm), "{codings:?}");
        }
    }
}
