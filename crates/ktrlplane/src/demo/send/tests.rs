//! Against a gateway that answers as it is told to.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use gateway::SystemClock;

use super::*;
use crate::demo::data_dir::DataDir;
use crate::demo::world;

/// What is still to be answered, and the tokens that were shown.
#[derive(Clone, Default)]
struct Script {
    statuses: Arc<Mutex<VecDeque<u16>>>,
    tokens: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(script): State<Script>, headers: HeaderMap) -> (StatusCode, &'static str) {
    let token = headers[AUTHORIZATION].to_str().unwrap().to_owned();
    script.tokens.lock().unwrap().push(token);
    let status = script.statuses.lock().unwrap().pop_front().unwrap_or(204);
    (StatusCode::from_u16(status).unwrap(), "why\n")
}

/// Sends one parcel to a gateway that answers with these statuses and then with 204; what came of
/// it, and the tokens that were shown.
fn send_to(statuses: &[u16]) -> (Result<(), SendError>, Vec<String>) {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::new(parent.path());
    let _lock = dir.occupy().unwrap();
    let (provider, _listener) = IdentityProvider::open(&dir).unwrap();
    let script = Script::default();
    script.statuses.lock().unwrap().extend(statuses);
    let runtime = crate::process::runtime("test").unwrap();
    let sent = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut sender = Sender::new(
            address,
            "acme-shop",
            "shop-api",
            world::sender_of("acme-shop").unwrap(),
            Arc::new(provider),
            Arc::new(SystemClock),
        );
        sender.send(&Parcel::logs(Vec::new()).unwrap()).await
    });
    let tokens = script.tokens.lock().unwrap().clone();
    (sent, tokens)
}

#[test]
fn what_may_not_have_been_taken_is_sent_again_until_it_is() {
    let (sent, tokens) = send_to(&[503, 429, 502, 500]);
    assert!(sent.is_ok());
    assert_eq!(tokens.len(), 5);
}

#[test]
fn what_is_refused_is_sent_once_and_the_refusal_says_whether_it_is_for_good() {
    for (status, is_for_now) in [(400, false), (413, false), (403, true), (404, true)] {
        let (sent, tokens) = send_to(&[status]);
        let error = sent.unwrap_err();
        assert_eq!(error.is_for_now(), is_for_now, "{error}");
        assert!(error.to_string().ends_with(": why"), "{error}");
        assert_eq!(tokens.len(), 1);
    }
}

#[test]
fn a_token_that_is_refused_is_renewed_once() {
    let (sent, tokens) = send_to(&[401]);
    assert!(sent.is_ok());
    assert_eq!(tokens.len(), 2);
    let (sent, tokens) = send_to(&[401, 401, 401]);
    assert!(sent.unwrap_err().is_for_now());
    assert_eq!(tokens.len(), 2);
}
