//! An identity provider with real keys, which tests can rotate, stop and count.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::AUDIENCE;

/// A key pair for signing.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) private: EncodingKey,
    pub(crate) algorithm: Algorithm,
}

impl Pair {
    fn rsa() -> Self {
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(
            &RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
        )
        .unwrap();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        Self {
            private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
            algorithm: Algorithm::RS256,
        }
    }

    pub(crate) fn ec() -> Self {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self {
            private: EncodingKey::from_ec_der(der.as_ref()),
            algorithm: Algorithm::ES256,
        }
    }

    pub(crate) fn ed() -> Self {
        let der = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap();
        Self {
            private: EncodingKey::from_ed_der(der.as_ref()),
            algorithm: Algorithm::EdDSA,
        }
    }

    /// The public key as a key set has it.
    pub(crate) fn public(&self, kid: Option<&str>) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = kid.map(str::to_owned);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        serde_json::to_value(jwk).unwrap()
    }

    pub(crate) fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = kid.map(str::to_owned);
        self.sign_with(&header, claims)
    }

    pub(crate) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.private).unwrap()
    }
}

/// Two RSA keys for all tests: making them takes a while.
pub(crate) static FIRST: LazyLock<Pair> = LazyLock::new(Pair::rsa);
pub(crate) static SECOND: LazyLock<Pair> = LazyLock::new(Pair::rsa);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Up,
    Down,
    Hanging,
    /// States this issuer in place of its own.
    Stating(String),
    /// Has its keys at this place.
    KeysAt(String),
    Redirecting,
    Endless,
}

#[derive(Clone)]
struct Shared {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    mood: Arc<Mutex<Mood>>,
    fetches: Arc<AtomicUsize>,
}

pub(crate) struct Issuer(Shared);

impl Issuer {
    pub(crate) async fn start() -> Self {
        Self::start_in(Mood::Up).await
    }

    pub(crate) async fn start_in(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let shared = Shared {
            url: format!("http://{address}/"),
            keys: Arc::new(Mutex::new(vec![FIRST.public(Some("first"))])),
            mood: Arc::new(Mutex::new(mood)),
            fetches: Arc::default(),
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self(shared)
    }

    /// The issuer's identifier; it ends with a slash, as Auth0's do.
    pub(crate) fn url(&self) -> String {
        self.0.url.clone()
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
    }

    pub(crate) fn publish(&self, keys: Vec<Value>) {
        *self.0.keys.lock().unwrap() = keys;
    }

    /// How often the keys have been fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn claims(&self, subject: &str, now: Timestamp) -> Value {
        json!({
            "iss": self.url(),
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now.as_second(),
            "exp": now.as_second() + 3600,
        })
    }

    pub(crate) fn token(&self, subject: &str, now: Timestamp) -> String {
        FIRST.sign(Some("first"), &self.claims(subject, now))
    }
}

/// A token of these parts, with a signature that is any bytes.
pub(crate) fn assembled(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = URL_SAFE_NO_PAD.encode(signature);
    format!("{}.{}.{signature}", encode(header), encode(claims))
}

async fn discovery(State(shared): State<Shared>) -> Response {
    let mood = shared.mood.lock().unwrap().clone();
    let (mut issuer, mut keys) = (shared.url.clone(), format!("{}keys", shared.url));
    let mut padding = 0;
    match mood {
        Mood::Up => {}
        Mood::Down => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Mood::Hanging => std::future::pending().await,
        Mood::Stating(other) => issuer = other,
        Mood::KeysAt(place) => keys = place,
        Mood::Redirecting => return axum::response::Redirect::to("/keys").into_response(),
        Mood::Endless => padding = 1 << 20,
    }
    let document = json!({"issuer": issuer, "jwks_uri": keys});
    // White space behind a document is still JSON: what refuses it is its length.
    format!("{document}{}", " ".repeat(padding)).into_response()
}

async fn keys(State(shared): State<Shared>) -> Response {
    shared.fetches.fetch_add(1, Ordering::SeqCst);
    let keys = shared.keys.lock().unwrap().clone();
    Json(json!({"keys": keys})).into_response()
}
