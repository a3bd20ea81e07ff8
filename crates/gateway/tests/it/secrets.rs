//! Threat 25: what the log must never hold.

use crate::harness::{LOGS, World, backend_at, encoded, eventually, log, nobody};

#[tokio::test(flavor = "multi_thread")]
async fn threat_25_no_secret_is_logged_at_any_level() {
    log::start();
    let (_held, nowhere) = nobody();
    let world = World::with(|settings| {
        let url = settings.loki.as_ref().unwrap().public_url();
        settings.loki = Some(backend_at(&url.replace("http://", "http://loki:passw0rd@")));
        let nowhere = nowhere.replace("http://", "http://mimir:passw0rd@");
        settings.mimir = Some(backend_at(&nowhere));
    })
    .await;
    let token = world.token("victor");
    let query = encoded(r#"{customer="a-secret-name"}"#);
    let metrics = crate::harness::METRICS;
    let paths = [
        format!("{LOGS}?query={query}"),
        format!("{LOGS}?access_token={token}"),
        format!("{metrics}?query=up&{}", crate::harness::RANGE),
    ];
    let mut ids = Vec::new();
    for path in &paths {
        let answer = world.ask(path).token(&token).send().await;
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    let changed = format!("{token}x");
    let answer = world.ask(LOGS).token(&changed).send().await;
    assert_eq!(answer.status, 401);
    let refused = answer.header("x-request-id").unwrap().to_owned();

    let answered = |id: &str| log::line(&[id, "answered"]);
    eventually(async || {
        ids.iter()
            .chain([&refused])
            .all(|id| answered(id).is_some())
    })
    .await;
    let all = log::text();
    let signature = token.rsplit('.').next().unwrap();
    let basic = "bG9raTpwYXNzdzByZA"; // loki:passw0rd
    for secret in [signature, "passw0rd", basic, "a-secret-name"] {
        assert!(!all.contains(secret), "{secret} is in the log");
    }
    let line = answered(&refused).unwrap();
    assert!(
        line.contains(r#""status":401"#)
            && line.contains(r#""reason":"the token's signature is wrong""#),
        "why a token is refused is not in {line}"
    );
    let line = answered(&ids[0]).unwrap();
    for part in [
        r#""subject":"victor""#,
        r#""project":"acme-shop""#,
        r#""resource":"shop-api""#,
        r#""route":"logs""#,
        r#""status":200"#,
        r#""assignment":"#,
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}
