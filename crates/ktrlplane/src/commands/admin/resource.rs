//! `ktrlplane admin resource`.

use clap::{Args, Subcommand};
use gateway::directory::DirectoryError;
use gateway::directory::manage::Operation;
use gateway::directory::manage::list::Reader;
use gateway::directory::manage::record::Resource;
use gateway::directory::policy::{Place, ProjectId, ResourceId, Scope};
use serde_json::json;

use super::super::Failure;
use super::desk::{Desk, Row, or_dash};

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Create a resource of a project. Its id is the value of the label `resource_id`.
    #[command(after_help = "\
Example:
  ktrlplane admin resource create shop-api --project acme-shop --type Konnektr.Graph")]
    Create {
        #[command(flatten)]
        which: Which,
        /// The project that it is in.
        #[arg(long, value_name = "PROJECT", value_parser = |id: &str| ProjectId::new(id))]
        project: ProjectId,
        /// Its type.
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        /// Its name, for people; without one it is called like its id.
        #[arg(long)]
        name: Option<String>,
        /// Its tier.
        #[arg(long)]
        sku: Option<String>,
        /// Its settings, which are kept as they are.
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
    },
    /// List the resources of a project.
    List {
        /// The project.
        #[arg(long, value_name = "PROJECT", value_parser = |id: &str| ProjectId::new(id))]
        project: ProjectId,
    },
    /// Show one resource.
    Show(Which),
    /// Change what is given of a resource.
    Update {
        #[command(flatten)]
        which: Which,
        /// The new name, for people.
        #[arg(long, required_unless_present_any = ["sku", "settings"])]
        name: Option<String>,
        /// The new tier.
        #[arg(long)]
        sku: Option<String>,
        /// The new settings, which are kept as they are.
        #[arg(long, value_name = "JSON")]
        settings: Option<String>,
    },
    /// Delete a resource, and all roles on it. Its logs and metrics stay where they are.
    Delete(Which),
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The resource's id: lower-case letters, digits and hyphens, 63 at the most.
    #[arg(value_name = "RESOURCE", value_parser = |id: &str| ResourceId::new(id))]
    id: ResourceId,
}

impl Which {
    /// The project that it is in: ids of resources are unique across projects.
    async fn project(&self, desk: &Desk) -> Result<ProjectId, Failure> {
        let scope = Scope::Resource(self.id.clone());
        match desk.directory.place_of(&scope).await? {
            Some(Place::Resource(project, _)) => Ok(project),
            Some(Place::Organization(_) | Place::Project(_)) | None => Err(Failure::from(
                DirectoryError::NotFound(format!("there is no resource `{}`", self.id)),
            )),
        }
    }
}

impl Row for Resource {
    const TITLES: &'static [&'static str] =
        &["resource", "project", "type", "name", "status", "created"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.resource_id.clone(),
            self.project_id.clone(),
            self.kind.clone(),
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
            project,
            kind,
            name,
            sku,
            settings,
        } => {
            let sentence = format!("the resource `{id}` of the project `{project}` is created");
            let operation = Operation::CreateResource {
                project,
                name: name.unwrap_or_else(|| id.to_string()),
                id,
                kind,
                sku,
                settings,
            };
            desk.done(&desk.write(operation).await?, sentence)
        }
        Task::List { project } => {
            desk.directory.project(&project).await?;
            let reader = Reader::Operator;
            let read = async |page: &_| desk.directory.resources(&reader, &project, page).await;
            desk.pages(None, |_| true, read).await
        }
        Task::Show(which) => {
            let project = which.project(desk).await?;
            let resource = desk.directory.resource(&project, &which.id).await?;
            desk.show(&resource.record)
        }
        Task::Update {
            which,
            name,
            sku,
            settings,
        } => {
            let operation = Operation::UpdateResource {
                project: which.project(desk).await?,
                id: which.id.clone(),
                name,
                sku,
                settings,
            };
            let sentence = format!("the resource `{}` is changed", which.id);
            desk.done(&desk.write(operation).await?, sentence)
        }
        Task::Delete(which) => {
            let operation = Operation::DeleteResource {
                project: which.project(desk).await?,
                id: which.id.clone(),
            };
            desk.write(operation).await?;
            let sentence = format!("the resource `{}` is deleted", which.id);
            desk.said(json!({"deleted": which.id.as_str()}), sentence)
        }
    }
}
