//! `auth`: whose tokens are taken.

use jsonwebtoken::Algorithm;
use url::Url;

use super::layers::{Given, Layers};
use super::problem::Problem;

/// The issuer and what its tokens must say.
#[derive(Debug)]
pub(crate) struct Auth {
    /// The `iss` of the tokens, to the letter.
    pub(crate) issuer: String,
    /// The `aud` of the tokens.
    pub(crate) audience: String,
    /// How they may be signed; asymmetric algorithms alone.
    pub(crate) algorithms: Vec<Algorithm>,
}

/// Reads the section.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<Auth> {
    let issuer = layers.require("auth.issuer", problems, issuer);
    let audience = layers.require("auth.audience", problems, |given| {
        Ok(given.text.trim().to_owned())
    });
    let algorithms = layers.require("auth.algorithms", problems, algorithms);
    Some(Auth {
        issuer: issuer?,
        audience: audience?,
        algorithms: algorithms?,
    })
}

fn issuer(given: &Given) -> Result<String, String> {
    let text = given.text.trim();
    let shown = given.shown();
    let url = Url::parse(text).map_err(|error| format!("is {shown}, which is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("is {shown}, which is neither https:// nor http://"));
    }
    // OpenID Connect Discovery 1.0, section 3: an issuer has no query or fragment.
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {shown}, which has a query or a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("is {shown}, which has a user or password"));
    }
    Ok(text.to_owned())
}

/// Symmetric algorithms are refused: whoever checks a token could then make one, and a public key
/// taken for a shared secret is an old attack.
fn algorithms(given: &Given) -> Result<Vec<Algorithm>, String> {
    let algorithm = |name: &str| match name {
        "RS256" => Ok(Algorithm::RS256),
        "RS384" => Ok(Algorithm::RS384),
        "RS512" => Ok(Algorithm::RS512),
        "PS256" => Ok(Algorithm::PS256),
        "PS384" => Ok(Algorithm::PS384),
        "PS512" => Ok(Algorithm::PS512),
        "ES256" => Ok(Algorithm::ES256),
        "ES384" => Ok(Algorithm::ES384),
        "EdDSA" => Ok(Algorithm::EdDSA),
        "HS256" | "HS384" | "HS512" => Err(format!(
            "names {name}, which is refused because its key is a shared secret"
        )),
        _ => Err(format!(
            "names {name:?}, which is no algorithm that is taken"
        )),
    };
    given
        .text
        .split(',')
        .map(str::trim)
        .map(algorithm)
        .collect()
}
