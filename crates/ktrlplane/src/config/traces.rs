//! `traces`: where spans go.

use gateway::TraceSettings;
use url::Url;

use super::layers::{Given, Layers};
use super::problem::Problem;

/// Reads where traces go; nowhere where nothing is said, or where it is wrong.
pub(crate) fn read(layers: &Layers, problems: &mut Vec<Problem>) -> Option<TraceSettings> {
    let ratio = layers.require("traces.sample_ratio", problems, |given| {
        let ratio = given.text.trim().parse::<f64>().ok();
        let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.ok_or_else(|| format!("is {}", given.shown()))
    });
    let callers_decide = layers.require("traces.callers_decide", problems, Given::switch);
    layers.given("traces.endpoint")?;
    let endpoint = layers.require("traces.endpoint", problems, |given| {
        let url = Url::parse(given.text.trim()).ok();
        url.filter(is_plain)
            // It may hold what it should not.
            .ok_or_else(|| "is no such URL".to_owned())
    });
    let settings = TraceSettings::new(endpoint?, ratio?);
    Some(if callers_decide? {
        settings
    } else {
        settings.without_callers_decision()
    })
}

fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}
