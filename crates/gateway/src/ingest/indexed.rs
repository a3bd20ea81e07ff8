//! Whether Loki makes a stream label of the attribute by which OTLP's log records belong to a resource.
//!
//! Loki does so for the attributes that its `otlp_config` names, and for no others. Records whose
//! `resource_id` is no stream label are stored, but no reader of the resource finds them: an
//! acknowledged write would be lost to them. So the tenant's limits are asked for
//! (`GET /config/tenant/v1/limits`), once in a while, and what would not be found is not sent.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use directory::policy::ProjectId;
use http::HeaderValue;
use regex::Regex;
use serde::Deserialize;
use tokio::time::Instant;

use super::label::RESOURCE_LABEL;
use crate::error::Error;
use crate::forward::Upstream;

/// Where Loki says what holds for a tenant.
pub(crate) const LIMITS_PATH: &str = "/config/tenant/v1/limits";

/// How long an answer is believed. An operator who has mended the configuration waits for as long.
const BELIEVED: Duration = Duration::from_secs(30);

/// How many tenants are remembered.
const MOST: usize = 10_000;

/// What a tenant's limits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The attribute becomes a stream label.
    Indexed,
    /// It does not.
    NotIndexed,
    /// They cannot be read: an older Loki, or a proxy that hides them. What its operator has
    /// configured is then for them to know.
    Unknown,
}

/// What is known of tenants.
#[derive(Default)]
pub(super) struct Indexed {
    known: Mutex<HashMap<ProjectId, (Verdict, Instant)>>,
}

impl Indexed {
    /// Refuses what readers of the resource would not find.
    pub(super) async fn check(
        &self,
        tenant: &ProjectId,
        upstream: &Upstream,
        request_id: &HeaderValue,
    ) -> Result<(), Error> {
        let verdict = if let Some(verdict) = self.believed(tenant) {
            verdict
        } else {
            let limits = upstream.own(LIMITS_PATH, tenant, request_id).await;
            let verdict = limits.map_or(Verdict::Unknown, |limits| verdict(&limits));
            if verdict == Verdict::Unknown {
                tracing::warn!(
                    %tenant,
                    "Loki does not say whether its otlp_config makes a stream label of \
                     resource_id, without which readers of resources do not find log records"
                );
            }
            if verdict == Verdict::NotIndexed {
                tracing::warn!(
                    %tenant,
                    "log records over OTLP are refused: Loki makes no stream label of resource_id; name it \
                     in limits_config.otlp_config.resource_attributes"
                );
            }
            self.believe(tenant, verdict);
            verdict
        };
        match verdict {
            Verdict::Indexed | Verdict::Unknown => Ok(()),
            Verdict::NotIndexed => Err(Error::NotIndexed),
        }
    }

    fn believed(&self, tenant: &ProjectId) -> Option<Verdict> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (verdict, since) = known.get(tenant)?;
        (since.elapsed() < BELIEVED).then_some(*verdict)
    }

    fn believe(&self, tenant: &ProjectId, verdict: Verdict) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (_, since)| since.elapsed() < BELIEVED);
        }
        if known.len() < MOST {
            known.insert(tenant.clone(), (verdict, Instant::now()));
        }
    }
}

/// Loki's limits of a tenant, as far as they matter here.
#[derive(Deserialize)]
struct TenantLimits {
    otlp_config: Option<OtlpConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OtlpConfig {
    resource_attributes: ResourceAttributes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceAttributes {
    attributes_config: Vec<Rule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    action: String,
    attributes: Vec<String>,
    regex: Option<String>,
}

/// What limits say: the first rule that an attribute matches holds for it, and without one it becomes
/// structured metadata.
fn verdict(limits: &str) -> Verdict {
    let Ok(limits) = serde_saphyr::from_str::<TenantLimits>(limits) else {
        return Verdict::Unknown;
    };
    let Some(config) = limits.otlp_config else {
        return Verdict::Unknown;
    };
    for rule in config.resource_attributes.attributes_config {
        let mut matches = rule.attributes.iter().any(|name| name == RESOURCE_LABEL);
        if let Some(regex) = rule.regex.filter(|regex| !regex.is_empty()) {
            // Anchored, as Loki has it.
            let Ok(regex) = Regex::new(&format!("^(?s:{regex})$")) else {
                return Verdict::Unknown;
            };
            matches |= regex.is_match(RESOURCE_LABEL);
        }
        if matches {
            return if rule.action == "index_label" {
                Verdict::Indexed
            } else {
                Verdict::NotIndexed
            };
        }
    }
    Verdict::NotIndexed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_matches_decides() {
        let limits = |rules: &str| {
            let rules =
                format!("ingestion_rate_mb: 4\notlp_config:\n  resource_attributes:\n{rules}");
            verdict(&rules)
        };
        for (rules, expected) in [
            ("    ignore_defaults: true", Verdict::NotIndexed),
            (
                "    attributes_config: [{action: index_label, attributes: [service.name]}]",
                Verdict::NotIndexed,
            ),
            (
                "    attributes_config:\n      - action: index_label\n        attributes:\n          - service.name\n      - action: index_label\n        attributes: [resource_id]",
                Verdict::Indexed,
            ),
            (
                "    attributes_config: [{action: drop, regex: 'res.*'}, {action: index_label, attributes: [resource_id]}]",
                Verdict::NotIndexed,
            ),
            (
                "    attributes_config: [{action: drop, regex: 'res'}, {action: index_label, regex: 'resource_.+'}]",
                Verdict::Indexed,
            ),
            (
                "    attributes_config: [{action: structured_metadata, attributes: [resource_id]}]",
                Verdict::NotIndexed,
            ),
            (
                "    attributes_config: [{action: index_label, regex: '('}]",
                Verdict::Unknown,
            ),
        ] {
            assert_eq!(limits(rules), expected, "{rules}");
        }
        for limits in ["", "ingestion_rate_mb: 4", "<html>", "otlp_config: 3", "{"] {
            assert_eq!(verdict(limits), Verdict::Unknown, "{limits}");
        }
    }
}
