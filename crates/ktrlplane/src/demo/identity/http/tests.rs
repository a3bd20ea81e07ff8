use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use gateway::SystemClock;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use super::*;
use crate::demo::data_dir::DataDir;

const PAGE: &str = "http://127.0.0.1:8080/explore/";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Of that verifier: the example of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct World {
    router: Router,
    _directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::new(directory.path());
        let _lock = data.occupy().unwrap();
        let (provider, _listener) = IdentityProvider::open(&data).unwrap();
        let provider = Arc::new(provider);
        provider.sign_in.open(&["http://127.0.0.1:8080".to_owned()]);
        Self {
            router: router(provider, Arc::new(SystemClock)),
            _directory: directory,
        }
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn authorize(&self, change: &[(&str, &str)], cookie: &str) -> Response {
        let mut asked = vec![
            ("client_id", "explore"),
            ("redirect_uri", PAGE),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "s1"),
            ("nonce", "n1"),
        ];
        asked.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
        asked.extend(change);
        let mut url = Url::parse("http://issuer/authorize").unwrap();
        url.query_pairs_mut().extend_pairs(asked);
        let uri = format!("/authorize?{}", url.query().unwrap());
        let request = Request::get(uri).header(COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn token(&self, asked: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut url = Url::parse("http://issuer/").unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", "explore")
            .extend_pairs(asked);
        let request = Request::post("/token")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(url.query().unwrap().to_owned()));
        let answer = self.send(request.unwrap()).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn redeem(&self, code: &str, verifier: &str, page: &str) -> (StatusCode, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", page),
        ])
        .await
    }
}

/// What came back to the page by this name.
fn back(response: &Response, name: &str) -> Option<String> {
    let location = response.headers().get(LOCATION)?.to_str().unwrap();
    assert!(location.starts_with(&format!("{PAGE}?")), "{location}");
    let url = Url::parse(location).unwrap();
    let mut pairs = url.query_pairs();
    pairs.find_map(|(found, value)| (found == name).then(|| value.into_owned()))
}

/// The claims of a token, which the page reads and the gateway checks.
fn claims(token: &Value) -> Value {
    use base64::Engine as _;
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload);
    serde_json::from_slice(&payload.unwrap()).unwrap()
}

#[tokio::test]
async fn a_code_is_for_the_verifier_and_the_page_that_asked_and_is_good_once() {
    let world = World::new();
    let answer = world.authorize(&[("login_hint", "victor")], "").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(back(&answer, "state").as_deref(), Some("s1"));
    let code = back(&answer, "code").unwrap();
    let (status, tokens) = world.redeem(&code, VERIFIER, PAGE).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(claims(&tokens["access_token"])["sub"], "demo|victor");
    assert_eq!(claims(&tokens["access_token"])["aud"], "ktrlplane-demo");
    let id = claims(&tokens["id_token"]);
    assert_eq!(
        (&id["aud"], &id["nonce"]),
        (&"explore".into(), &"n1".into())
    );
    let (status, again) = world.redeem(&code, VERIFIER, PAGE).await;
    assert_eq!(
        (status.as_u16(), &again["error"]),
        (400, &"invalid_grant".into())
    );

    for (verifier, page) in [
        ("another-verifier-of-forty-three-characters-", PAGE),
        (VERIFIER, "http://127.0.0.1:8080/explore"),
        ("", PAGE),
    ] {
        let answer = world.authorize(&[("login_hint", "victor")], "").await;
        let code = back(&answer, "code").unwrap();
        let (status, answer) = world.redeem(&code, verifier, page).await;
        assert_eq!(
            (status.as_u16(), &answer["error"]),
            (400, &"invalid_grant".into())
        );
        // Whoever guesses has one guess.
        let (status, _) = world.redeem(&code, VERIFIER, PAGE).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_the_page_s_to_the_letter() {
    let world = World::new();
    for address in [
        "http://127.0.0.1:8080/explore",
        "http://127.0.0.1:8080/explore/?x=1",
        "http://127.0.0.1:8080/explore/#x",
        "http://127.0.0.1:8081/explore/",
        "http://127.0.0.1:8080.elsewhere.example/explore/",
        "https://127.0.0.1:8080/explore/",
        "",
    ] {
        let asked = [("redirect_uri", address), ("login_hint", "victor")];
        let answer = world.authorize(&asked, "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{address}");
        assert_eq!(answer.headers().get(LOCATION), None);
    }
    let answer = world
        .authorize(&[("client_id", "other"), ("login_hint", "victor")], "")
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_proof_is_required_and_its_plain_method_refused() {
    let world = World::new();
    for change in [
        ("code_challenge_method", "plain"),
        ("code_challenge_method", ""),
        ("code_challenge", ""),
    ] {
        let answer = world
            .authorize(&[change, ("login_hint", "victor")], "")
            .await;
        assert_eq!(back(&answer, "error").as_deref(), Some("invalid_request"));
        assert_eq!(back(&answer, "code"), None);
    }
    let answer = world.authorize(&[("response_type", "token")], "").await;
    let error = back(&answer, "error");
    assert_eq!(error.as_deref(), Some("unsupported_response_type"));
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_brings_the_next() {
    let world = World::new();
    let answer = world.authorize(&[("login_hint", "victor")], "").await;
    let (_, first) = world
        .redeem(&back(&answer, "code").unwrap(), VERIFIER, PAGE)
        .await;
    let token = first["refresh_token"].as_str().unwrap();
    let asked = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let (status, second) = world.token(&asked).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(claims(&second["access_token"])["sub"], "demo|victor");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let (status, _) = world.token(&asked).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_browser_that_signed_in_is_known_until_it_signs_out() {
    let world = World::new();
    let silent = [("prompt", "none"), ("login_hint", "alice")];
    let answer = world.authorize(&silent, "").await;
    assert_eq!(back(&answer, "error").as_deref(), Some("login_required"));

    let answer = world.authorize(&[("login_hint", "victor")], "").await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let answer = world.authorize(&silent, &cookie).await;
    let (_, tokens) = world
        .redeem(&back(&answer, "code").unwrap(), VERIFIER, PAGE)
        .await;
    assert_eq!(claims(&tokens["access_token"])["sub"], "demo|victor");

    let request = Request::get("/sign-out?post_logout_redirect_uri=http://elsewhere.example/")
        .header(COOKIE, &cookie)
        .body(Body::empty());
    let answer = world.send(request.unwrap()).await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers().get(LOCATION)),
        (200, None)
    );
    let answer = world.authorize(&silent, &cookie).await;
    assert_eq!(back(&answer, "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn the_page_alone_may_read_what_the_issuer_answers() {
    let world = World::new();
    for (origin, allowed) in [
        ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
        ("http://elsewhere.example", None),
        ("null", None),
    ] {
        let request = Request::get("/.well-known/openid-configuration").header(ORIGIN, origin);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        let found = answer.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(found.map(|found| found.to_str().unwrap()), allowed);
    }
}

#[tokio::test]
async fn without_a_hint_somebody_is_chosen_from_a_list() {
    let world = World::new();
    let answer = world.authorize(&[("state", "\"><b>")], "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert!(page.contains("login_hint=mallory"));
    assert!(!page.contains("<b>"));
}
