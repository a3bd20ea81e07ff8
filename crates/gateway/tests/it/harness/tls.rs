//! Certificate authorities, certificates, and a listener that speaks TLS.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// An authority, and a directory in which its files are.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: TempDir,
}

/// A certificate's files.
pub(crate) struct Files {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        Self {
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// The file with the authority's certificate.
    pub(crate) fn file(&self) -> PathBuf {
        let file = self.directory.path().join("ca.crt");
        self.write_to(&file);
        file
    }

    /// Writes the authority's certificate to `file`.
    pub(crate) fn write_to(&self, file: &Path) {
        std::fs::write(file, self.issuer.pem()).unwrap();
    }

    /// The files of a certificate for a client of this name.
    pub(crate) fn client(&self, name: &str) -> Files {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |ending| self.directory.path().join(format!("{name}.{ending}"));
        let (cert, key_file) = (file("crt"), file("key"));
        std::fs::write(&cert, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        Files {
            cert,
            key: key_file,
        }
    }

    /// A server with a certificate for `host`, changed by `change`. With `clients`, it demands a
    /// certificate of that authority.
    pub(crate) fn server_with(
        &self,
        host: &str,
        clients: Option<&Self>,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ServerConfig {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }

    /// The files of a server's certificate for `host`, changed by `change`, called `name`.
    pub(crate) fn server_files(
        &self,
        (name, host): (&str, &str),
        change: impl FnOnce(&mut CertificateParams),
    ) -> Files {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let directory = self.directory.path().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let files = Files {
            cert: directory.join("tls.crt"),
            key: directory.join("tls.key"),
        };
        std::fs::write(&files.cert, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    /// A client that trusts this authority, and shows this certificate if it is asked for one.
    pub(crate) fn trusting(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        shown: Option<&Files>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let Some(files) = shown else {
            return builder.with_no_client_auth();
        };
        let chain = CertificateDer::pem_file_iter(&files.cert).unwrap();
        let chain: Result<Vec<_>, _> = chain.collect();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        builder.with_client_auth_cert(chain.unwrap(), key).unwrap()
    }

    /// The name of the directory of all files.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn server(&self, host: &str) -> ServerConfig {
        self.server_with(host, None, |_| {})
    }
}

/// Accepts connections whose handshake succeeds.
pub(crate) struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    pub(crate) async fn bind(config: ServerConfig) -> Self {
        Self {
            tcp: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            match self.acceptor.accept(stream).into_fallible().await {
                Ok(stream) => return (stream, address),
                // Closed with something unread, it would be reset, and the alert lost.
                Err((_, mut stream)) => {
                    tokio::spawn(async move {
                        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
                    });
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}
