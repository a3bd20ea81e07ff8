//! `ktrlplane demo`: everything in one process, with sample data.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use url::Url;

use super::{DemoDir, Failure};
use crate::{demo, telemetry};

/// Run everything in one process, with sample data, and print what to try.
///
/// That is the gateway, a backend, a directory, and an identity provider of the demo's own. The
/// sample data begin an hour ago and go on growing: service accounts send them to the gateway, each
/// to the project of which it is an Editor. A demo that is started again goes on with the same data;
/// of the time in between, it adds the last hour.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane demo
  ktrlplane demo --listen 127.0.0.1:9090 --data-dir /tmp/demo

Users: alice (Owner of acme), erin (Editor of acme-shop), victor (Viewer of acme-shop),
gina (Owner of globex), mallory (no role), robot (a service account, Viewer of acme-shop).
Service accounts that send the data: acme-shop-sender, acme-lab-sender, globex-iot-sender.
`ktrlplane token NAME` prints a token for any of them; DIR/demo.json holds one for each user, and
what a gateway has to be told to take them: the issuer and the audience.")]
pub(crate) struct Arguments {
    /// Where to listen: an address of this machine's loopback only, port 0 for any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Another origin at which the Explore page is served, such as that of `npm run dev`:
    /// `http://localhost:5173`. The demo's identity provider signs people in there, too.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    page_origin: Option<String>,
    #[command(flatten)]
    dir: DemoDir,
}

/// An address as people write it: `localhost` is the name of one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").map(str::parse::<u16>);
    match port {
        Some(port) => port
            .ok()
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().ok(),
    }
    .ok_or_else(|| "expected an address and a port, such as 127.0.0.1:8080".to_owned())
}

/// An origin as browsers write it.
fn origin(text: &str) -> Result<String, String> {
    let origin = Url::parse(text).map(|url| url.origin().ascii_serialization());
    let origin = origin
        .ok()
        .filter(|origin| origin == text && origin != "null");
    origin.ok_or_else(|| "expected an origin, such as http://localhost:5173".to_owned())
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::new(format_args!(
            "the demo does not listen on {}: whoever reaches it can be anyone in it, so it stays \
             on this machine; expected an address such as 127.0.0.1:8080",
            arguments.listen
        )));
    }
    telemetry::start("warn");
    let page_origin = arguments.page_origin.clone();
    demo::run(arguments.listen, page_origin, &arguments.dir.data_dir).map_err(Failure::new)
}
