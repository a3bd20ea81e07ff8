//! TLS of the binary, as openssl and curl see it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};

use crate::harness::{PATIENCE, Running, ktrlplane, run, serve, stderr, stdout};

/// What a gateway needs that decides on nobody.
pub(crate) const ALONE: [(&str, &str); 2] = [
    ("KTRLPLANE_AUTH_ISSUER", "http://127.0.0.1:9/"),
    ("KTRLPLANE_AUTH_AUDIENCE", "a"),
];

/// A directory with authorities and certificates, made by openssl.
pub(crate) struct Papers(pub(crate) TempDir);

fn openssl(arguments: &[&str]) {
    let output = run(Command::new("openssl").args(arguments), "");
    assert!(output.status.success(), "{}", stderr(&output));
}

impl Papers {
    pub(crate) fn new() -> Self {
        let papers = Self(tempdir().unwrap());
        papers.authority("ca");
        papers.certificate("server", "ca", "30");
        papers
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn authority(&self, name: &str) {
        let (key, cert) = (
            self.path(&format!("{name}.key")),
            self.path(&format!("{name}.crt")),
        );
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &format!("/CN={name}"),
            "-days",
            "30",
            "-keyout",
            &key,
            "-out",
            &cert,
        ]);
    }

    /// A certificate for 127.0.0.1, which a client may show as well.
    pub(crate) fn certificate(&self, name: &str, authority: &str, days: &str) {
        let [key, request, cert, ca, ca_key, names] = [
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.crt"),
            format!("{authority}.crt"),
            format!("{authority}.key"),
            "names".to_owned(),
        ]
        .map(|name| self.path(&name));
        std::fs::write(&names, "subjectAltName=IP:127.0.0.1,DNS:gateway.test\n").unwrap();
        openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            &names,
            "-out",
            &cert,
        ]);
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables: Vec<_> = ALONE
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        variables.push(("KTRLPLANE_SERVER_TLS_CERTIFICATE", self.path("server.crt")));
        variables.push(("KTRLPLANE_SERVER_TLS_KEY", self.path("server.key")));
        variables
    }

    /// A gateway with these variables besides, and its address.
    pub(crate) fn serve(&self, more: &[(&'static str, &str)]) -> (Running, String) {
        let variables = self.variables();
        let mut all: Vec<_> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        all.extend(more);
        let (gateway, url) = serve(self.0.path(), &all);
        (gateway, url.trim_start_matches("http://").to_owned())
    }

    fn curl(&self, url: &str, arguments: &[&str]) -> Output {
        let ca = self.path("ca.crt");
        let mut command = Command::new("curl");
        command.args([
            "-sS",
            "-m",
            "60",
            "-w",
            "%{http_code}",
            "--cacert",
            &ca,
            url,
        ]);
        run(command.args(arguments), "")
    }

    /// What openssl says of the gateway's end of the connection.
    fn s_client(&self, address: &str, arguments: &[&str]) -> String {
        let ca = self.path("ca.crt");
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", address, "-CAfile", &ca]);
        let output = run(command.args(arguments), "");
        stdout(&output) + &stderr(&output)
    }

    /// The serial number of the certificate that the gateway shows.
    fn serial(&self, address: &str) -> String {
        let shown = self.s_client(address, &[]);
        let begin = shown.find("-----BEGIN CERTIFICATE-----").unwrap();
        let mut command = Command::new("openssl");
        let output = run(command.args(["x509", "-noout", "-serial"]), &shown[begin..]);
        stdout(&output)
    }
}

fn eventually(mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < PATIENCE, "this did not become true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn hang_up(gateway: &Running) {
    let id = gateway.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &id]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn curl_and_openssl_get_in_by_the_right_authority_and_a_version_that_is_spoken() {
    let papers = Papers::new();
    let (gateway, address) = papers.serve(&[]);
    let url = format!("https://{address}/livez");
    let answer = papers.curl(&url, &[]);
    assert!(stdout(&answer).ends_with("200"), "{}", stderr(&answer));
    // Nobody's authority, and in the clear.
    papers.authority("other");
    let answer = papers.curl(&url, &["--cacert", &papers.path("other.crt")]);
    assert_eq!(answer.status.code(), Some(60), "{}", stderr(&answer));
    let answer = papers.curl(&format!("http://{address}/livez"), &[]);
    assert!(
        stdout(&answer).contains("the URL needs https"),
        "{}",
        stdout(&answer)
    );
    assert!(stdout(&answer).ends_with("400"), "{}", stdout(&answer));

    let said = papers.s_client(&address, &["-alpn", "h2,http/1.1"]);
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    assert!(said.contains("TLSv1.3"), "{said}");
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    let said = papers.s_client(&address, &["-tls1_2"]);
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    // Openssl itself would be ready to.
    let old = ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];
    let said = papers.s_client(&address, &old);
    assert!(said.contains("SSL alert number"), "{said}");
    assert!(said.contains("Cipher is (NONE)"), "{said}");
    assert!(gateway.terminate());
}

