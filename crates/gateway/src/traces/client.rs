//! The HTTP client that batches go over: the one that the gateway has anyway.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::time::timeout;
use url::Url;

use super::PATIENCE;
use crate::connector::Connector;

/// The longest answer that is read, in bytes: it says how many spans were refused.
const MAX_LENGTH: usize = 64 << 10;

pub(super) struct Client(legacy::Client<Connector, Full<Bytes>>);

impl Client {
    pub(super) fn new(endpoint: &Url) -> Result<Self, std::io::Error> {
        let connector = Connector::for_scheme(endpoint.scheme())?;
        let client = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self(client))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let exchange = async {
            let answer = self.0.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, MAX_LENGTH).collect().await?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        timeout(PATIENCE, exchange).await?
    }
}
