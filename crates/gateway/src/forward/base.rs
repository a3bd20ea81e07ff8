//! One URL of a backend, read once.

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};

/// What most requests need behind their path, in bytes.
const ROOM: usize = 512;

/// One URL of a backend, without a slash at its end.
#[derive(Debug)]
pub(crate) struct Base {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    /// Its path, which is often empty.
    prefix: String,
    /// Bytes before its path.
    before: usize,
}

impl Base {
    /// Reads it.
    pub(crate) fn parse(url: &str) -> Result<Self, http::Error> {
        let url = url.trim_end_matches('/');
        let parts = Uri::try_from(url)?.into_parts();
        let path = parts.path_and_query.as_ref().map_or("", |path| path.path());
        // An empty path is read as this.
        let prefix = path.trim_end_matches('/').to_owned();
        Ok(Self {
            before: url.len() - prefix.len(),
            scheme: parts.scheme,
            authority: parts.authority,
            prefix,
        })
    }

    /// The path at this URL, with room for what comes behind it.
    pub(super) fn path(&self, path: &str) -> String {
        let mut whole = String::with_capacity(self.prefix.len() + path.len() + ROOM);
        whole.push_str(&self.prefix);
        whole.push_str(path);
        whole
    }

    /// How long the URL with this path and query is, in bytes.
    pub(super) fn length(&self, path_and_query: &str) -> usize {
        self.before + path_and_query.len()
    }

    /// The URL with this path and query.
    pub(super) fn uri(&self, path_and_query: String) -> Result<Uri, http::Error> {
        let mut parts = Parts::default();
        parts.scheme.clone_from(&self.scheme);
        parts.authority.clone_from(&self.authority);
        let path_and_query = Bytes::from(path_and_query);
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(path_and_query)?);
        Ok(Uri::from_parts(parts)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_what_it_is_when_put_together_as_a_text() {
        for url in [
            "http://loki:3100",
            "http://loki:3100/",
            "https://logs.example.com/a/b",
            "https://logs.example.com/a%20b/",
            "http://[::1]:9009/prometheus",
        ] {
            let base = Base::parse(url).unwrap();
            let mut path = base.path("/loki/api/v1/query_range");
            path.push_str("?query=%7B%7D&limit=1");
            let whole = format!(
                "{}/loki/api/v1/query_range?query=%7B%7D&limit=1",
                url.trim_end_matches('/')
            );
            assert_eq!(base.length(&path), whole.len());
            assert_eq!(base.uri(path).unwrap().to_string(), whole);
        }
    }
}
