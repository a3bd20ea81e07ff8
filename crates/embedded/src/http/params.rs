//! Parameters of a request, from its form and its URL.

use axum::body::Body;
use axum::extract::Request;
use http::{HeaderMap, StatusCode, header};

/// Bytes that a form may have.
const FORM_SIZE: usize = 1 << 20;

/// The parameters of a request: those of its form before those of its URL, as Go's `Request.Form`
/// has them.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the parameters; the headers come along for what else is asked of them.
    pub(super) async fn read(request: Request) -> Result<(HeaderMap, Self), (StatusCode, String)> {
        let (parts, body) = request.into_parts();
        let mut params = Vec::new();
        if parts.method == http::Method::POST {
            params = form(&parts.headers, body).await?;
        }
        let query = parts.uri.query().unwrap_or_default();
        params.extend(form_urlencoded::parse(query.as_bytes()).into_owned());
        Ok((parts.headers, Self(params)))
    }

    /// The first value of `name`; the empty string where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(own, _)| own == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// All values of `name`.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(own, _)| own == name);
        named.map(|(_, value)| value.as_str())
    }
}

async fn form(
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<(String, String)>, (StatusCode, String)> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "forms are application/x-www-form-urlencoded".to_owned(),
        ));
    }
    let bytes = axum::body::to_bytes(body, FORM_SIZE).await.map_err(|_| {
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the form could not be read, or has more than {FORM_SIZE} bytes"),
        )
    })?;
    Ok(form_urlencoded::parse(&bytes).into_owned().collect())
}
