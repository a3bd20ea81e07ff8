//! `ktrlplane health`, as an image's HEALTHCHECK and people use it.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use tempfile::tempdir;

use crate::harness::{PATIENCE, demo, ktrlplane, run, serve, stderr, stdout};
use crate::tls::{ALONE, Papers};

/// Long enough for a busy machine.
const PATIENT: [&str; 2] = ["--timeout", "1m"];

fn health(dir: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = ktrlplane(dir);
    command.arg("health").args(arguments);
    let output: Output = run(command.envs(variables.iter().copied()), "");
    (
        output.status.code(),
        stdout(&output) + stderr(&output).as_str(),
    )
}

fn with<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
    [one, other].concat()
}

#[test]
fn a_gateway_is_asked_where_its_own_configuration_says_that_it_listens() {
    let dir = tempdir().unwrap();
    // No keys of the issuer: it lives, and is not ready.
    let (gateway, url) = serve(dir.path(), &ALONE);
    let port = url.rsplit_once(':').unwrap().1;
    // Nothing else of the configuration is needed, and 0.0.0.0 is no address to ask.
    let variables = [
        ("KTRLPLANE_SERVER_HOST", "0.0.0.0"),
        ("KTRLPLANE_SERVER_PORT", port),
    ];
    let (code, said) = health(dir.path(), &variables, &with(&PATIENT, &["--live"]));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said, format!("http://127.0.0.1:{port}/livez is well\n"));
    let (code, said) = health(dir.path(), &variables, &PATIENT);
    assert_eq!(code, Some(1), "{said}");
    let begin = format!("ktrlplane: http://127.0.0.1:{port}/readyz answered 503");
    assert!(said.starts_with(&begin), "{said}");
    assert!(said.contains("\"issuer\":\"DOWN\""), "{said}");
    // The same of a file.
    let file = format!("server: {{host: 127.0.0.1, port: {port}}}\n");
    std::fs::write(dir.path().join("gateway.yaml"), file).unwrap();
    let arguments = ["--live", "--config", "gateway.yaml"];
    let (code, said) = health(dir.path(), &[], &with(&PATIENT, &arguments));
    assert_eq!(code, Some(0), "{said}");
    assert!(gateway.terminate());
}

#[test]
fn one_that_is_ready_is_well() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let begin = Instant::now();
    loop {
        let (code, said) = health(dir.path(), &[], &with(&PATIENT, &["--url", url]));
        if code == Some(0) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{said}");
    }
}

#[test]
fn nobody_and_somebody_who_says_nothing_are_not_well() {
    let dir = tempdir().unwrap();
    let nobody = [("KTRLPLANE_SERVER_PORT", "9")];
    let (code, said) = health(dir.path(), &nobody, &PATIENT);
    assert_eq!(code, Some(1), "{said}");
    let begin = "ktrlplane: nobody listens at http://127.0.0.1:9/readyz: ";
    assert!(said.starts_with(begin), "{said}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let arguments = ["--url", &url, "--timeout", "300ms"];
    let (code, said) = health(dir.path(), &[], &arguments);
    assert_eq!(code, Some(1), "{said}");
    let whole = format!("ktrlplane: {url}/readyz did not answer within 300ms\n");
    assert_eq!(said, whole);
}

#[test]
fn what_is_wrong_with_the_command_line_is_another_code() {
    let dir = tempdir().unwrap();
    for arguments in [
        &["--timeout", "0s"][..],
        &["--url", "ftp://gateway"],
        &["--url", "http://user:hunter2@gateway"],
        &["--url", "not a URL"],
        &["--cert", "probe.crt"],
        &["--ca", "ca.crt"],
        &["--url", "http://gateway", "--config", "config.yaml"],
    ] {
        let (code, said) = health(dir.path(), &[], arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
    }
    let (code, said) = health(dir.path(), &[("KTRLPLANE_SERVER_PORT", "0")], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("name it by --url"), "{said}");
}

/// Where a gateway with these papers is, as its configuration says it.
fn at<'a>(address: &'a str, certificate: &'a str, key: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("KTRLPLANE_SERVER_HOST", "127.0.0.1"),
        ("KTRLPLANE_SERVER_PORT", address.rsplit_once(':').unwrap().1),
        ("KTRLPLANE_SERVER_TLS_CERTIFICATE", certificate),
        ("KTRLPLANE_SERVER_TLS_KEY", key),
    ]
}

