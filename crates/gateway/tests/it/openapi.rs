//! The gateway's description of itself, as it is served.

use http::Method;
use serde_json::Value;

use crate::harness::World;

const DOCUMENT: &str = "/openapi.json";

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_open_to_everybody_and_served_from_memory() {
    let world = World::new().await;
    let answer = world.ask(DOCUMENT).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, no-cache"));
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");

    let length = answer.bytes.len().to_string();
    let head = world.ask(DOCUMENT).method(Method::HEAD).send().await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), Some(length.as_str()));

    let etag = answer.header("etag").unwrap();
    assert_eq!(head.header("etag"), Some(etag));
    for held in [
        etag.to_owned(),
        format!("\"other\", W/{etag}"),
        "*".to_owned(),
    ] {
        let again = world
            .ask(DOCUMENT)
            .header("if-none-match", &held)
            .send()
            .await;
        assert_eq!(
            (again.status.as_u16(), again.body.as_str()),
            (304, ""),
            "{held}"
        );
        assert_eq!(again.header("etag"), Some(etag));
    }
    let other = world
        .ask(DOCUMENT)
        .header("if-none-match", "\"other\"")
        .send()
        .await;
    assert_eq!((other.status.as_u16(), &other.bytes), (200, &answer.bytes));

    let post = world.ask(DOCUMENT).form("").send().await;
    assert_eq!(
        (post.status.as_u16(), post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_says_how_many_lines_may_be_asked_for() {
    let world = World::with(|settings| settings.max_log_lines = 7000).await;
    let answer = world.ask(DOCUMENT).send().await;
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    let path = "/api/v1/projects/{projectId}/resources/{resourceId}/logs";
    let parameters = document["paths"][path]["get"]["parameters"]
        .as_array()
        .unwrap();
    let limit = parameters
        .iter()
        .find(|parameter| parameter["name"] == "limit");
    assert_eq!(limit.unwrap()["schema"]["maximum"], 7000);
}
