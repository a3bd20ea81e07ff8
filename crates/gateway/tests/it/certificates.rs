//! TLS towards a backend, with real handshakes.

use std::path::PathBuf;

use gateway::routes::Backend as Which;
use gateway::settings::{ClientCertificate, ServerName};
use gateway::{BackendSettings, check};
use http::StatusCode;

use crate::harness::backend::Backend;
use crate::harness::tls::{Authority, Files};
use crate::harness::{LOGS, World, backend_at, eventually, log};

/// A backend over TLS, and how the gateway is told to reach it.
struct Tls {
    backend: Backend,
    settings: BackendSettings,
}

impl Tls {
    async fn start(config: rustls::ServerConfig, ca_file: PathBuf) -> Self {
        let backend = Backend::start_tls(config).await;
        let mut settings = backend_at(&backend.url());
        settings.tls.ca_file = Some(ca_file);
        Self { backend, settings }
    }

    fn certificate(&mut self, files: &Files) {
        self.settings.tls.client = Some(ClientCertificate {
            cert_file: files.cert.clone(),
            key_file: files.key.clone(),
        });
    }

    /// What a request through a gateway with these settings gets.
    async fn status(&self) -> StatusCode {
        let settings = self.settings.clone();
        let world = World::with(|all| all.loki = Some(settings)).await;
        world.get("victor", LOGS).await.status
    }

    /// Neither a request nor a check gets through; what the check says.
    async fn refused(&self) -> String {
        assert_eq!(self.status().await, 502);
        let finding = check::backend(Which::Loki, &self.settings).await;
        assert!(!finding.ok, "{finding}");
        assert_eq!(self.backend.count(), 0);
        finding.sentence
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_of_the_configured_authority_is_trusted() {
    let authority = Authority::new("ours");
    let tls = Tls::start(authority.server("localhost"), authority.file()).await;
    assert_eq!(tls.status().await, 200);
    let finding = check::backend(Which::Loki, &tls.settings).await;
    assert!(finding.ok, "{finding}");
    assert_eq!(
        tls.backend.last().header("x-scope-orgid"),
        Some("ktrlplane-check")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_of_another_authority_is_a_502_and_the_log_says_why() {
    log::start();
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let tls = Tls::start(theirs.server("localhost"), ours.file()).await;
    let said = tls.refused().await;
    assert!(
        said.contains("invalid peer certificate: UnknownIssuer"),
        "{said}"
    );
    let port = tls.settings.url().port().unwrap().to_string();
    assert!(said.contains(&port), "{said}");
    let logged = log::line(&["no answer", "UnknownIssuer", r#""backend":"logs""#]);
    assert!(logged.is_some(), "the log does not say why");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new("ours");
    let server = authority.server_with("localhost", None, |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let tls = Tls::start(server, authority.file()).await;
    let said = tls.refused().await;
    assert!(said.contains("certificate expired"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused_unless_that_name_is_configured() {
    let authority = Authority::new("ours");
    let mut tls = Tls::start(authority.server("loki.internal"), authority.file()).await;
    let said = tls.refused().await;
    assert!(said.contains("not valid for name \"localhost\""), "{said}");
    tls.settings.tls.server_name = Some(ServerName::new("loki.internal").unwrap());
    assert_eq!(tls.status().await, 200);
    tls.backend.forget();
    tls.settings.tls.server_name = Some(ServerName::new("localhost").unwrap());
    tls.refused().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_shown_to_a_backend_that_demands_one() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = servers.server_with("localhost", Some(&clients), |_| {});
    let mut tls = Tls::start(server, servers.file()).await;
    // In which words depends on whether the alert or the end of the connection comes first.
    tls.refused().await;

    let strangers = Authority::new("strangers");
    tls.certificate(&strangers.client("gateway"));
    tls.refused().await;

    tls.certificate(&clients.client("gateway"));
    assert_eq!(tls.status().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_certificates_hold_without_a_restart() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let server = new.server_with("localhost", Some(&new), |_| {});
    let ca_file = old.file();
    let mut tls = Tls::start(server, ca_file.clone()).await;
    let files = old.client("gateway");
    tls.certificate(&files);
    let settings = tls.settings.clone();
    let world = World::with(|all| all.loki = Some(settings)).await;
    assert_eq!(world.get("victor", LOGS).await.status, 502);

    // One after the other, as a volume's files may change: for a moment, nothing fits.
    new.write_to(&ca_file);
    let replacement = new.client("gateway");
    std::fs::copy(replacement.cert, files.cert).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    std::fs::copy(replacement.key, files.key).unwrap();
    eventually(async || world.get("victor", LOGS).await.status == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_named_by_the_check_and_by_the_start() {
    let authority = Authority::new("ours");
    let other = Authority::new("other");
    let (files, others) = (authority.client("gateway"), other.client("other"));
    let nothing = authority.file().with_file_name("nothing");
    let empty = authority.file().with_file_name("empty");
    std::fs::write(&empty, "# no certificate\n").unwrap();
    let (ca, empty, nothing) = (authority.file(), &empty, &nothing);
    let cases: [(&PathBuf, &PathBuf, &PathBuf, String); 6] = [
        (
            nothing,
            &files.cert,
            &files.key,
            format!(
                "the CA file {} cannot be read: No such file",
                nothing.display()
            ),
        ),
        (
            empty,
            &files.cert,
            &files.key,
            format!(
                "the CA file {} holds no certificate in PEM",
                empty.display()
            ),
        ),
        (
            &ca,
            nothing,
            &files.key,
            format!(
                "the client certificate file {} cannot be read: ",
                nothing.display()
            ),
        ),
        (
            &ca,
            &files.cert,
            nothing,
            format!("the client key file {} cannot be read: ", nothing.display()),
        ),
        (
            &ca,
            &files.cert,
            &files.cert,
            format!(
                "the client key file {} holds no private key in PEM (an encrypted one",
                files.cert.display()
            ),
        ),
        (
            &ca,
            &files.cert,
            &others.key,
            format!(
                "the client key file {} is not the key of the client certificate {}",
                others.key.display(),
                files.cert.display()
            ),
        ),
    ];
    for (ca_file, cert_file, key_file, expected) in cases {
        let mut settings = backend_at("https://localhost:1");
        settings.tls.ca_file = Some(ca_file.clone());
        settings.tls.client = Some(ClientCertificate {
            cert_file: cert_file.clone(),
            key_file: key_file.clone(),
        });
        let finding = check::backend(Which::Mimir, &settings).await;
        assert!(
            !finding.ok && finding.sentence.contains(&expected),
            "{finding} / {expected}"
        );
        let world = World::new().await;
        let error = crate::lifecycle::start(&world, |all| all.mimir = Some(settings))
            .err()
            .unwrap();
        let error = error.to_string();
        assert!(
            error.starts_with(&format!(
                "the metrics backend cannot be reached: {expected}"
            )),
            "{error}"
        );
    }
}
