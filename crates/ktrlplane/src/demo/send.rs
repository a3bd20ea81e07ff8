//! Sending the demo's data as a customer's collector would: over HTTP, to one resource, with the
//! token of a service account.

mod badge;
mod proto;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use embedded::{LogStream, MetricMetadata, SampleSeries};
use gateway::Clock;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::identity::{IdentityProvider, KeyError};
use super::world::User;
use badge::Badge;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first wait before something is sent again; each further one is twice as long, up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LAST_WAIT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// Sends to one resource, and asks for what is there.
pub(super) struct Sender {
    /// Everything of the resource is below this URL.
    url: String,
    badge: Badge,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Something that is ready to be sent.
#[derive(Clone)]
pub(super) struct Parcel {
    path: &'static str,
    body: Bytes,
}

/// Why something was not taken, and never will be as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// The gateway says no.
    #[error("{url} answers {status}: {answer}")]
    Refused {
        /// What was asked.
        url: String,
        /// The status.
        status: StatusCode,
        /// The body.
        answer: String,
    },
    /// There is no token.
    #[error(transparent)]
    Token(#[from] KeyError),
    /// The request cannot be written down.
    #[error("cannot be sent: {0}")]
    Request(#[from] hyper::http::Error),
}

impl SendError {
    /// Whether it may be taken later, as it is: who sends lacks the role, or the resource is gone.
    pub(super) fn is_for_now(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(
                *status,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
            ),
            Self::Token(_) | Self::Request(_) => false,
        }
    }
}

impl Parcel {
    /// Log lines, for Loki's push.
    pub(super) fn logs(streams: Vec<LogStream>) -> Result<Self, snap::Error> {
        Ok(Self {
            path: "/loki/api/v1/push",
            body: proto::logs(streams)?,
        })
    }

    /// Samples, for remote write.
    pub(super) fn samples(
        series: Vec<SampleSeries>,
        metadata: Vec<MetricMetadata>,
    ) -> Result<Self, snap::Error> {
        Ok(Self {
            path: "/prometheus/api/v1/write",
            body: proto::samples(series, metadata)?,
        })
    }
}

impl Sender {
    /// A sender for `resource` at the gateway that listens at `address`.
    pub(super) fn new(
        address: SocketAddr,
        project: &str,
        resource: &str,
        account: &'static User,
        provider: Arc<IdentityProvider>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            url: format!("http://{address}/api/v1/projects/{project}/resources/{resource}"),
            badge: Badge::new(provider, clock, account),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends until it is taken or refused.
    pub(super) async fn send(&mut self, parcel: &Parcel) -> Result<(), SendError> {
        self.exchange(Method::POST, parcel.path, &parcel.body)
            .await
            .map(|_| ())
    }

    /// Asks until there is an answer; it is null where it is no JSON.
    pub(super) async fn ask(
        &mut self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Value, SendError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let path = format!("{path}?{query}");
        let answer = self.exchange(Method::GET, &path, &Bytes::new()).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_default())
    }

    /// Sends what is good to be sent again as often as it takes, waiting longer each time: after a
    /// 429, a 5xx and a connection that broke, when nobody can tell whether it was taken.
    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        body: &Bytes,
    ) -> Result<Bytes, SendError> {
        let url = format!("{}{path}", self.url);
        let mut wait = FIRST_WAIT;
        let mut has_new_token = false;
        loop {
            let mut request = Request::builder()
                .method(method.clone())
                .uri(&url)
                .header(AUTHORIZATION, format!("Bearer {}", self.badge.token()?));
            if method == Method::POST {
                request = request
                    .header(CONTENT_TYPE, "application/x-protobuf")
                    .header(CONTENT_ENCODING, "snappy");
            }
            let request = request.body(Full::new(body.clone()))?;
            match tokio::time::timeout(PATIENCE, self.answer(request)).await {
                Ok(Ok((head, answer))) => {
                    let status = head.status();
                    if status.is_success() {
                        return Ok(answer);
                    }
                    if status == StatusCode::UNAUTHORIZED && !has_new_token {
                        self.badge.forget();
                        has_new_token = true;
                        continue;
                    }
                    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
                        return Err(SendError::Refused {
                            url,
                            status,
                            answer: String::from_utf8_lossy(&answer).trim_end().to_owned(),
                        });
                    }
                    tracing::debug!(url, %status, "to be sent again");
                    wait = wait.max(asked_to_wait(&head).unwrap_or_default());
                }
                Ok(Err(error)) => tracing::debug!(url, error, "to be sent again"),
                Err(_) => tracing::debug!(url, "no answer in time; to be sent again"),
            }
            tokio::time::sleep(wait).await;
            wait = (2 * wait).min(LAST_WAIT);
        }
    }

    async fn answer(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<()>, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await?;
        Ok((Response::from_parts(head, ()), body.to_bytes()))
    }
}

/// What `Retry-After` says, where that are seconds.
fn asked_to_wait(head: &Response<()>) -> Option<Duration> {
    let seconds = head.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.parse().ok()?).min(PATIENCE))
}

#[cfg(test)]
mod tests;
