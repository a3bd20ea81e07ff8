//! `server.tls`: the gateway's certificate, and those of its callers.

use std::path::PathBuf;

use gateway::{ClientAuthorities, ListenerTls, TlsVersion};

use super::layers::{Given, Layers};
use super::problem::Problem;

const CERTIFICATE: &str = "server.tls.certificate";
const KEY: &str = "server.tls.key";
const MIN_VERSION: &str = "server.tls.min_version";
const CLIENT_CA: &str = "server.tls.client_ca";
const CLIENT_CERTIFICATES: &str = "server.tls.client_certificates";

/// Whether `path` has something to say.
pub(super) fn holds(layers: &Layers, path: &str) -> bool {
    path != CLIENT_CERTIFICATES || layers.given(CLIENT_CA).is_some()
}

/// The keys by which callers get in that were kept out before.
pub(super) fn loosened(before: &ListenerTls, now: &ListenerTls) -> Vec<&'static str> {
    let mut loosened = Vec::new();
    if before.least == TlsVersion::Tls13 && now.least == TlsVersion::Tls12 {
        loosened.push(MIN_VERSION);
    }
    match (&before.clients, &now.clients) {
        (Some(_), None) => loosened.push(CLIENT_CA),
        (Some(before), Some(now)) if now.optional && !before.optional => {
            loosened.push(CLIENT_CERTIFICATES);
        }
        (Some(_), Some(_)) | (None, _) => {}
    }
    loosened
}

/// Reads the section. Whether the files can be used shows when they are read.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<ListenerTls> {
    let least = layers.require(MIN_VERSION, problems, |given| match given.text.trim() {
        "1.2" => Ok(TlsVersion::Tls12),
        "1.3" => Ok(TlsVersion::Tls13),
        _ => Err(format!("is {}", given.shown())),
    });
    let optional = layers.require(CLIENT_CERTIFICATES, problems, |given| {
        match given.text.trim() {
            "required" => Ok(false),
            "optional" => Ok(true),
            _ => Err(format!("is {}", given.shown())),
        }
    });
    let needs = |name: &str, needed: &str, problems: &mut Vec<Problem>| {
        if let (Some(given), None) = (layers.given(name), layers.given(needed))
            && (Some(given.text.trim()) != given.key.default || name == CLIENT_CERTIFICATES)
        {
            problems.push(given.problem(format!("is given, and {needed} is not")));
        }
    };
    // Whoever sets one of these believes that there is TLS. A default that is written out is no belief, but
    // for the last one: who writes `required` believes that nobody gets in without a certificate.
    needs(CERTIFICATE, KEY, problems);
    needs(KEY, CERTIFICATE, problems);
    needs(MIN_VERSION, CERTIFICATE, problems);
    needs(CLIENT_CA, CERTIFICATE, problems);
    needs(CLIENT_CERTIFICATES, CLIENT_CA, problems);
    let path = |given: &Given| PathBuf::from(given.text.trim());
    let clients = match (layers.given(CLIENT_CA).map(path), optional) {
        (Some(file), Some(optional)) => Some(ClientAuthorities { file, optional }),
        _ => None,
    };
    Some(ListenerTls {
        certificate: layers.given(CERTIFICATE).map(path)?,
        key: layers.given(KEY).map(path)?,
        least: least?,
        clients,
    })
}
