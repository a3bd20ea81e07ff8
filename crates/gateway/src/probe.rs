//! Asking a running gateway whether it is healthy, as whoever supervises it does.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::settings::{ClientCertificate, TlsSettings};
use crate::transport::{TransportError, tls};

/// How much of an answer is read and shown, in bytes.
const SHOWN: usize = 2048;

/// How soon it is asked again while it shows another certificate than it should.
const AGAIN: Duration = Duration::from_millis(250);

/// What is asked, and how.
#[derive(Clone, Debug)]
pub struct Question {
    /// The whole URL.
    pub url: Url,
    /// Over TLS, whom to believe.
    pub trust: Trust,
    /// What to show a server that asks for a certificate.
    pub client: Option<ClientCertificate>,
    /// How long it may take until all of the answer is there.
    pub timeout: Duration,
}

/// Which certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The first one of this file, whatever its names are, and no other. A gateway that is asked on loopback
    /// shows one for the names by which callers know it.
    File(PathBuf),
    /// Those for the URL's host, of the authorities in this file, or of the machine's.
    Authorities(Option<PathBuf>),
}

/// Why it is not healthy, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// There is no connection.
    #[error("nobody listens at {url}: {source}")]
    Nobody {
        /// What was asked.
        url: Url,
        /// What the system says.
        source: io::Error,
    },
    /// It takes too long.
    #[error("{url} did not answer within {time:?}")]
    TooLate {
        /// What was asked.
        url: Url,
        /// How long it had.
        time: Duration,
    },
    /// It says that it is not.
    #[error("{url} answered {status}: {said}")]
    Answered {
        /// What was asked.
        url: Url,
        /// The status of the answer.
        status: StatusCode,
        /// The beginning of the answer.
        said: String,
    },
    /// It shows a certificate that is not the one in the file.
    #[error(
        "{url} shows another certificate than the one in {}: a gateway takes another one within seconds, and its log says why where it does not",
        .file.display()
    )]
    OtherCertificate {
        /// What was asked.
        url: Url,
        /// The file.
        file: PathBuf,
    },
    /// It wants to see a certificate.
    #[error("{url} asks for a client certificate, and none was shown")]
    NeedsCertificate {
        /// What was asked.
        url: Url,
    },
    /// A file cannot be used.
    #[error(transparent)]
    Unusable(#[from] TransportError),
    /// The connection broke off, or what came was no answer.
    #[error("{url} gave no answer: {source}")]
    NoAnswer {
        /// What was asked.
        url: Url,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Asks, and returns if the answer is a 200.
///
/// Files of TLS are read each time. A gateway takes another certificate some seconds after its file has
/// changed, so while it shows another one than that of [`Trust::File`] it is asked again.
///
/// # Errors
///
/// If there is any other answer, or none in time.
pub async fn ask(question: &Question) -> Result<(), Unhealthy> {
    let mut other = None;
    let asked = tokio::time::timeout(question.timeout, async {
        loop {
            match once(question).await {
                Err(error @ Unhealthy::OtherCertificate { .. }) => other = Some(error),
                outcome => return outcome,
            }
            tokio::time::sleep(AGAIN).await;
        }
    });
    match asked.await {
        Ok(outcome) => outcome,
        Err(_) => Err(other.unwrap_or_else(|| Unhealthy::TooLate {
            url: question.url.clone(),
            time: question.timeout,
        })),
    }
}

async fn once(question: &Question) -> Result<(), Unhealthy> {
    let url = &question.url;
    let no_answer = |source: Box<dyn Error + Send + Sync>| Unhealthy::NoAnswer {
        url: url.clone(),
        source,
    };
    let nobody = |source| Unhealthy::Nobody {
        url: url.clone(),
        source,
    };
    let port = url.port_or_known_default().unwrap_or_default();
    let connected = match url.host() {
        Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
        Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
        Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
        None => Err(io::Error::other("the URL has no host")),
    };
    let stream = connected.map_err(nobody)?;
    if url.scheme() != "https" {
        return exchange(stream, url).await.map_err(no_answer)?;
    }
    let name = match url.host() {
        Some(Host::Ipv4(address)) => ServerName::from(std::net::IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => ServerName::from(std::net::IpAddr::V6(address)),
        Some(Host::Domain(name)) => {
            let name = ServerName::try_from(name.to_owned());
            name.map_err(|error| no_answer(error.into()))?
        }
        None => return Err(no_answer("the URL has no host".into())),
    };
    let connector = connector(question)?;
    let outcome = match connector.connect(name, stream).await {
        Ok(stream) => exchange(stream, url).await,
        Err(error) => Err(error.into()),
    };
    outcome.map_err(|error| explained(question, error))?
}

/// What makes the connection, with what the files hold now.
fn connector(question: &Question) -> Result<TlsConnector, TransportError> {
    let settings = |ca_file| TlsSettings {
        ca_file,
        client: question.client.clone(),
        server_name: None,
    };
    let config = match &question.trust {
        Trust::File(file) => tls::pinned(&settings(None), file)?,
        Trust::Authorities(file) => tls::once(&settings(file.clone()))?,
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Sends the request; the inner result is about the answer.
async fn exchange<S>(
    stream: S,
    url: &Url,
) -> Result<Result<(), Unhealthy>, Box<dyn Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    let request = Request::get(url.path())
        .header(HOST, url.authority())
        .body(Empty::<Bytes>::new())?;
    let answered = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), SHOWN).collect().await;
        let said = body.map_or_else(
            |error| error.to_string(),
            |body| harmless(&String::from_utf8_lossy(&body.to_bytes())),
        );
        Ok::<_, hyper::Error>((status, said))
    };
    tokio::pin!(connection, answered);
    // Whichever ends first, the answer is asked: the server may close the connection behind it.
    let (status, said) = tokio::select! {
        answer = &mut answered => answer?,
        ended = &mut connection => {
            ended?;
            answered.await?
        }
    };
    Ok(if status == StatusCode::OK {
        Ok(())
    } else {
        Err(Unhealthy::Answered {
            url: url.clone(),
            status,
            said: said.trim().to_owned(),
        })
    })
}

/// `text` on one line, without what a terminal would obey: whoever listens there may have written it.
fn harmless(text: &str) -> String {
    let shown = |char: char| if char.is_control() { ' ' } else { char };
    text.chars().map(shown).collect()
}

/// What went wrong over TLS.
fn explained(question: &Question, error: Box<dyn Error + Send + Sync>) -> Unhealthy {
    let url = question.url.clone();
    let reason = reason(&*error);
    if let (Some(rustls::Error::InvalidCertificate(wrong)), Trust::File(file)) =
        (reason, &question.trust)
        && *wrong == CertificateError::ApplicationVerificationFailure
    {
        let file = file.clone();
        return Unhealthy::OtherCertificate { url, file };
    }
    let refused = matches!(
        reason,
        Some(rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
        ))
    );
    if refused && question.client.is_none() {
        return Unhealthy::NeedsCertificate { url };
    }
    Unhealthy::NoAnswer { url, source: error }
}

/// What TLS says of it, wherever it is in the chain of reasons.
fn reason<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(reason) = error.downcast_ref::<rustls::Error>() {
            return Some(reason);
        }
        // An error of the system is not the source of itself, and what it holds is skipped by `source`.
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
