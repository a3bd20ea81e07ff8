//! How a backend is reached, and what it is shown.

use gateway::BackendSettings;
use gateway::settings::{ClientCertificate, Credentials, Secret};

use super::*;

/// The settings that `keys`, below `observability.loki`, stand for.
fn loki(url: &str, keys: &str) -> BackendSettings {
    let file = format!("observability: {{loki: {{enabled: true, url: \"{url}\", {keys}}}}}");
    match good(&file, &[]).observability.loki {
        Backend::At(settings) => *settings,
        other @ (Backend::Off | Backend::Embedded(_)) => panic!("{other:?}"),
    }
}

/// The one sentence that `keys` earn, up to what was expected.
fn wrong(url: &str, keys: &str) -> String {
    let file = format!("observability: {{loki: {{enabled: true, url: \"{url}\", {keys}}}}}");
    let said = sentence(&file, &[]);
    let (wrong, expected) = said.split_once("; expected ").unwrap();
    assert!(!expected.is_empty());
    wrong
        .replace(" (from config.yaml, line 2)", "")
        .replace("observability.loki.", "…")
        .replace("KTRLPLANE_OBSERVABILITY_LOKI_", "")
}

fn text(text: &str) -> Secret {
    Secret::Text(text.to_owned())
}

#[test]
fn a_backend_has_one_kind_of_credentials() {
    let basic = |password| Credentials::Basic {
        username: "u".to_owned(),
        password,
    };
    for (url, keys, expected) in [
        ("http://l", "", Credentials::None),
        ("http://u:p@l", "", basic(text("p"))),
        (
            "http://l",
            "username: u, password: 0123",
            basic(text("0123")),
        ),
        (
            "http://l",
            "username: u, password_file: /run/p",
            basic(Secret::File("/run/p".into())),
        ),
        (
            "http://l",
            "bearer_token: t",
            Credentials::Bearer(text("t")),
        ),
        (
            "http://l",
            "bearer_token_file: /run/t",
            Credentials::Bearer(Secret::File("/run/t".into())),
        ),
    ] {
        let settings = loki(url, keys);
        assert_eq!(settings.credentials, expected, "{keys}");
        assert!(!settings.public_url().contains('@'));
    }
}

#[test]
fn two_kinds_of_credentials_are_a_mistake_whoever_gives_them() {
    for (url, keys, expected) in [
        (
            "http://l",
            "username: u, password: p, bearer_token: t",
            "…username (USERNAME) and …bearer_token are both given, and only one of them can hold",
        ),
        (
            "http://l",
            "username: u, password: p, password_file: /p",
            "…password (PASSWORD) and …password_file are both given, and only one of them can hold",
        ),
        (
            "http://l",
            "bearer_token: t, bearer_token_file: /t",
            "…bearer_token (BEARER_TOKEN) and …bearer_token_file are both given, and only one of \
             them can hold",
        ),
        (
            "http://u:p@l",
            "bearer_token: t",
            "…bearer_token (BEARER_TOKEN) and the user or password in …url are both given, and \
             only one of them can hold",
        ),
        (
            "http://u:p@l",
            "username: u, password: p",
            "…username (USERNAME) and the user or password in …url are both given, and only one \
             of them can hold",
        ),
    ] {
        assert_eq!(wrong(url, keys), expected);
    }
    let said = sentence(
        "observability: {mimir: {bearer_token: t}}",
        &[("KTRLPLANE_OBSERVABILITY_MIMIR_USERNAME", "u")],
    );
    assert!(said.contains("are both given"), "{said}");
}

#[test]
fn half_of_a_pair_is_a_mistake() {
    for (keys, expected) in [
        ("username: u", "…password (PASSWORD) is missing"),
        ("password: p", "…username (USERNAME) is missing"),
        ("password_file: /p", "…username (USERNAME) is missing"),
        (
            "tls: {cert_file: /c}",
            "…tls.key_file (TLS_KEY_FILE) is missing",
        ),
        (
            "tls: {key_file: /k}",
            "…tls.cert_file (TLS_CERT_FILE) is missing",
        ),
    ] {
        assert_eq!(wrong("https://l", keys), expected);
    }
}

