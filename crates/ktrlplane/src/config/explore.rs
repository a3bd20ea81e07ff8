//! `explore`: the page for people.

use gateway::ExploreSettings;

use super::layers::Layers;
use super::problem::Problem;

/// Reads the section; none where the page is off, or where something in it is wrong.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<ExploreSettings> {
    let trimmed = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let text = |path: &str| layers.given(path).and_then(|given| trimmed(&given.text));
    let scopes = layers.require("explore.scopes", problems, |given| {
        let scopes: Vec<String> = given
            .text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect();
        // Without it, the issuer says nothing of who signed in (OIDC Core 1.0, section 3.1.2.1).
        if scopes.iter().any(|scope| scope == "openid") {
            Ok(scopes)
        } else {
            Err(format!("is {}, without openid", given.shown()))
        }
    });
    Some(ExploreSettings {
        client_id: text("explore.client_id")?,
        scopes: scopes?,
        contact: text("explore.contact"),
        users: Vec::new(),
        files: crate::page::FILES,
    })
}