#[test]
fn curl_needs_a_certificate_of_the_authority_where_one_is_required() {
    let papers = Papers::new();
    papers.authority("clients");
    papers.authority("other");
    papers.certificate("shop", "clients", "30");
    papers.certificate("stranger", "other", "30");
    let ca = papers.path("clients.crt");
    let (gateway, address) = papers.serve(&[("KTRLPLANE_SERVER_TLS_CLIENT_CA", &ca)]);
    let url = format!("https://{address}/livez");
    let shown = |name: &str| {
        let (cert, key) = (
            papers.path(&format!("{name}.crt")),
            papers.path(&format!("{name}.key")),
        );
        papers.curl(&url, &["--cert", &cert, "--key", &key])
    };
    assert!(!papers.curl(&url, &[]).status.success());
    assert!(!shown("stranger").status.success());
    let answer = shown("shop");
    assert!(stdout(&answer).ends_with("200"), "{}", stderr(&answer));
    assert!(gateway.terminate());
}

#[test]
fn a_certificate_is_replaced_at_sighup_and_by_itself_and_a_bad_one_is_not() {
    let papers = Papers::new();
    let (gateway, address) = papers.serve(&[]);
    let first = papers.serial(&address);
    let replace = |name: &str| {
        for ending in ["crt", "key"] {
            let from = papers.path(&format!("{name}.{ending}"));
            std::fs::copy(from, papers.path(&format!("server.{ending}"))).unwrap();
        }
    };
    papers.certificate("second", "ca", "30");
    replace("second");
    hang_up(&gateway);
    eventually(|| papers.serial(&address) != first);
    let second = papers.serial(&address);
    // Not a certificate: the one before stays, and the next good one is taken without a signal.
    std::fs::write(papers.path("server.crt"), "nothing\n").unwrap();
    hang_up(&gateway);
    assert_eq!(papers.serial(&address), second);
    papers.certificate("third", "ca", "30");
    replace("third");
    eventually(|| papers.serial(&address) != second);
    assert!(gateway.terminate());
}