#[test]
fn tls_has_an_authority_a_certificate_and_a_name() {
    let keys = "tls: {ca_file: /ca, cert_file: /c, key_file: /k, server_name: loki.internal}";
    let tls = loki("https://l", keys).tls;
    assert_eq!(tls.ca_file, Some("/ca".into()));
    let client = ClientCertificate {
        cert_file: "/c".into(),
        key_file: "/k".into(),
    };
    assert_eq!(tls.client, Some(client));
    assert!(tls.server_name.is_some());
    // A client certificate is no rival of what stands in a header.
    let keys = "bearer_token: t, tls: {cert_file: /c, key_file: /k}";
    assert!(loki("https://l", keys).tls.client.is_some());
}

#[test]
fn tls_without_https_is_a_mistake() {
    assert_eq!(
        wrong("http://l", "tls: {ca_file: /ca}"),
        "…tls.ca_file (TLS_CA_FILE) is given, and …url is not https"
    );
}

#[test]
fn there_is_no_switch_that_trusts_everybody() {
    let said = sentence(
        "observability: {loki: {tls: {insecure_skip_verify: true}}}",
        &[],
    );
    assert!(said.contains("unknown key"), "{said}");
}

#[test]
fn timeout_tenant_header_and_policy_are_each_backends_own() {
    let file = "observability:\n  loki: {enabled: true, url: \"http://l\", timeout: 1m30s, \
                tenant_header: X-Tenant, policy: false}\n  \
                mimir: {enabled: true, url: \"http://m/mimir\"}\n";
    let config = good(file, &[("KTRLPLANE_OBSERVABILITY_MIMIR_TIMEOUT", "500ms")]);
    let (Backend::At(loki), Backend::At(mimir)) =
        (config.observability.loki, config.observability.mimir)
    else {
        panic!("both are elsewhere")
    };
    assert_eq!(loki.timeout, Duration::from_secs(90));
    assert_eq!(loki.tenant_header.name().as_str(), "x-tenant");
    assert!(!loki.policy);
    assert_eq!(mimir.timeout, Duration::from_millis(500));
    assert_eq!(mimir.tenant_header.name().as_str(), "x-scope-orgid");
    assert!(mimir.policy);
    assert_eq!(mimir.public_url(), "http://m/mimir");
}

#[test]
fn a_value_that_cannot_be_meant_is_explained() {
    for (keys, expected) in [
        (
            "timeout: 30",
            "…timeout (TIMEOUT) is \"30\", which is no time with a unit",
        ),
        (
            "timeout: 0s",
            "…timeout (TIMEOUT) is \"0s\", which is too short",
        ),
        (
            "timeout: -5s",
            "…timeout (TIMEOUT) is \"-5s\", which is negative",
        ),
        (
            "timeout: 2h",
            "…timeout (TIMEOUT) is \"2h\", which is too long",
        ),
        (
            "tenant_header: X Tenant",
            "…tenant_header (TENANT_HEADER) is \"X Tenant\", which is no name of a header",
        ),
        (
            "tenant_header: Authorization",
            "…tenant_header (TENANT_HEADER) is \"Authorization\", which is a header with another \
             meaning",
        ),
        ("policy: maybe", "…policy (POLICY) is \"maybe\""),
        (
            "username: \"a:b\", password: p",
            "…username (USERNAME) is \"a:b\", which has a colon",
        ),
        (
            "bearer_token: \"a b\"",
            "…bearer_token (BEARER_TOKEN) has characters that no token has",
        ),
        (
            "tls: {server_name: \"loki:3100\"}",
            "…tls.server_name (TLS_SERVER_NAME) is \"loki:3100\", which is neither a host name \
             nor an IP address",
        ),
    ] {
        assert_eq!(wrong("https://l", keys), expected, "{keys}");
    }
}

