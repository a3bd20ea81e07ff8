//! Who asks: an issuer of tokens and a directory, in which one person may read one project.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::directory::policy::{
    OrganizationId, ProjectId, ResourceId, Scope, Subject, SystemRole,
};
use gateway::directory::{Directory, Grant, Options};
use gateway::{Clock, IssuerSettings, SystemClock};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::vocabulary::{LONGER, MINE, OTHER, PROJECT};

const AUDIENCE: &str = "https://observability.test";
const READER: &str = "victor";

/// The issuer and the directory.
pub(crate) struct People {
    key: EncodingKey,
    issuer: String,
    pub(crate) directory: Directory,
}

impl People {
    pub(crate) async fn new() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("an encoded key");
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
        let issuer = serve_issuer(&key).await;
        Self {
            key,
            issuer,
            directory: directory().await,
        }
    }

    /// What a gateway has to know of the issuer.
    pub(crate) fn settings(&self) -> IssuerSettings {
        IssuerSettings {
            issuer: self.issuer.clone(),
            audience: AUDIENCE.to_owned(),
            algorithms: vec![Algorithm::RS256],
        }
    }

    /// A token of the one who may read, good for an hour.
    pub(crate) fn token(&self) -> String {
        let now = SystemClock.now().as_second();
        let claims = json!({
            "iss": self.issuer, "aud": AUDIENCE, "sub": READER, "iat": now, "exp": now + 3600,
        });
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key).expect("a token")
    }
}

async fn serve_issuer(key: &EncodingKey) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let issuer = format!("http://{address}/");
    let jwk = Jwk::from_encoding_key(key, Algorithm::RS256).expect("a public key");
    let keys = Arc::new(json!({"keys": [jwk]}));
    let discovery = Arc::new(json!({"issuer": issuer, "jwks_uri": format!("{issuer}keys")}));
    let router = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(async move || Json(Arc::clone(&discovery))),
        )
        .route("/keys", get(async move || Json(Arc::clone(&keys))));
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

async fn directory() -> Directory {
    let directory = Directory::open(Options::new("sqlite::memory:", Handle::current()))
        .await
        .expect("the directory opens");
    let organization = OrganizationId::new("acme").expect("an id");
    let project = ProjectId::new(PROJECT).expect("an id");
    directory
        .create_organization(&organization, "acme")
        .await
        .expect("a new organization");
    directory
        .create_project(&project, Some(&organization), PROJECT)
        .await
        .expect("a new project");
    for id in [MINE, OTHER, LONGER] {
        let resource = ResourceId::new(id).expect("an id");
        directory
            .create_resource(&resource, &project, id, "Konnektr.Test")
            .await
            .expect("a new resource");
    }
    let subject = Subject::new(READER).expect("a subject");
    directory
        .put_user(&subject, None, READER)
        .await
        .expect("a new user");
    let grant = Grant {
        subject,
        role: SystemRole::Viewer.name().to_owned(),
        scope: Scope::Project(project),
        assigned_by: None,
        expires_at: None,
    };
    directory.grant(grant).await.expect("a new role");
    directory
}
