//! TLS towards a backend: who is trusted, and the gateway's own certificate.

mod pinned;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hyper_rustls::ConfigBuilderExt;
use rustls::client::WantsClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::{TransportError, read, unusable};
use crate::connector::{self, CONNECT_TIMEOUT, PROBE_TIMEOUT, TlsConnector};
use crate::settings::TlsSettings;
use pinned::Pinned;

const CA: &str = "CA file";
const CERTIFICATE: &str = "client certificate file";
const KEY: &str = "client key file";

/// The TLS of one backend. Connections that are open go on as they were made.
pub(super) struct Tls {
    settings: TlsSettings,
    /// What `connector` was made from; touched at the start and by one background task.
    files: Mutex<Files>,
    connector: Arc<ArcSwap<TlsConnector>>,
    prober: Arc<ArcSwap<TlsConnector>>,
}

/// What the files held when they were last read.
#[derive(PartialEq, Eq)]
struct Files {
    ca: Option<Vec<u8>>,
    /// Certificate and key.
    client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    pub(super) fn open(settings: &TlsSettings) -> Result<Self, TransportError> {
        let files = Files::read(settings)?;
        let [connector, prober] = connectors(settings, &files)?;
        Ok(Self {
            settings: settings.clone(),
            files: Mutex::new(files),
            connector: Arc::new(ArcSwap::from_pointee(connector)),
            prober: Arc::new(ArcSwap::from_pointee(prober)),
        })
    }

    /// What makes connections, kept up to date.
    pub(super) fn connector(&self) -> Arc<ArcSwap<TlsConnector>> {
        Arc::clone(&self.connector)
    }

    /// The same for the connections of probes.
    pub(super) fn prober(&self) -> Arc<ArcSwap<TlsConnector>> {
        Arc::clone(&self.prober)
    }

    pub(super) fn has_files(&self) -> bool {
        self.settings.ca_file.is_some() || self.settings.client.is_some()
    }

    /// Reads the files again, and says whether they hold something new.
    pub(super) fn reload(&self) -> Result<bool, TransportError> {
        if !self.has_files() {
            return Ok(false);
        }
        let files = Files::read(&self.settings)?;
        let mut held = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if files == *held {
            return Ok(false);
        }
        // A certificate may be new while its key is still the old one; the next round has both.
        let [connector, prober] = connectors(&self.settings, &files)?;
        self.connector.store(Arc::new(connector));
        self.prober.store(Arc::new(prober));
        *held = files;
        Ok(true)
    }
}

impl Files {
    fn read(settings: &TlsSettings) -> Result<Self, TransportError> {
        let ca = settings.ca_file.as_deref().map(|file| read(CA, file));
        let client = settings.client.as_ref().map(|client| {
            let certificate = read(CERTIFICATE, &client.cert_file)?;
            Ok((certificate, read(KEY, &client.key_file)?))
        });
        Ok(Self {
            ca: ca.transpose()?,
            client: client.transpose()?,
        })
    }
}

/// What makes connections for requests, and for probes.
fn connectors(settings: &TlsSettings, files: &Files) -> Result<[TlsConnector; 2], TransportError> {
    let config = config(settings, files)?;
    let name = settings
        .server_name
        .as_ref()
        .map(|name| name.as_pki().clone());
    Ok([
        connector::tls(config.clone(), name.clone(), CONNECT_TIMEOUT),
        connector::tls(config, name, PROBE_TIMEOUT),
    ])
}

fn config(settings: &TlsSettings, files: &Files) -> Result<ClientConfig, TransportError> {
    let builder = builder()?;
    let builder = match (&settings.ca_file, &files.ca) {
        (Some(file), Some(pem)) => builder.with_root_certificates(authorities(CA, file, pem)?),
        _ => builder.with_native_roots().map_err(TransportError::Roots)?,
    };
    showing(builder, settings, files)
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TransportError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TransportError::Tls)
}

/// TLS with the client's certificate, where there is one.
fn showing(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    settings: &TlsSettings,
    files: &Files,
) -> Result<ClientConfig, TransportError> {
    let (Some(client), Some((certificate, key))) = (&settings.client, &files.client) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(CERTIFICATE, &client.cert_file, certificate)?;
    let key = private_key(KEY, &client.key_file, key)?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        let of = format!("the client certificate {}", client.cert_file.display());
        misfit(KEY, &client.key_file, &of, &error)
    })
}

/// TLS for one connection, of what the files hold now.
pub(crate) fn once(settings: &TlsSettings) -> Result<ClientConfig, TransportError> {
    config(settings, &Files::read(settings)?)
}

/// The same, to nobody but the one with the first certificate of this file.
pub(crate) fn pinned(
    settings: &TlsSettings,
    certificate: &Path,
) -> Result<ClientConfig, TransportError> {
    let verifier = Arc::new(Pinned::read(certificate)?);
    let builder = builder()?.dangerous();
    let builder = builder.with_custom_certificate_verifier(verifier);
    showing(builder, settings, &Files::read(settings)?)
}

/// The private key in a file.
pub(crate) fn private_key(
    what: &'static str,
    file: &Path,
    pem: &[u8],
) -> Result<PrivateKeyDer<'static>, TransportError> {
    // The PEM reader's own words may quote a line of the file.
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        let wrong = "holds no private key in PEM (an encrypted one cannot be used)";
        unusable(what, file, wrong)
    })
}

/// A key that TLS refuses to use for the certificate `of`.
pub(crate) fn misfit(
    what: &'static str,
    file: &Path,
    of: &str,
    error: &rustls::Error,
) -> TransportError {
    let wrong = if let rustls::Error::InconsistentKeys(_) = error {
        format!("is not the key of {of}")
    } else {
        format!("cannot be used: {error}")
    };
    unusable(what, file, wrong)
}

/// The certificate authorities in a file. One that cannot be used is an error: left out silently,
/// it would be missed when the backend's certificate is renewed.
pub(crate) fn authorities(
    what: &'static str,
    file: &Path,
    pem: &[u8],
) -> Result<RootCertStore, TransportError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(what, file, pem)? {
        store
            .add(certificate)
            .map_err(|error| unusable(what, file, format!("cannot be used: {error}")))?;
    }
    Ok(store)
}

/// The certificates in a file, of which there is at least one.
pub(crate) fn certificates(
    what: &'static str,
    file: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(unusable(what, file, "holds no certificate in PEM")),
    }
}
