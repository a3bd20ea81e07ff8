//! `server.tls`.

use super::*;

/// With a certificate, and this besides.
fn with(more: &str) -> String {
    format!("server: {{tls: {{certificate: c, key: k{more}}}}}\n")
}

#[test]
fn client_certificates_are_never_asked_for_without_an_authority() {
    for value in ["required", "optional"] {
        let given = format!(", client_certificates: {value}");
        for more in [given.clone(), format!(", client_ca: \"\"{given}")] {
            let sentence = sentence(&with(&more), &[]);
            assert!(
                sentence.starts_with(
                    "server.tls.client_certificates (KTRLPLANE_SERVER_TLS_CLIENT_CERTIFICATES) is \
                     given, and server.tls.client_ca is not"
                ),
                "{sentence}"
            );
        }
        let empty = [
            ("KTRLPLANE_SERVER_TLS_CLIENT_CERTIFICATES", value),
            ("KTRLPLANE_SERVER_TLS_CLIENT_CA", ""),
        ];
        let sentence = sentence(&with(""), &empty);
        assert!(sentence.contains("client_ca is not"), "{sentence}");
        let clients = good(&with(&format!("{given}, client_ca: a")), &[]).tls;
        let clients = clients.unwrap().clients.unwrap();
        assert_eq!(clients.optional, value == "optional");
    }
    let clients = |more: &str| good(&with(more), &[]).tls.unwrap().clients;
    assert!(clients("").is_none());
    assert!(!clients(", client_ca: a").unwrap().optional);
}

#[test]
fn what_is_shown_with_tls_and_without_client_certificates_can_be_read_again() {
    let (layers, _) = layered(&format!("{AUTH}{}", with("")), &[]);
    let (again, problems) = layered(&show(&layers), &[]);
    assert_eq!(problems, []);
    assert!(check(&again).unwrap().tls.unwrap().clients.is_none());
}
