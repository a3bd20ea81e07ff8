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

    /// A code for victor, redeemed: the code and its refresh token.
    async fn signed_in(&self) -> (String, String) {
        let answer = self.authorize(&[("login_hint", "victor")], "").await;
        let code = back(&answer, "code").unwrap();
        let (_, tokens) = self.redeem(&code, VERIFIER, PAGE).await;
        (code, tokens["refresh_token"].as_str().unwrap().to_owned())
    }

    async fn renew(&self, token: &str) -> (StatusCode, Option<String>) {
        let asked = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let (status, tokens) = self.token(&asked).await;
        (status, tokens["refresh_token"].as_str().map(str::to_owned))
    }

    async fn revoke(&self, asked: &str) -> StatusCode {
        let request = Request::post("/revoke")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(asked.to_owned()));
        self.send(request.unwrap()).await.status()
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

#[tokio::test]
async fn a_code_that_is_shown_again_takes_back_what_came_of_it() {
    let world = World::new();
    let (code, token) = world.signed_in().await;
    let (_, other) = world.signed_in().await;
    let (status, next) = world.renew(&token).await;
    assert_eq!(status, StatusCode::OK);
    // Whoever shows it, and with whatever proof.
    let (status, _) = world.redeem(&code, "", PAGE).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = world.renew(&next.unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = world.renew(&other).await;
    assert_eq!(status, StatusCode::OK, "another sign-in goes on");
}

#[tokio::test]
async fn a_refresh_token_that_is_shown_again_takes_back_the_ones_after_it() {
    let world = World::new();
    let (_, first) = world.signed_in().await;
    let (_, second) = world.renew(&first).await;
    let (_, third) = world.renew(&second.unwrap()).await;
    let (status, _) = world.renew(&first).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _) = world.renew(&third.unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_refresh_token_that_is_revoked_is_good_no_more() {
    let world = World::new();
    let (_, token) = world.signed_in().await;
    let asked = format!("token={token}&token_type_hint=refresh_token");
    assert_eq!(world.revoke(&asked).await, StatusCode::BAD_REQUEST);
    let (status, token) = world.renew(&token).await;
    assert_eq!(status, StatusCode::OK, "nobody but the page revokes");
    let token = token.unwrap();
    let asked = format!("client_id=explore&token={token}&token_type_hint=refresh_token");
    assert_eq!(world.revoke(&asked).await, StatusCode::OK);
    let (status, _) = world.renew(&token).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // What is not known is as good as revoked (RFC 7009, section 2.2).
    assert_eq!(world.revoke(&asked).await, StatusCode::OK);
    let access = "client_id=explore&token=a.b.c";
    assert_eq!(world.revoke(access).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_browser_has_one_session_and_keeps_it_while_it_is_asked_silently() {
    let world = World::new();
    let cookie = |answer: &Response| {
        let cookie = answer.headers().get(SET_COOKIE)?.to_str().unwrap();
        Some(cookie.split(';').next().unwrap().to_owned())
    };
    let answer = world.authorize(&[("login_hint", "victor")], "").await;
    let first = cookie(&answer).unwrap();
    let answer = world.authorize(&[("prompt", "none")], &first).await;
    assert!(back(&answer, "code").is_some());
    assert_eq!(cookie(&answer), None);
    let answer = world.authorize(&[("login_hint", "alice")], &first).await;
    let second = cookie(&answer).unwrap();
    let answer = world.authorize(&[("prompt", "none")], &first).await;
    assert_eq!(back(&answer, "error").as_deref(), Some("login_required"));
    let answer = world.authorize(&[("prompt", "none")], &second).await;
    assert!(back(&answer, "code").is_some());
}

#[tokio::test]
async fn no_answer_is_framed_or_guessed_about() {
    let world = World::new();
    for path in [
        "/authorize",
        "/authorize?client_id=explore",
        "/authorize?client_id=explore&client_id=explore",
        "/sign-out",
        "/token",
        "/jwks.json",
        "/.well-known/openid-configuration",
        "/nothing",
    ] {
        let request = Request::get(path).body(Body::empty());
        let answer = world.send(request.unwrap()).await;
        let header = |name: &str| answer.headers()[name].to_str().unwrap();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
    }
    let answer = world.authorize(&[], "").await;
    let policy = answer.headers()["content-security-policy"].to_str();
    let policy = policy.unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("style-src"));
}
