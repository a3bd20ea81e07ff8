//! Answers that are held to be sifted: how much of them at a time, and who notices.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::RESOURCE;
use crate::harness::client::Answer;
use crate::harness::{World, eventually};

const METADATA: &str = "prometheus/api/v1/metadata";
const MEBIBYTE: usize = 1 << 20;

/// The metadata of so many bytes of other metrics, and of one of the resource's, without its end.
fn long(bytes: usize) -> String {
    let mut text = r#"{"status":"success","data":{"cpu":[]"#.to_owned();
    let entry = r#"[{"type":"gauge","help":"what others say","unit":""}]"#;
    let mut count = 0;
    while text.len() < bytes {
        count += 1;
        write!(text, r#","metric_{count}":{entry}"#).unwrap();
    }
    text
}

/// An answer that goes on when the test says so.
fn unfinished(text: &str, going_on: &Mutex<Vec<mpsc::UnboundedSender<Bytes>>>) -> Response {
    let (sender, receiver) = mpsc::unbounded_channel();
    sender
        .send(Bytes::copy_from_slice(text.as_bytes()))
        .unwrap();
    going_on.lock().unwrap().push(sender);
    let chunks = stream::unfold(receiver, |mut receiver| async {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receiver))
    });
    Body::from_stream(chunks.boxed()).into_response()
}

fn ask(world: &World, subject: &str, path: &str) -> JoinHandle<Answer> {
    tokio::spawn(world.ask(path).token(&world.token(subject)).send())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_long_answers_holds_a_projects_share_and_others_are_answered() {
    const MANY: usize = 12;
    // Of sixteen mebibytes, three of these fit.
    const FIT: usize = 3;
    let world = World::new().await;
    let going_on = Arc::new(Mutex::new(Vec::new()));
    let (text, answers) = (long(4 * MEBIBYTE), Arc::clone(&going_on));
    world.mimir.answers_by(move |asked| {
        let small = |data| json!({ "status": "success", "data": data }).to_string();
        if asked.path.ends_with("/values") {
            return small(json!(["cpu"])).into_response();
        }
        if asked.header("x-scope-orgid") == Some("acme-shop") {
            return unfinished(&text, &answers);
        }
        small(json!({ "cpu": [], "theirs": [] })).into_response()
    });

    let path = format!("{RESOURCE}/{METADATA}");
    let flood: Vec<_> = (0..MANY).map(|_| ask(&world, "victor", &path)).collect();
    let finished = || flood.iter().filter(|ask| ask.is_finished()).count();
    eventually(async || finished() >= MANY - FIT).await;

    // The others' share is theirs.
    let lab = path
        .replace("acme-shop", "acme-lab")
        .replace("shop-api", "lab-flow");
    let answer = world.get("alice", &lab).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body, r#"{"status":"success","data":{"cpu":[]}}"#);
    assert_eq!(world.ask("/livez").status().await, 200);

    for sender in going_on.lock().unwrap().drain(..) {
        // Those who were refused are gone.
        let _ = sender.send(Bytes::from_static(b"}}"));
    }
    let mut statuses = Vec::new();
    for ask in flood {
        let answer = ask.await.unwrap();
        statuses.push(answer.status);
        if answer.status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(
                answer.body.contains("leave no room for it"),
                "{}",
                answer.body
            );
        } else {
            assert_eq!(answer.body, r#"{"status":"success","data":{"cpu":[]}}"#);
        }
    }
    let count = |status| statuses.iter().filter(|known| **known == status).count();
    let answered = count(StatusCode::OK);
    assert!((1..=FIT).contains(&answered), "{answered}");
    assert_eq!(count(StatusCode::SERVICE_UNAVAILABLE), MANY - answered);

    // What was held is given back, all of it.
    world.mimir.answers_by(|asked| {
        if asked.path.ends_with("/values") {
            return json!({ "status": "success", "data": ["cpu"] })
                .to_string()
                .into_response();
        }
        (long(15 * MEBIBYTE) + "}}").into_response()
    });
    assert_eq!(world.get("victor", &path).await.status, 200);
}

/// It would not fit at another time either, so nobody is told to come again for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_fits_is_a_502() {
    let world = World::new().await;
    world.mimir.answers(|| long(17 * MEBIBYTE).into_response());
    let answer = world.get("victor", &format!("{RESOURCE}/{METADATA}")).await;
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert!(!answer.body.contains("metric_"));
}
