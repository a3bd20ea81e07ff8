//! `ktrlplane admin audit`: who wrote what.

use clap::Args;
use gateway::directory::manage::record::AuditEntry;

use super::super::Failure;
use super::desk::{Desk, Row, or_dash};
use super::place::Somewhere;

/// Show what was written about a place and what is in it, newest first, also of places that are
/// gone.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ktrlplane admin audit --org acme --limit 20")]
pub(super) struct Audit {
    #[command(flatten)]
    place: Somewhere,
    /// The most entries.
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

impl Row for AuditEntry {
    const TITLES: &'static [&'static str] = &[
        "at",
        "by",
        "operation",
        "organization",
        "project",
        "resource",
        "detail",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.at.to_string(),
            self.subject
                .clone()
                .unwrap_or_else(|| "operator".to_owned()),
            self.operation.clone(),
            or_dash(self.org_id.as_ref()),
            or_dash(self.project_id.as_ref()),
            or_dash(self.resource_id.as_ref()),
            self.detail.get().to_owned(),
        ]
    }
}

pub(super) async fn run(desk: &Desk, audit: &Audit) -> Result<(), Failure> {
    let place = audit.place.place(desk).await?;
    let read = async |page: &_| desk.directory.audit(&place, page).await;
    desk.pages(Some(audit.limit), |_| true, read).await
}
