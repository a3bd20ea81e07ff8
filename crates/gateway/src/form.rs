//! The caller's form: bounded, of one content type, and only where a route takes one.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::error::Error;

/// The longest form that is read, in bytes.
pub(crate) const MAX_FORM_LENGTH: usize = 1 << 20;

/// How long a form may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

const FORM: &str = "application/x-www-form-urlencoded";

/// Refuses a body that the method has no use for (threat 17), and one of which the head already
/// says that it is not to be read.
pub(crate) fn check(method: &Method, headers: &HeaderMap) -> Result<(), Error> {
    let lengths = headers.get_all(CONTENT_LENGTH);
    let chunked = headers.contains_key(TRANSFER_ENCODING);
    let empty = !chunked && lengths.iter().all(|length| length == "0");
    if empty {
        return Ok(());
    }
    if method != Method::POST {
        return Err(Error::UnexpectedBody);
    }
    // Two ways to say where a body ends: the other carrier of request smuggling. The HTTP library
    // lets only one of the two through, and this does not rely on it.
    if chunked && lengths.iter().next().is_some() {
        return Err(Error::UnexpectedBody);
    }
    if chunked && !is_chunked_alone(headers) {
        return Err(Error::NoForm);
    }
    if !is_form(headers) || headers.contains_key(CONTENT_ENCODING) {
        return Err(Error::NoForm);
    }
    let length = lengths
        .iter()
        .next()
        .and_then(|length| length.to_str().ok());
    match length.map(str::parse::<usize>) {
        None => Ok(()),
        Some(Ok(length)) if length <= MAX_FORM_LENGTH => Ok(()),
        Some(Ok(_) | Err(_)) => Err(Error::TooLarge),
    }
}

/// Whether chunks are all that is done to the body on its way. The HTTP library undoes no other
/// coding (`gzip, chunked`), so what arrives would be read as a form that it is not, and a proxy in
/// front that does undo it would have read another one.
pub(crate) fn is_chunked_alone(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let (first, more) = (codings.next(), codings.next());
    more.is_none() && first.is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (first, more) = (types.next(), types.next());
    let Some(Ok(text)) = first.map(|value| value.to_str()) else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    more.is_none() && essence.eq_ignore_ascii_case(FORM)
}

/// Reads the form, which [`check`] has found to be one.
pub(crate) async fn read<B>(body: B) -> Result<String, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let collected = timeout(PATIENCE, Limited::new(body, MAX_FORM_LENGTH).collect()).await;
    let bytes = match collected {
        Err(_) => return Err(Error::SlowBody),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Error::TooLarge),
        // The caller has gone, or chunks are no chunks.
        Ok(Err(_)) => return Err(Error::BrokenBody),
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    String::from_utf8(bytes.into())
        .map_err(|_| Error::BadData("the form is not valid percent-encoded UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn threat_17_two_ways_to_say_where_a_body_ends_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        assert_eq!(check(&Method::POST, &headers), Ok(()));
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("8"));
        assert_eq!(check(&Method::POST, &headers), Err(Error::UnexpectedBody));
        headers.remove(TRANSFER_ENCODING);
        assert_eq!(check(&Method::POST, &headers), Ok(()));
        assert_eq!(check(&Method::GET, &headers), Err(Error::UnexpectedBody));
    }

    #[test]
    fn threat_17_a_body_is_coded_in_chunks_and_in_nothing_else() {
        let check = |codings: &[&'static str]| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
            for coding in codings {
                headers.append(TRANSFER_ENCODING, HeaderValue::from_static(coding));
            }
            check(&Method::POST, &headers)
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
