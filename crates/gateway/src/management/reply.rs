//! Answers.

use bytes::Bytes;
use directory::manage::list::Listed;
use directory::manage::record::{Done, Tagged};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LINK, LOCATION};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::{Call, refused};
use crate::error::Error;
use crate::routes::Query;
use crate::stream::Body;

/// On the answer to a repetition, which has written nothing.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl Call<'_> {
    /// A record, unless the caller has it already or has asked for another state of it.
    pub(super) fn record<T: Serialize>(
        &self,
        found: Result<Tagged<T>, directory::DirectoryError>,
    ) -> Result<Response<Body>, Error> {
        let Tagged { record, etag } = found.map_err(refused)?;
        if !self.conditions.holds(&etag) {
            return Err(Error::PreconditionFailed);
        }
        let mut response = if self.conditions.has(&etag) {
            empty(StatusCode::NOT_MODIFIED)
        } else {
            json(StatusCode::OK, &record)?
        };
        tag(&mut response, Some(&etag));
        Ok(response)
    }

    /// A page, with a link to the next one if there is any (RFC 8288).
    pub(super) fn page<T: Serialize>(&self, listed: &Listed<T>) -> Result<Response<Body>, Error> {
        let mut response = json(StatusCode::OK, &listed.records)?;
        if let Some(next) = &listed.next {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if let Some(organization) = &self.query.organization {
                query.append_pair(Query::Organization.name(), organization.as_str());
            }
            let query = query
                .append_pair(Query::Limit.name(), &self.query.limit().to_string())
                .append_pair(Query::Cursor.name(), next)
                .finish();
            // Paths of pages hold ids and nothing that a link would have to escape.
            let link = format!("<{}?{query}>; rel=\"next\"", self.path);
            response.headers_mut().insert(LINK, header(&link)?);
        }
        Ok(response)
    }

    /// Something that has neither pages nor a tag.
    pub(super) fn told<T: Serialize>(
        told: Result<T, directory::DirectoryError>,
    ) -> Result<Response<Body>, Error> {
        json(StatusCode::OK, &told.map_err(refused)?)
    }
}

/// The answer to a creation: the record, and where it is.
pub(super) fn created(done: Done, location: &str) -> Result<Response<Body>, Error> {
    let mut response = written(done, StatusCode::CREATED)?;
    response.headers_mut().insert(LOCATION, header(location)?);
    Ok(response)
}

/// The answer to a change: the record as it is now.
pub(super) fn changed(done: Done) -> Result<Response<Body>, Error> {
    written(done, StatusCode::OK)
}

/// The answer to a removal.
pub(super) fn removed(done: &Done) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    replayed(&mut response, done.replayed);
    response
}

fn written(done: Done, status: StatusCode) -> Result<Response<Body>, Error> {
    let text = done.json.ok_or(Error::Internal)?;
    let mut response = with(status, Bytes::from(text));
    tag(&mut response, done.etag.as_deref());
    replayed(&mut response, done.replayed);
    Ok(response)
}

fn replayed(response: &mut Response<Body>, replayed: bool) {
    if replayed {
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
}

fn tag(response: &mut Response<Body>, etag: Option<&str>) {
    let etag = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
    response.headers_mut().extend(etag.map(|etag| (ETAG, etag)));
}

fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Body>, Error> {
    let bytes = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written as JSON");
        Error::Internal
    })?;
    Ok(with(status, Bytes::from(bytes)))
}

fn with(status: StatusCode, bytes: Bytes) -> Response<Body> {
    let mut response = empty(status);
    *response.body_mut() = Body::Own(Full::new(bytes));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Own(Full::default()));
    *response.status_mut() = status;
    // The caller's own copy may be asked about with its tag; nobody else is to keep one.
    let own = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(CACHE_CONTROL, own);
    response
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|_| Error::Internal)
}
