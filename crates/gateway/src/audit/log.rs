//! The line of the log that each request has.

use std::time::Duration;

use directory::policy::{ProjectId, ResourceId, Subject};

use super::Record;

impl Record {
    /// Logs that the request `id` was answered, with what is known of it; never a header or a query.
    ///
    /// It is one event with all of it. Fields of a span would be kept one by one, which cost more than
    /// the line itself.
    pub(crate) fn log(
        &self,
        (id, trace_id): (&str, Option<String>),
        status: u16,
        took: Duration,
        is_probe: bool,
    ) {
        let duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.look(|fields| {
            let route = fields.map(|fields| fields.endpoint);
            if is_probe {
                // Probes come every few seconds, and their lines would bury all others.
                tracing::debug!(
                    target: "gateway::pipeline",
                    request_id = id,
                    route,
                    status,
                    duration_us,
                    "answered a probe"
                );
                return;
            }
            let text = |text: fn(&super::record::Fields) -> Option<&str>| fields.and_then(text);
            tracing::info!(
                target: "gateway::pipeline",
                request_id = id,
                trace_id,
                route,
                // As a text, so that it is quoted: a subject may hold spaces, and would look like fields.
                subject = text(|fields| fields.subject.as_ref().map(Subject::as_str)),
                project = text(|fields| fields.project.as_ref().map(ProjectId::as_str)),
                resource = text(|fields| fields.resource.as_ref().map(ResourceId::as_str)),
                assignment = text(|fields| fields.assignment.as_deref()),
                entries = fields.and_then(|fields| fields.entries),
                replaced = fields.and_then(|fields| fields.replaced),
                unknown_fields = fields.and_then(|fields| fields.unknown),
                reason = fields.and_then(|fields| fields.noted),
                status,
                duration_us,
                "answered"
            );
        });
    }
}
