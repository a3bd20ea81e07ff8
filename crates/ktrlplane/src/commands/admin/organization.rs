//! `ktrlplane admin org`.

use clap::{Args, Subcommand};
use gateway::directory::manage::Operation;
use gateway::directory::manage::list::Reader;
use gateway::directory::manage::record::Organization;
use gateway::directory::policy::{OrganizationId, Place};
use serde_json::json;

use super::super::Failure;
use super::desk::{Desk, Row, or_dash};

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Create an organization. It has no owner until somebody is granted that role.
    #[command(after_help = "\
Example:
  ktrlplane admin org create acme --name 'Acme Inc.' &&
    ktrlplane admin grant --role Owner --user 'auth0|5f7c8ec7' --org acme")]
    Create {
        #[command(flatten)]
        which: Which,
        /// Its name, for people; without one it is called like its id.
        #[arg(long)]
        name: Option<String>,
    },
    /// List all organizations.
    List,
    /// Show one organization.
    Show(Which),
    /// Change an organization's name.
    Update {
        #[command(flatten)]
        which: Which,
        /// The new name, for people.
        #[arg(long)]
        name: String,
    },
    /// Delete an organization, and all roles on it. Its id is not used again.
    Delete {
        #[command(flatten)]
        which: Which,
        /// Delete its projects and their resources, too. Logs and metrics stay where they are.
        #[arg(long)]
        cascade: bool,
    },
    /// Let the id of a deleted organization be used again.
    Free(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The organization's id: lower-case letters, digits and hyphens, 63 at the most.
    #[arg(value_name = "ORG", value_parser = |id: &str| OrganizationId::new(id))]
    id: OrganizationId,
}

impl Row for Organization {
    const TITLES: &'static [&'static str] = &["organization", "name", "created"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.org_id.clone(),
            self.name.clone(),
            or_dash(self.created_at),
        ]
    }
}

pub(super) async fn run(desk: &Desk, task: Task) -> Result<(), Failure> {
    match task {
        Task::Create {
            which: Which { id },
            name,
        } => {
            let name = name.unwrap_or_else(|| id.to_string());
            let sentence = format!("the organization `{id}` is created");
            let done = desk.write(Operation::CreateOrganization { id, name });
            desk.done(&done.await?, sentence)
        }
        Task::List => {
            let read = async |page: &_| desk.directory.organizations(&Reader::Operator, page).await;
            desk.pages(None, |_| true, read).await
        }
        Task::Show(Which { id }) => desk.show(&desk.directory.organization(&id).await?.record),
        Task::Update {
            which: Which { id },
            name,
        } => {
            let sentence = format!("the organization `{id}` is now called {name:?}");
            let done = desk.write(Operation::UpdateOrganization { id, name });
            desk.done(&done.await?, sentence)
        }
        Task::Delete {
            which: Which { id },
            cascade,
        } => {
            let json = json!({"deleted": id.as_str()});
            let sentence = format!("the organization `{id}` is deleted");
            desk.write(Operation::DeleteOrganization { id, cascade })
                .await?;
            desk.said(json, sentence)
        }
        Task::Free(Which { id }) => {
            let json = json!({"freed": id.as_str()});
            let sentence = format!("an organization may be called `{id}` again");
            let place = Place::Organization(id);
            desk.write(Operation::FreeId { place }).await?;
            desk.said(json, sentence)
        }
    }
}