#[test]
fn over_tls_the_very_certificate_of_the_file_is_believed_and_no_other() {
    let papers = Papers::new();
    papers.certificate("other", "ca", "30");
    papers.authority("stranger");
    let (gateway, address) = papers.serve(&[]);
    let [certificate, key, other] =
        ["server.crt", "server.key", "other.crt"].map(|n| papers.path(n));
    let asked = |certificate: &str, arguments: &[&str]| {
        let variables = at(&address, certificate, &key);
        let arguments = with(arguments, &["--live"]);
        health(papers.0.path(), &variables, &arguments)
    };
    let (code, said) = asked(&certificate, &PATIENT);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("https://127.0.0.1:"), "{said}");
    // Of the same authority and for the same names.
    let (code, said) = asked(&other, &["--timeout", "1s"]);
    assert_eq!(code, Some(1), "{said}");
    if !said.contains("did not answer within") {
        assert!(said.contains("shows another certificate"), "{said}");
    }
    // By its URL, as everybody sees it.
    let url = format!("https://{address}");
    let by_url = |ca: &str| {
        let ca = papers.path(ca);
        let arguments = ["--live", "--url", &url, "--ca", &ca];
        health(papers.0.path(), &[], &with(&PATIENT, &arguments))
    };
    let (code, said) = by_url("ca.crt");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = by_url("stranger.crt");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("gave no answer: invalid peer certificate"),
        "{said}"
    );
    // Another certificate in the file: the gateway takes it soon, and that is waited for.
    std::fs::copy(papers.path("other.key"), &key).unwrap();
    std::fs::copy(&other, &certificate).unwrap();
    let (code, said) = asked(&certificate, &PATIENT);
    assert_eq!(code, Some(0), "{said}");
    assert!(gateway.terminate());
}

#[test]
fn a_gateway_that_demands_certificates_is_shown_one_or_it_is_said_how() {
    let papers = Papers::new();
    papers.authority("clients");
    papers.certificate("probe", "clients", "30");
    let ca = papers.path("clients.crt");
    let required = ("KTRLPLANE_SERVER_TLS_CLIENT_CA", ca.as_str());
    let (gateway, address) = papers.serve(&[required]);
    let [certificate, key] = ["server.crt", "server.key"].map(|name| papers.path(name));
    let mut variables = at(&address, &certificate, &key).to_vec();
    variables.push(required);
    let asked = |arguments: &[&str]| {
        let arguments = [&PATIENT[..], &["--live"], arguments].concat();
        health(papers.0.path(), &variables, &arguments)
    };
    let (code, said) = asked(&[]);
    assert_eq!(code, Some(2), "{said}");
    for part in ["--cert and --key", &ca, "leave this health check out"] {
        assert!(said.contains(part), "{said}");
    }
    let [cert, own] = ["probe.crt", "probe.key"].map(|name| papers.path(name));
    let (code, said) = asked(&["--cert", &cert, "--key", &own]);
    assert_eq!(code, Some(0), "{said}");
    // One of another authority.
    let (code, said) = asked(&["--cert", &certificate, "--key", &key]);
    assert_eq!(code, Some(1), "{said}");
    // Nothing says beforehand that it will be asked for.
    let (url, own_ca) = (format!("https://{address}"), papers.path("ca.crt"));
    let arguments = ["--live", "--url", &url, "--ca", &own_ca];
    let (code, said) = health(papers.0.path(), &[], &with(&PATIENT, &arguments));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("asks for a client certificate"), "{said}");
    assert!(gateway.terminate());
}

/// Whoever listens there decides what it says, and a terminal or another log shows it.
#[test]
fn what_a_stranger_answers_is_one_line_that_no_terminal_obeys() {
    use std::io::{Read as _, Write as _};
    let stranger = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", stranger.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut asked, _) = stranger.accept().unwrap();
        assert!(asked.read(&mut [0; 1024]).unwrap() > 0);
        let body = "down\x1b[2J\r\nhttp://127.0.0.1 is well\n";
        let head = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n";
        let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        asked.write_all(answer.as_bytes()).unwrap();
    });
    let dir = tempdir().unwrap();
    let (code, said) = health(dir.path(), &[], &with(&PATIENT, &["--url", &url]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("503") && said.contains("down"), "{said}");
    assert!(!said.trim_end().contains(char::is_control), "{said:?}");
    answering.join().unwrap();
}
