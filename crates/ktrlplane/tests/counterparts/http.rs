//! A client: one request, the whole answer, and no patience for a server that hangs.

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;
use url::Url;

/// No answer takes longer than this; one that does is a hang, and that is a failure.
const HANG: Duration = Duration::from_secs(20);

/// The runtime of the client and of the directories that tests fill.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("a runtime starts"));

static CLIENT: LazyLock<Client<HttpConnector, Full<Bytes>>> = LazyLock::new(|| {
    // No idle connections: a server that is stopped and started again must not meet an old one.
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http()
});

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the status, showing the body where it is another.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

/// The URL with a query string of `parameters`.
pub(crate) fn with_query(url: &str, parameters: &[(&str, &str)]) -> String {
    let mut url = Url::parse(url).expect("a URL");
    url.query_pairs_mut().extend_pairs(parameters);
    url.into()
}

/// GET, with a bearer token if one is given.
pub(crate) fn get(url: &str, token: Option<&str>) -> Answer {
    try_get(url, token).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// GET from a server that may not be there.
pub(crate) fn try_get(url: &str, token: Option<&str>) -> Result<Answer, String> {
    let mut request = Request::get(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(request.body(Full::default()).expect("a request"))
}

/// POST of a JSON text.
pub(crate) fn post_json(url: &str, token: &str, json: &str) -> Answer {
    let request = Request::post(url)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Full::from(json.to_owned()))
        .expect("a request");
    send(request).unwrap_or_else(|error| panic!("POST {url}: {error}"))
}

/// GET with headers of the caller's own.
pub(crate) fn get_as(url: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::default()).expect("a request");
    send(request).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// POST, with a body of the named type and further headers.
pub(crate) fn post(url: &str, kind: &str, headers: &[(&str, &str)], body: String) -> Answer {
    let mut request = Request::post(url).header("content-type", kind);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).expect("a request");
    send(request).unwrap_or_else(|error| panic!("POST {url}: {error}"))
}

fn send(request: Request<Full<Bytes>>) -> Result<Answer, String> {
    let exchange = async {
        let response = CLIENT
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        })
    };
    RUNTIME.block_on(async {
        tokio::time::timeout(HANG, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("no answer in {HANG:?}")))
    })
}
