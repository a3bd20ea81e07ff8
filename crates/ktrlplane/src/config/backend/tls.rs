//! `tls` of a backend: whom to trust, and the gateway's own certificate.

use std::path::PathBuf;

use gateway::settings::{ClientCertificate, ServerName, TlsSettings};

use super::Section;
use crate::config::layers::Given;
use crate::config::problem::Problem;

const NAMES: [&str; 4] = [
    "tls.ca_file",
    "tls.cert_file",
    "tls.key_file",
    "tls.server_name",
];

/// Reads the section. Whether the files can be used shows when they are read.
pub(super) fn read(section: Section<'_>, problems: &mut Vec<Problem>) -> Option<TlsSettings> {
    let before = problems.len();
    problems.extend(in_the_clear(section));
    let path = |name: &str| {
        section
            .given(name)
            .map(|given| PathBuf::from(given.text.trim()))
    };
    let client = match (path("tls.cert_file"), path("tls.key_file")) {
        (None, None) => None,
        (Some(cert_file), Some(key_file)) => Some(ClientCertificate {
            cert_file,
            key_file,
        }),
        // One without the other: the missing one is named.
        (Some(_), None) => section.require("tls.key_file", problems, |_| Ok(None))?,
        (None, Some(_)) => section.require("tls.cert_file", problems, |_| Ok(None))?,
    };
    let server_name = match section.given("tls.server_name") {
        Some(_) => Some(section.require("tls.server_name", problems, server_name)?),
        None => None,
    };
    (problems.len() == before).then(|| TlsSettings {
        ca_file: path("tls.ca_file"),
        client,
        server_name,
    })
}

/// Somebody who configures TLS and an `http` URL believes the connection to be safe, and it isn't.
fn in_the_clear(section: Section<'_>) -> Option<Problem> {
    let url = section.given("url")?;
    let given = NAMES.iter().find_map(|name| section.given(name))?;
    let is_plain = url::Url::parse(url.text.trim()).is_ok_and(|url| url.scheme() == "http");
    is_plain.then(|| given.problem(format!("is given, and {} is not https", section.key("url"))))
}

fn server_name(given: &Given) -> Result<ServerName, String> {
    ServerName::new(given.text.trim()).map_err(|why| format!("is {}, which {why}", given.shown()))
}