#[test]
fn the_embedded_backend_takes_a_timeout_and_is_shown_no_credentials() {
    let keys = "{enabled: true, url: \"embedded:\", timeout: 5s, bearer_token: t}";
    let config = good(&format!("observability: {{loki: {keys}}}"), &[]);
    let expected = Backend::Embedded(Duration::from_secs(5));
    assert_eq!(config.observability.loki, expected);
}

#[test]
fn the_log_names_a_backend_without_its_credentials() {
    let settings = loki("http://u:hunter2@loki:3100/a", "");
    let backend = Backend::At(Box::new(settings));
    assert_eq!(backend.to_string(), "http://loki:3100/a");
    assert!(!format!("{backend:?}").contains("hunter2"));
}

#[test]
fn a_backend_may_be_at_several_urls_which_share_what_is_beside_them() {
    let urls = |loki: &str| {
        let config = good(
            &format!("observability: {{loki: {{enabled: true, {loki}}}}}"),
            &[],
        );
        config.observability.loki.to_string()
    };
    for list in [
        "[\"http://b:1/\", \"http://c:1/\"]",
        "\"http://b:1, http://c:1\"",
    ] {
        let shown = urls(&format!("url: \"http://u:p@a:1\", urls: {list}"));
        assert_eq!(shown, "http://a:1/, http://b:1/, http://c:1/");
    }
    let many = "http://b,".repeat(16);
    for (loki, wrong) in [
        (
            "url: \"http://a\", urls: [\"https://b\"]",
            "number 1, which has another scheme",
        ),
        (
            "url: \"http://a\", urls: [\"http://b\", \"c\"]",
            "number 2, which is no URL",
        ),
        (
            "url: \"http://a\", urls: [\"http://u:hunter2@b\"]",
            "which has credentials",
        ),
        (
            "url: \"embedded:\", urls: [\"http://b\"]",
            "which has another scheme",
        ),
        (
            "url: \"http://a\", urls: [\"http://b\", \"http://a:80/\"]",
            "number 2, which is there twice",
        ),
        ("urls: [\"http://b\"]", "which stands beside no url"),
        (
            &format!("url: \"http://a\", urls: \"{many}\""),
            "has 16 URLs",
        ),
    ] {
        let sentence = sentence(&format!("observability: {{loki: {{{loki}}}}}"), &[]);
        assert!(sentence.contains(wrong), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
}

#[test]
fn a_uri_is_no_longer_than_the_head_that_it_is_in() {
    let both = "server: {max_head_bytes: 8KiB, max_uri_bytes: 32KiB}";
    let sentence = sentence(both, &[]);
    assert!(
        sentence.contains("expected at most 8KiB (server.max_head_bytes)"),
        "{sentence}"
    );
    let config = good("server: {max_head_bytes: 8KiB}", &[]);
    assert_eq!(config.connections.max_head_bytes, 8192);
}

#[test]
fn what_connections_may_take_is_read_and_bounded() {
    let config = good(
        "server: {max_connections: 100, drain: 0s, max_uri_bytes: 8KiB}",
        &[],
    );
    assert_eq!(config.connections.most, 100);
    assert_eq!(config.connections.drain, Duration::ZERO);
    assert_eq!(config.connections.max_uri_bytes, 8192);
    // As many as file descriptors permit, with one to a backend for each.
    assert!((16..=16_384).contains(&good("", &[]).connections.most));
    for (server, wrong) in [
        ("max_connections: 0", "; expected how many connections"),
        ("max_connections: many", "is \"many\""),
        ("header_timeout: 1ms", "which is too short"),
        ("idle_timeout: 2h", "which is too long"),
        ("max_head_bytes: 1KiB", "expected a size from 4KiB to 1MiB"),
        ("max_uri_bytes: 64KiB", "expected a size from 1KiB to 63KiB"),
    ] {
        let sentence = sentence(&format!("server: {{{server}}}"), &[]);
        assert!(sentence.contains(wrong), "{sentence}");
    }
}
