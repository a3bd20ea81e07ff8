//! The key that signs, made once.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

/// An RSA key of 2048 bits for RS256, with its public half as a JWK set.
pub(crate) struct SigningKey {
    pem: String,
    id: String,
    private: EncodingKey,
    public: serde_json::Value,
}

/// A key that cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// No key came out.
    #[error("a signing key cannot be made")]
    Generate,
    /// The key is not what it should be.
    #[error("the signing key cannot be used: {0}")]
    Key(#[from] jsonwebtoken::errors::Error),
    /// The key cannot be written down.
    #[error("the signing key cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

impl SigningKey {
    /// A new key.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
        let der = pair.as_der().map_err(|_| KeyError::Generate)?;
        Self::from_pem(&pem(der.as_ref()))
    }

    /// The key that was written as `pem`.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let private = EncodingKey::from_rsa_pem(pem.as_bytes())?;
        let mut public = Jwk::from_encoding_key(&private, Algorithm::RS256)?;
        // RFC 7638: the id follows from the key, so one key never has two.
        let id = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            pem: pem.to_owned(),
            id,
            private,
            public: serde_json::json!({ "keys": [public] }),
        })
    }

    /// The private key as PKCS #8 in PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The public key as a JWK set (RFC 7517).
    pub(crate) fn jwks(&self) -> &serde_json::Value {
        &self.public
    }

    /// A signed token with these claims.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.private)?)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// RFC 7468: base64 in lines of 64 between the two marks.
fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN PRIVATE KEY-----\n");
    for (index, c) in STANDARD.encode(der).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}
