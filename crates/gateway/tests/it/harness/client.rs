//! A client, as thin as a test can use, and raw TCP.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Ask {
    address: SocketAddr,
    request: http::request::Builder,
    body: Bytes,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The body as it came.
    pub(crate) bytes: Bytes,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, path_and_query: &str) -> Self {
        let request = Request::get(path_and_query).header("host", address.to_string());
        Self {
            address,
            request,
            body: Bytes::new(),
        }
    }

    pub(crate) fn method(mut self, method: Method) -> Self {
        self.request = self.request.method(method);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// A POST with this form.
    pub(crate) fn form(self, form: &str) -> Self {
        self.method(Method::POST)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
    }

    /// A request with this JSON.
    pub(crate) fn json(self, method: Method, json: &str) -> Self {
        self.method(method)
            .header("content-type", "application/json")
            .body(json)
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self
    }

    /// A POST of these bytes.
    pub(crate) fn post(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.method(Method::POST)
            .header("content-type", content_type)
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sends on a connection of its own.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.unwrap()
    }

    /// Sends, and reads no further than to the status.
    pub(crate) async fn status(self) -> StatusCode {
        self.begin().await.unwrap().status()
    }

    /// Sends; an answer that breaks off is an error.
    pub(crate) async fn try_send(self) -> Result<Answer, hyper::Error> {
        let (parts, body) = self.begin().await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
            bytes: body,
        })
    }

    async fn begin(self) -> Result<Response<Incoming>, hyper::Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = self.request.body(Full::new(self.body)).unwrap();
        sender.send_request(request).await
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn value(&self) -> serde_json::Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {:?}", self.body),
        }
    }

    /// Status and body in one text, with the request's id left out.
    pub(crate) fn told(&self) -> String {
        let id = self.header("x-request-id").unwrap_or("-");
        format!("{} {}", self.status.as_u16(), self.body.replace(id, "<id>"))
    }
}

/// What all of these answers are: an answer that differs from the first is a failure.
pub(crate) fn alike(answers: impl IntoIterator<Item = String>) -> String {
    let mut answers = answers.into_iter();
    let first = answers.next().unwrap();
    for other in answers {
        assert_eq!(other, first);
    }
    first
}

/// Sends bytes as they are and reads until the gateway closes the connection, or half a second
/// passes without more.
pub(crate) async fn raw(address: SocketAddr, text: &str) -> String {
    raw_bytes(address, text.as_bytes()).await
}

/// The same of what need not be a text.
pub(crate) async fn raw_bytes(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let pause = std::time::Duration::from_millis(500);
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(pause, stream.read(&mut buffer)).await {
        answer.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}
