//! Certificates that callers show.

use gateway::ClientAuthorities;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt as _;

use super::{Secured, connect, rest};
use crate::harness::LOGS;
use crate::harness::tls::{Authority, Files};

/// Whether a caller with this certificate gets an answer. In TLS 1.3 a client has sent its request by the
/// time in which it hears that it is refused.
async fn answers(secured: &Secured, shown: Option<&Files>) -> Option<String> {
    let mut all = Vec::new();
    for version in [&TLS12, &TLS13] {
        let client = secured.authority.trusting(&[version], shown);
        let Ok(mut stream) = connect(secured.address(), client).await else {
            all.push(None);
            continue;
        };
        let request = secured.request(LOGS, "connection: close\r\n");
        let _ = stream.write_all(request.as_bytes()).await;
        all.push(rest(&mut stream).await.ok());
    }
    let status = |answer: &Option<String>| answer.as_ref().map(|answer| answer[9..12].to_owned());
    assert_eq!(status(&all[0]), status(&all[1]), "{all:?}");
    status(&all[0])
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_of_the_authority_nobody_is_let_in() {
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let (own, strange) = (clients.client("shop"), strangers.client("shop"));
    let secured = Secured::new(|settings| {
        settings.tls.as_mut().unwrap().clients = Some(ClientAuthorities {
            file: clients.file(),
            optional: false,
        });
    })
    .await;
    assert_eq!(answers(&secured, None).await, None);
    assert_eq!(answers(&secured, Some(&strange)).await, None);
    assert_eq!(secured.world.loki.count(), 0);
    assert_eq!(answers(&secured, Some(&own)).await.as_deref(), Some("200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_optional_certificate_may_be_left_out_and_may_not_be_a_strangers() {
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    let (own, strange) = (clients.client("shop"), strangers.client("shop"));
    let secured = Secured::new(|settings| {
        settings.tls.as_mut().unwrap().clients = Some(ClientAuthorities {
            file: clients.file(),
            optional: true,
        });
    })
    .await;
    assert_eq!(answers(&secured, None).await.as_deref(), Some("200"));
    assert_eq!(answers(&secured, Some(&own)).await.as_deref(), Some("200"));
    assert_eq!(answers(&secured, Some(&strange)).await, None);
}

/// The certificate opens the connection, and the token alone says who asks.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_no_identity() {
    let clients = Authority::new("clients");
    let own = clients.client("victor");
    let secured = Secured::new(|settings| {
        settings.tls.as_mut().unwrap().clients = Some(ClientAuthorities {
            file: clients.file(),
            optional: false,
        });
    })
    .await;
    let client = secured.authority.trusting(&[&TLS13], Some(&own));
    let mut stream = connect(secured.address(), client).await.unwrap();
    let request = format!("GET {LOGS} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let told = rest(&mut stream).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
}
