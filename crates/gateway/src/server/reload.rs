//! Other settings, while the gateway runs.
//!
//! All that could fail is done before anything takes effect, so that there is never half of a new
//! configuration. Requests that are on their way end by the one that they began with.

use std::sync::Arc;

use super::door::Current;
use super::tls::Tls;
use crate::explore::Explore;
use crate::openapi::Document;
use crate::pipeline::{Pipeline, Shared};
use crate::routes::Backend;
use crate::settings::Settings;
use crate::transport::{TransportError, Transports};

/// Why other settings cannot take effect. Those of before stay in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The certificate, or what it is used with, cannot be read or used.
    #[error("TLS cannot be served: {0}")]
    Tls(TransportError),
    /// A secret that a backend is shown cannot be read or used.
    #[error("the {} backend cannot be reached: {source}", .backend.name())]
    Transport {
        /// The backend.
        backend: Backend,
        /// What is wrong.
        source: TransportError,
    },
    /// The gateway cannot be described.
    #[error("the OpenAPI document cannot be made: {0}")]
    Document(serde_json::Error),
}

/// What may be given other settings.
pub(super) struct Changeable {
    pub(super) threads: Vec<Current>,
    pub(super) transports: Transports,
}

impl Changeable {
    /// Takes what may change, and leaves the rest as it is: whoever calls this has looked whether the
    /// rest is the same.
    pub(super) fn reload(&self, settings: &Settings, tls: Option<&Tls>) -> Result<(), ReloadError> {
        let Some(first) = self.threads.first() else {
            return Ok(());
        };
        let before = Arc::clone(&first.load().shared);
        let credentials = self.transports.prepare(settings);
        let credentials =
            credentials.map_err(|(backend, source)| ReloadError::Transport { backend, source })?;
        let prepared = match (tls, &settings.tls) {
            (Some(tls), Some(settings)) => Some((tls, tls.prepare(settings))),
            _ => None,
        };
        let prepared = match prepared {
            Some((tls, prepared)) => Some((tls, prepared.map_err(ReloadError::Tls)?)),
            None => None,
        };
        let shared = Arc::new(Shared {
            document: Arc::new(
                Document::new(settings.max_log_lines).map_err(ReloadError::Document)?,
            ),
            explore: Arc::new(
                Explore::new(settings.explore.as_ref(), &settings.issuer)
                    .map_err(ReloadError::Document)?,
            ),
            max_log_lines: settings.max_log_lines,
            limits: before.limits.changed(settings.limits.clone()),
            management: settings.management.clone(),
            ..Shared::clone(&before)
        });
        // Nothing can fail from here on.
        for current in &self.threads {
            current.rcu(|pipeline| Pipeline {
                shared: Arc::clone(&shared),
                ..Pipeline::clone(pipeline)
            });
        }
        before.audit.keep_of_queries(settings.audit.queries);
        credentials.take_effect();
        if let Some((tls, prepared)) = prepared {
            tls.take(prepared);
        }
        Ok(())
    }
}
