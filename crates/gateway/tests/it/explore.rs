//! The Explore page, as a browser gets it.

use gateway::{DemoUser, ExploreSettings, PageFile};
use http::Method;
use serde_json::Value;

use crate::harness::World;

static FILES: [PageFile; 2] = [
    PageFile {
        name: "index.html",
        plain: b"<!doctype html>",
        gzip: None,
        brotli: None,
    },
    PageFile {
        name: "index-1a2b.js",
        plain: b"the script as it is",
        gzip: None,
        brotli: Some(b"the script, shorter"),
    },
];

async fn world() -> World {
    World::with(|settings| {
        settings.explore = Some(ExploreSettings {
            client_id: "page".to_owned(),
            scopes: vec!["openid".to_owned()],
            contact: Some("the platform team".to_owned()),
            users: vec![DemoUser {
                name: "victor",
                description: "Victor",
            }],
            files: &FILES,
        });
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_open_to_everybody_and_tells_how_to_sign_in() {
    let world = world().await;
    let door = world.ask("/explore").send().await;
    assert_eq!(door.status, 308);
    assert_eq!(door.header("location"), Some("explore/"));
    let page = world.ask("/explore/").send().await;
    assert_eq!(
        (page.status.as_u16(), &*page.body),
        (200, "<!doctype html>")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let issuer = world.issuer.url();
    let origin = issuer.trim_end_matches('/');
    assert!(policy.contains(&format!("connect-src 'self' {origin};")));

    let config = world.ask("/explore/config.json").send().await;
    let config: Value = serde_json::from_str(&config.body).unwrap();
    assert_eq!(config["issuer"], world.issuer.url());
    assert_eq!(config["client_id"], "page");
    assert_eq!(config["contact"], "the platform team");
    assert_eq!(config["users"][0]["name"], "victor");
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_as_short_as_the_browser_takes_it_and_is_kept() {
    let world = world().await;
    let path = "/explore/assets/index-1a2b.js";
    let plain = world.ask(path).send().await;
    assert_eq!(plain.body, "the script as it is");
    assert_eq!(plain.header("content-encoding"), None);
    let short = world
        .ask(path)
        .header("accept-encoding", "gzip, br")
        .send()
        .await;
    assert_eq!(short.body, "the script, shorter");
    assert_eq!(short.header("content-encoding"), Some("br"));
    assert!(short.header("cache-control").unwrap().contains("immutable"));
    let head = world.ask(path).method(Method::HEAD).send().await;
    assert_eq!((head.status.as_u16(), &*head.body), (200, ""));
    for path in [
        "/explore/assets/index.html",
        "/explore/assets/other.js",
        "/explore/assets/..",
        "/explore/assets/%2e%2e",
        "/explore/index.html",
        "/explore/config.json/",
    ] {
        assert_eq!(world.ask(path).send().await.status, 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_page_where_it_is_not_configured() {
    let world = World::new().await;
    for path in ["/explore", "/explore/", "/explore/config.json"] {
        assert_eq!(world.ask(path).send().await.status, 404, "{path}");
    }
}
