//! `ktrlplane health`: is the gateway that runs here healthy?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gateway::ListenerTls;
use gateway::probe::{self, Question, Trust, Unhealthy};
use gateway::settings::ClientCertificate;
use tokio::runtime::Builder;
use url::Url;

use super::{Failure, Source};
use crate::output;

/// The command line lacks what is needed to ask.
const USAGE: u8 = 2;

/// Ask the running gateway whether it is healthy.
///
/// It asks `/readyz`: is everything there that requests need? The exit code is 0 if the answer is a 200,
/// 1 if it is another one or none comes, which standard error then says, and 2 where the command line is
/// wrong.
///
/// Address, port and TLS are those of the configuration, from the same file and environment as `serve` has
/// them; nothing else of it need be there. A gateway that listens on all addresses is asked on loopback.
///
/// Over TLS, whoever is asked has to show the very certificate that `server.tls.certificate` names, and to
/// have its key; for which names it is, and who has signed it, does not count. So an address for which the
/// certificate is not made can be asked, and nobody else can answer in the gateway's place. While a new
/// file is not yet in force, it is asked again until the time is over. With `--url`, the certificate must be
/// for the URL's host, by an authority of the machine or of `--ca`.
///
/// Where `server.tls.client_ca` demands certificates of callers, this is a caller, too: give it one by
/// `--cert` and `--key`, or leave such a health check out.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane health --config /etc/ktrlplane/config.yaml
  ktrlplane health --live --timeout 500ms
  ktrlplane health --url https://observability.example.com
  ktrlplane health --cert probe.crt --key probe.key

In a Dockerfile:
  HEALTHCHECK CMD [\"/usr/local/bin/ktrlplane\", \"health\"]")]
pub(crate) struct Arguments {
    /// Ask `/livez` in place of `/readyz`: does it answer at all?
    #[arg(long)]
    live: bool,
    /// Ask there, and not where the configuration says: `http://127.0.0.1:8080`.
    #[arg(long, value_name = "URL", value_parser = base, conflicts_with = "config")]
    url: Option<Url>,
    /// PEM file with the authorities to trust, in place of the machine's.
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// PEM file with the certificate to show a gateway that asks for one.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// PEM file with its private key, not encrypted.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// How long it may take, such as 500ms or 2s.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = super::time)]
    timeout: Duration,
    #[command(flatten)]
    source: Source,
}

fn base(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_bare = url.query().is_none() && url.fragment().is_none();
    let is_open = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_bare || !is_open {
        return Err("expected an http or https URL without user, query and fragment".to_owned());
    }
    Ok(url)
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let question = question(arguments)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::new)?;
    let asked = runtime.block_on(probe::ask(&question));
    // A name that is still looked up, or a disk that hangs, is not waited for: the time is over.
    runtime.shutdown_background();
    match asked {
        Ok(()) => Ok(output::line(format_args!("{} is well", question.url))?),
        Err(error @ Unhealthy::NeedsCertificate { .. }) => Err(Failure::new(format_args!(
            "{error}: give it one by --cert and --key"
        ))),
        Err(error) => Err(Failure::new(error)),
    }
}

fn question(arguments: &Arguments) -> Result<Question, Failure> {
    let client = match (&arguments.cert, &arguments.key) {
        (Some(cert), Some(key)) => Some(ClientCertificate {
            cert_file: cert.clone(),
            key_file: key.clone(),
        }),
        _ => None,
    };
    let (mut url, trust) = if let Some(url) = &arguments.url {
        (url.clone(), Trust::Authorities(arguments.ca.clone()))
    } else {
        let (listen, tls) = arguments.source.listener()?;
        configured(listen, tls.as_ref(), client.is_some())?
    };
    let probe = if arguments.live { "livez" } else { "readyz" };
    let path = format!("{}/{probe}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(Question {
        url,
        trust,
        client,
        timeout: arguments.timeout,
    })
}

/// Where the configuration says that the gateway is, and whom to believe there.
fn configured(
    listen: SocketAddr,
    tls: Option<&ListenerTls>,
    has_certificate: bool,
) -> Result<(Url, Trust), Failure> {
    if listen.port() == 0 {
        let sentence = "server.port is 0, so that the system picks the port: name it by --url";
        return Err(Failure::new(sentence).with_code(USAGE));
    }
    let clients = tls.and_then(|tls| tls.clients.as_ref());
    if let Some(clients) = clients
        && !clients.optional
        && !has_certificate
    {
        return Err(Failure::new(format_args!(
            "the gateway demands a client certificate of every caller (server.tls.client_ca): give one by \
             --cert and --key that an authority of {} has signed, or leave this health check out",
            clients.file.display()
        ))
        .with_code(USAGE));
    }
    let address = SocketAddr::new(reachable(listen.ip()), listen.port());
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = Url::parse(&format!("{scheme}://{address}")).map_err(Failure::new)?;
    let trust = tls.map_or(Trust::Authorities(None), |tls| {
        Trust::File(tls.certificate.clone())
    });
    Ok((url, trust))
}

/// An address at which one that listens on `address` can be reached from here.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => address,
    }
}
