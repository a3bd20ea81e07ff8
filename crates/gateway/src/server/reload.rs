//! Other settings, while the gateway runs.
//!
//! All that could fail is done before anything takes effect, so that there is never half of a new
//! configuration. Requests that are on their way end by the one that they began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use jiff::Timestamp;

use super::door::Current;
use super::tls::{self, Tls};
use crate::explore::Explore;
use crate::openapi::Document;
use crate::pipeline::{Pipeline, Shared};
use crate::routes::Backend;
use crate::settings::Settings;
use crate::transport::{Credentialed, TransportError, Transports};

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

/// Reads the files that other settings name. It keeps nothing of the gateway going: where a disk hangs, it
/// may be left to itself.
#[derive(Clone)]
pub struct Preparer {
    pub(super) transports: Transports,
    pub(super) tls: Option<Tls>,
}

/// Other settings, of which all files are read and can be used.
pub struct Prepared {
    settings: Settings,
    credentials: Credentialed,
    tls: Option<tls::Prepared>,
}

impl Preparer {
    /// Reads the files, for as long as the disk takes. Nothing takes effect yet.
    ///
    /// # Errors
    /// One of them cannot be read or used.
    pub fn prepare(&self, settings: Settings) -> Result<Prepared, ReloadError> {
        let credentials = self.transports.prepare(&settings);
        let credentials =
            credentials.map_err(|(backend, source)| ReloadError::Transport { backend, source })?;
        let prepared = match (&self.tls, &settings.tls) {
            (Some(tls), Some(settings)) => Some(tls.prepare(settings)),
            _ => None,
        };
        Ok(Prepared {
            tls: prepared.transpose().map_err(ReloadError::Tls)?,
            settings,
            credentials,
        })
    }
}

/// What has become of the configuration that was read last.
#[derive(Debug)]
pub(crate) struct Configured {
    is_in_force: AtomicBool,
    /// When it was last found to be so, in seconds since 1970.
    since: AtomicI64,
}

impl Configured {
    /// That of the start is in force.
    pub(super) fn at(time: Timestamp) -> Self {
        Self {
            is_in_force: AtomicBool::new(true),
            since: AtomicI64::new(time.as_second()),
        }
    }

    pub(super) fn is_now(&self, is_in_force: bool, time: Timestamp) {
        self.is_in_force.store(is_in_force, Ordering::Relaxed);
        if is_in_force {
            self.since.store(time.as_second(), Ordering::Relaxed);
        }
    }

    /// Whether what was read last is in force, and when it was last found to be so.
    pub(crate) fn now(&self) -> (bool, i64) {
        let since = self.since.load(Ordering::Relaxed);
        (self.is_in_force.load(Ordering::Relaxed), since)
    }
}

/// What may be given other settings.
pub(super) struct Changeable {
    pub(super) threads: Vec<Current>,
}

impl Changeable {
    /// Takes what may change, and leaves the rest as it is: whoever calls this has looked whether the
    /// rest is the same.
    pub(super) fn take(&self, prepared: Prepared, tls: Option<&Tls>) -> Result<(), ReloadError> {
        let settings = &prepared.settings;
        let Some(first) = self.threads.first() else {
            return Ok(());
        };
        let before = Arc::clone(&first.load().shared);
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
        prepared.credentials.take_effect();
        if let (Some(tls), Some(prepared)) = (tls, prepared.tls) {
            tls.take(prepared);
        }
        Ok(())
    }
}
