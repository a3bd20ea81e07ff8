//! The caller's body: bounded, of one content type, and only where a route takes one; and bounded with
//! all others that are on their way.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use directory::policy::Subject;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::error::{Error, Flaw};
use crate::ingest::Refusal;
use crate::limit::{Exceeded, Limit, Whose};
use crate::room::{Full, Place, Room};
use crate::settings::ConnectionSettings;

/// The longest body that is read, in bytes.
pub(crate) const MAX_LENGTH: usize = 1 << 20;

/// What all bodies that are read here may hold together, in bytes.
const ROOM: usize = 64 << 20;

/// What of it one subject's may.
pub(crate) const SHARE: usize = 8 << 20;

/// Bodies of up to this length are not counted: as many of them as there may be connections are less
/// than those take, and to count each would cost more than it tells.
const FREE: usize = 16 << 10;

/// When somebody may try again whose bodies hold as much as they may.
const SOON: Duration = Duration::from_secs(1);

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
    // Two ways to say where a body ends: the other carrier of request smuggling. The HTTP library reads
    // chunks where both are there, as RFC 9112 (section 6.3) has it, removes the length from the headers,
    // and closes the connection after the answer, so that nothing behind the body is taken for a request.
    // Here both would mean that it no longer does.
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

/// Where bodies are read to, and whose this one is.
pub(crate) type For<'a> = (&'a Arc<Room<Subject>>, &'a Subject);

/// A body, and its part of the room, to be held for as long as the body is. Short ones have none.
pub(crate) type Held<T> = (T, Option<Place<Subject>>);

/// The room for all bodies that are read here.
pub(crate) fn room() -> Arc<Room<Subject>> {
    Arc::new(Room::new(ROOM, SHARE, 1))
}

/// Reads a body, which [`check`] has let through, and which may take so long to arrive.
pub(crate) async fn read<B>(body: B, patience: Duration, of: For<'_>) -> Result<Held<Bytes>, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let taken = take(Limited::new(body, MAX_LENGTH), of);
    timeout(patience, taken)
        .await
        .map_err(|_| Error::SlowBody)?
}

/// Takes what comes into the room as it comes.
async fn take<B>(body: Limited<B>, of: For<'_>) -> Result<Held<Bytes>, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut body = pin!(body);
    let (mut whole, mut place) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return Error::TooLarge;
            }
            // The caller has gone, or chunks are no chunks.
            Error::BrokenBody
        })?;
        // Trailers say nothing that is asked for.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let all = whole.len().saturating_add(data.len());
        if whole.is_empty() && body.is_end_stream() {
            // It has come in one piece, which is copied nowhere.
            hold(&mut place, all, of)?;
            return Ok((data, place));
        }
        if all > whole.capacity() {
            // By no more than has come already: an announced length costs nothing.
            let most = if all <= FREE { FREE } else { MAX_LENGTH };
            let grown = all.saturating_mul(2).min(most).max(all);
            hold(&mut place, grown, of)?;
            whole.reserve_exact(grown - whole.len());
        }
        whole.extend_from_slice(&data);
    }
    Ok((whole.into(), place))
}

fn hold(
    place: &mut Option<Place<Subject>>,
    bytes: usize,
    (room, whose): For<'_>,
) -> Result<(), Error> {
    if bytes <= FREE {
        return Ok(());
    }
    let held = match place {
        Some(place) => place.hold(bytes),
        None => room.enter(whose).and_then(|mut entered| {
            entered.hold(bytes)?;
            *place = Some(entered);
            Ok(())
        }),
    };
    held.map_err(|full| match full {
        Full::Share => Error::Limited(Exceeded {
            whose: Whose::Subject,
            limit: Limit::Bodies(SHARE),
            retry_after: SOON,
        }),
        Full::Room => Error::NoRoom,
    })
}

/// Reads a form, which [`check`] has found to be one.
pub(crate) async fn read_form<B>(
    body: B,
    patience: Duration,
    of: For<'_>,
) -> Result<Held<String>, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (bytes, place) = read(body, patience, of).await?;
    let form = String::from_utf8(bytes.into()).map_err(|_| {
        Error::BadData(
            Flaw::Parameter,
            "the form is not valid percent-encoded UTF-8".to_owned(),
        )
    })?;
    Ok((form, place))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http::HeaderValue;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(5);

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

    /// A body that comes in pieces of a KiB.
    fn pieces(length: usize) -> impl http_body::Body<Data = Bytes, Error = Infallible> {
        let piece = Bytes::from(vec![b'x'; 1 << 10]);
        let frames = std::iter::repeat_n(piece, length >> 10);
        StreamBody::new(stream::iter(frames.map(|piece| Ok(Frame::data(piece)))))
    }

    #[tokio::test]
    async fn bodies_hold_no_more_than_their_subjects_share_and_than_the_room() {
        let room = room();
        let read = async |whose: &str, length: usize| {
            let subject = Subject::new(whose).unwrap();
            read(pieces(length), PATIENCE, (&room, &subject)).await
        };
        let mut held = Vec::new();
        let refused = loop {
            match read("a", MAX_LENGTH).await {
                Ok((bytes, place)) => held.push((bytes.len(), place)),
                Err(error) => break error,
            }
        };
        assert_eq!(held.len(), SHARE / MAX_LENGTH);
        assert!(held.iter().all(|(length, _)| *length == MAX_LENGTH));
        let Error::Limited(exceeded) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(exceeded.limit, Limit::Bodies(SHARE));
        // Short ones are always read, and hold nothing.
        let (short, place) = read("a", FREE).await.unwrap();
        assert!(short.len() == FREE && place.is_none());
        // Others have theirs, as long as there is room; and then still some, if it is little.
        let full = loop {
            match read(&format!("b{}", held.len() % 8), MAX_LENGTH).await {
                Ok((bytes, place)) => held.push((bytes.len(), place)),
                Err(error) => break error,
            }
        };
        assert_eq!(full, Error::NoRoom);
        assert!(held.len() * MAX_LENGTH >= ROOM / 8 * 7 - MAX_LENGTH);
        assert!(read("c", 100 << 10).await.is_ok());
        held.clear();
        assert!(read("a", MAX_LENGTH).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_is_longer_than_it_may_be_is_too_large() {
        let (room, subject) = (room(), Subject::new("a").unwrap());
        let long = read(pieces(MAX_LENGTH + 1024), PATIENCE, (&room, &subject)).await;
        assert_eq!(long.unwrap_err(), Error::TooLarge);
        let empty = read(pieces(0), PATIENCE, (&room, &subject)).await;
        assert_eq!(empty.unwrap().0, Bytes::new());
    }
}