#[test]
fn check_says_until_when_the_certificate_is_and_a_start_without_its_key_fails() {
    let papers = Papers::new();
    let check = |command: &str, more: &[(&str, PathBuf)]| {
        let mut ktrlplane = ktrlplane(papers.0.path());
        ktrlplane.arg(command).envs(papers.variables());
        ktrlplane.env("KTRLPLANE_SERVER_PORT", "0");
        let more = more.iter().map(|(name, value)| (*name, value));
        run(ktrlplane.envs(more), "")
    };
    let line = |output: &Output| {
        let said = stdout(output);
        let mut lines = said.lines();
        lines
            .find(|line| line.starts_with("tls "))
            .unwrap()
            .to_owned()
    };
    let good = line(&check("check", &[]));
    assert!(good.starts_with("tls            ok      "), "{good}");
    assert!(
        good.contains("gateway.test") && good.contains("for 29 days more"),
        "{good}"
    );
    let key = [(
        "KTRLPLANE_SERVER_TLS_KEY",
        Path::new(&papers.path("ca.key")).to_owned(),
    )];
    let bad = line(&check("check", &key));
    assert!(bad.starts_with("tls            FAILED  "), "{bad}");
    assert!(bad.contains("is not the key of the certificate"), "{bad}");
    let started = check("serve", &key);
    assert_eq!(started.status.code(), Some(1));
    let said = stderr(&started);
    assert!(
        said.contains("TLS cannot be served: the key file"),
        "{said}"
    );
    // One without the other.
    let started = check("serve", &[("KTRLPLANE_SERVER_TLS_KEY", PathBuf::new())]);
    let said = stderr(&started);
    assert!(
        said.contains("is given, and server.tls.key is not"),
        "{said}"
    );
}

/// The first bytes of a TLS connection, which ask for the server of this name.
fn client_hello(name: &[u8]) -> Vec<u8> {
    fn counted(bytes: usize, what: &[u8]) -> Vec<u8> {
        let length = u32::try_from(what.len()).unwrap().to_be_bytes();
        [&length[4 - bytes..], what].concat()
    }
    let extension = |kind: u8, what: &[u8]| [&[0, kind][..], counted(2, what).as_slice()].concat();
    let extensions = [
        extension(0, &counted(2, &[&[0][..], &counted(2, name)].concat())),
        extension(10, &[0, 2, 0, 29]),
        extension(13, &[0, 4, 4, 3, 8, 4]),
        extension(43, &[2, 3, 4]),
        extension(51, &counted(2, &[&[0, 29, 0, 32][..], &[9; 32]].concat())),
    ]
    .concat();
    // Version, random, no session, one suite, no compression.
    let mut hello = [&[3, 3][..], &[7; 32], &[0, 0, 2, 19, 1, 1, 0]].concat();
    hello.extend(counted(2, &extensions));
    let handshake = [&[1][..], &counted(3, &hello)].concat();
    [&[22, 3, 1][..], &counted(2, &handshake)].concat()
}

/// The TLS library warns of such bytes and quotes them, four bytes for one: on every connection from anybody.
#[test]
fn what_strangers_send_in_place_of_a_handshake_is_not_quoted_in_the_log() {
    use std::io::{Read as _, Write as _};
    let papers = Papers::new();
    let file = papers.path("log");
    let mut command = ktrlplane(papers.0.path());
    command.arg("serve").envs(papers.variables());
    command.env("KTRLPLANE_SERVER_HOST", "127.0.0.1");
    command.env("KTRLPLANE_SERVER_PORT", "0");
    command.env("RUST_LOG", "trace");
    command.stdout(std::process::Stdio::null());
    command.stderr(std::fs::File::create(&file).unwrap());
    let gateway = Running::new(command.spawn().unwrap());
    let log = || std::fs::read_to_string(&file).unwrap();
    eventually(|| log().contains("listening address="));
    let said = log();
    let (_, rest) = said.split_once("listening address=").unwrap();
    let address = rest.split_whitespace().next().unwrap();
    for name in [&[1; 12_000][..], b"127.0.0.1"] {
        let mut stranger = std::net::TcpStream::connect(address).unwrap();
        stranger.write_all(&client_hello(name)).unwrap();
        // An alert, or the beginning of an answer: it was read.
        assert!(stranger.read(&mut [0; 64]).unwrap() > 0);
    }
    assert!(gateway.terminate());
    let said = log();
    assert!(!said.contains("rustls::"), "{said}");
    for word in ["SNI", "\\x01", "\\u{1}", "\u{1}"] {
        assert!(!said.contains(word), "{word}");
    }
    assert!(said.lines().all(|line| line.len() < 2000));
}
