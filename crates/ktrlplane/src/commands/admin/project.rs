//! `ktrlplane admin project`.

use clap::{Args, Subcommand};
use gateway::directory::manage::Operation;
use gateway::directory::manage::list::Reader;
use gateway::directory::manage::record::Project;
use gateway::directory::policy::{OrganizationId, Place, ProjectId};
use serde_json::json;

use super::super::Failure;
use super::desk::{Desk, Row, or_dash};

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Create a project. Its id is the tenant of its logs and metrics.
    #[command(after_help = "\
Example:
  ktrlplane admin project create acme-shop --org acme --name Shop")]
    Create {
        #[command(flatten)]
        which: Which,
        /// The organization that it is in, whose roles hold for it; without one, in none.
        #[arg(long, value_name = "ORG", value_parser = |id: &str| OrganizationId::new(id))]
        org: Option<OrganizationId>,
        /// Its name, for people; without one it is called like its id.
        #[arg(long)]
        name: Option<String>,
    },
    /// List all projects, or those of an organization.
    List {
        /// The organization.
        #[arg(long, value_name = "ORG", value_parser = |id: &str| OrganizationId::new(id))]
        org: Option<OrganizationId>,
    },
    /// Show one project.
    Show(Which),
    /// Change a project's name, or the organization that it is in.
    Update {
        #[command(flatten)]
        which: Which,
        /// The new name, for people.
        #[arg(long, required_unless_present_any = ["org", "no_org"])]
        name: Option<String>,
        /// The organization to move to: its roles hold for the project from then on, and those of
        /// the one before do not any more.
        #[arg(long, value_name = "ORG", value_parser = |id: &str| OrganizationId::new(id))]
        org: Option<OrganizationId>,
        /// Take it out of its organization.
        #[arg(long, conflicts_with = "org")]
        no_org: bool,
    },
    /// Delete a project, and all roles on it. Its id is not used again, since its logs and metrics
    /// stay where they are.
    Delete {
        #[command(flatten)]
        which: Which,
        /// Delete its resources, too.
        #[arg(long)]
        cascade: bool,
    },
    /// Let the id of a deleted project be used again. Whoever gets it reads the logs and metrics
    /// that are still stored under it: delete these first.
    Free(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The project's id: lower-case letters, digits and hyphens, 63 at the most.
    #[arg(value_name = "PROJECT", value_parser = |id: &str| ProjectId::new(id))]
    id: ProjectId,
}

impl Row for Project {
    const TITLES: &'static [&'static str] =
        &["project", "organization", "name", "status", "created"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.project_id.clone(),
            or_dash(self.org_id.as_ref()),
            self.name.clone(),
            or_dash(self.status.as_ref()),
            or_dash(self.created_at),
        ]
    }
}

pub(super) async fn run(desk: &Desk, task: Task) -> Result<(), Failure> {
    match task {
        Task::Create {
            which: Which { id },
            org,
            name,
        } => {
            let sentence = format!("the project `{id}` is created");
            let operation = Operation::CreateProject {
                name: name.unwrap_or_else(|| id.to_string()),
                id,
                organization: org,
            };
            desk.done(&desk.write(operation).await?, sentence)
        }
        Task::List { org } => {
            if let Some(org) = &org {
                desk.directory.organization(org).await?;
            }
            let reader = Reader::Operator;
            let read = async |page: &_| desk.directory.projects(&reader, org.as_ref(), page).await;
            desk.pages(None, |_| true, read).await
        }
        Task::Show(Which { id }) => desk.show(&desk.directory.project(&id).await?.record),
        Task::Update {
            which: Which { id },
            name,
            org,
            no_org,
        } => {
            let sentence = format!("the project `{id}` is changed");
            let operation = Operation::UpdateProject {
                id,
                name,
                organization: if no_org { Some(None) } else { org.map(Some) },
            };
            desk.done(&desk.write(operation).await?, sentence)
        }
        Task::Delete {
            which: Which { id },
            cascade,
        } => {
            let json = json!({"deleted": id.as_str()});
            let sentence =
                format!("the project `{id}` is deleted; its logs and metrics stay where they are");
            desk.write(Operation::DeleteProject { id, cascade }).await?;
            desk.said(json, sentence)
        }
        Task::Free(Which { id }) => {
            let json = json!({"freed": id.as_str()});
            let sentence = format!(
                "a project may be called `{id}` again, and will read what is still stored under it"
            );
            let place = Place::Project(id);
            desk.write(Operation::FreeId { place }).await?;
            desk.said(json, sentence)
        }
    }
}
