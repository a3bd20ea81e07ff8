//! What the files hold, and what TLS is made of them.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio_rustls::TlsAcceptor;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use crate::settings::{ClientAuthorities, ListenerTls, TlsVersion};
use crate::transport::tls::{authorities, certificates, misfit, private_key};
use crate::transport::{TransportError, content, read, unusable};

const CERTIFICATE: &str = "certificate file";
const KEY: &str = "key file";
const CLIENT_CA: &str = "client CA file";

/// As many names of a certificate as are shown.
const NAMES: usize = 5;

/// What the files held when they were last read.
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
    /// Whether everybody on the machine may read the key.
    pub(super) is_exposed: bool,
}

/// What was made of them.
pub(super) struct Loaded {
    pub(super) acceptor: TlsAcceptor,
    pub(super) certificate: PathBuf,
    pub(super) validity: Validity,
    /// The key's file, where everybody on the machine may read it.
    exposed: Option<PathBuf>,
}

/// For whom and until when a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    names: Vec<String>,
    from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Files {
    pub(super) fn read(settings: &ListenerTls) -> Result<Self, TransportError> {
        let clients = settings.clients.as_ref();
        let client_ca = clients.map(|clients| read(CLIENT_CA, &clients.file));
        let certificate = read(CERTIFICATE, &settings.certificate)?;
        let key = content(KEY, &settings.key)?;
        Ok(Self {
            certificate,
            key: key.bytes,
            client_ca: client_ca.transpose()?,
            is_exposed: key.is_readable_by_all,
        })
    }

    /// Whether the others hold the same, whoever may read them.
    pub(super) fn hold_what(&self, others: &Self) -> bool {
        self.certificate == others.certificate
            && self.key == others.key
            && self.client_ca == others.client_ca
    }
}

/// Says that the key is everybody's.
pub(super) fn warn_of_exposed(key: &Path) {
    tracing::warn!(
        key = %key.display(),
        "every user of this machine may read the key of the certificate: see its permissions"
    );
}

impl Loaded {
    /// Says what holds from now on.
    pub(super) fn introduce(&self) {
        let (certificate, until) = (self.certificate.display(), self.validity.until);
        let names = &self.validity;
        tracing::info!(%certificate, %names, %until, "new connections get this certificate");
        if let Some(key) = &self.exposed {
            warn_of_exposed(key);
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.names.len().min(NAMES);
        f.write_str(&self.names[..shown].join(", "))?;
        match self.names.len() - shown {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Makes TLS of what the files hold, if that can be used at `now`.
pub(super) fn load(
    settings: &ListenerTls,
    files: &Files,
    now: Timestamp,
) -> Result<Loaded, TransportError> {
    let chain = certificates(CERTIFICATE, &settings.certificate, &files.certificate)?;
    let validity = validity(&settings.certificate, chain.first(), now)?;
    let key = private_key(KEY, &settings.key, &files.key)?;
    let versions: &[&SupportedProtocolVersion] = match settings.least {
        TlsVersion::Tls12 => &[&TLS13, &TLS12],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(TransportError::Tls)?;
    let builder = match (&settings.clients, &files.client_ca) {
        (Some(clients), Some(pem)) => builder.with_client_cert_verifier(verifier(clients, pem)?),
        _ => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        let of = format!("the certificate {}", settings.certificate.display());
        misfit(KEY, &settings.key, &of, &error)
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if settings.clients.is_some() {
        // A session that is taken up again is not asked for its certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(Loaded {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        certificate: settings.certificate.clone(),
        validity,
        exposed: files.is_exposed.then(|| settings.key.clone()),
    })
}

fn verifier(
    clients: &ClientAuthorities,
    pem: &[u8],
) -> Result<Arc<dyn ClientCertVerifier>, TransportError> {
    let roots = Arc::new(authorities(CLIENT_CA, &clients.file, pem)?);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(roots, provider);
    let builder = if clients.optional {
        builder.allow_unauthenticated()
    } else {
        builder
    };
    builder.build().map_err(|error| {
        let wrong = format!("cannot be used: {error}");
        unusable(CLIENT_CA, &clients.file, wrong)
    })
}

/// For whom and until when the certificate is, if it is for now.
fn validity(
    file: &Path,
    certificate: Option<&CertificateDer<'_>>,
    now: Timestamp,
) -> Result<Validity, TransportError> {
    let unusable = |wrong: String| unusable(CERTIFICATE, file, wrong);
    let der = certificate.map_or(&[][..], |certificate| certificate.as_ref());
    let (_, parsed) = parse_x509_certificate(der)
        .map_err(|error| unusable(format!("holds no X.509 certificate: {error}")))?;
    let time = |time: x509_parser::time::ASN1Time| {
        Timestamp::from_second(time.timestamp())
            .map_err(|error| unusable(format!("has a time that is none: {error}")))
    };
    let names = match parsed.subject_alternative_name() {
        Ok(Some(names)) => names.value.general_names.iter().map(shown).collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    let validity = Validity {
        names,
        from: time(parsed.validity().not_before)?,
        until: time(parsed.validity().not_after)?,
    };
    if now > validity.until {
        return Err(unusable(format!("expired at {}", validity.until)));
    }
    if now < validity.from {
        return Err(unusable(format!("is not valid before {}", validity.from)));
    }
    Ok(validity)
}

/// A certificate's name as it stands in URLs: `localhost`, `127.0.0.1`.
fn shown(name: &GeneralName<'_>) -> String {
    if let GeneralName::DNSName(name) = name {
        return (*name).to_owned();
    }
    if let GeneralName::IPAddress(bytes) = name {
        let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
        let address = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
        if let Ok(address) = address {
            return address.to_string();
        }
    }
    name.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_they_stand_in_urls() {
        let v6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        for (name, expected) in [
            (GeneralName::DNSName("localhost"), "localhost"),
            (GeneralName::IPAddress(&[127, 0, 0, 1]), "127.0.0.1"),
            (GeneralName::IPAddress(&v6), "::1"),
        ] {
            assert_eq!(shown(&name), expected);
        }
    }
}
