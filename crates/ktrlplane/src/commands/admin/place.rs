//! `--org`, `--project` and `--resource`: where.

use clap::Args;
use gateway::directory::policy::{OrganizationId, Place, ProjectId, ResourceId, Scope};

use super::super::Failure;
use super::desk::Desk;

/// Where.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct Somewhere {
    /// An organization, and all that is in it.
    #[arg(long, value_name = "ID", value_parser = |id: &str| OrganizationId::new(id))]
    org: Option<OrganizationId>,
    /// A project, and its resources.
    #[arg(long, value_name = "ID", value_parser = |id: &str| ProjectId::new(id))]
    project: Option<ProjectId>,
    /// A resource.
    #[arg(long, value_name = "ID", value_parser = |id: &str| ResourceId::new(id))]
    resource: Option<ResourceId>,
}

impl Somewhere {
    fn scope(&self) -> Option<Scope> {
        let org = self.org.clone().map(Scope::Organization);
        let project = || self.project.clone().map(Scope::Project);
        let resource = || self.resource.clone().map(Scope::Resource);
        org.or_else(project).or_else(resource)
    }

    /// The place, whether it still exists or not; a resource must, as nothing else says which
    /// project it is in.
    pub(super) async fn place(&self, desk: &Desk) -> Result<Place, Failure> {
        // 2: the command line is wrong.
        let scope = self.scope().ok_or_else(|| {
            Failure::new("say where: --org, --project or --resource").with_code(2)
        })?;
        let place = desk.directory.place_of(&scope).await?;
        place.ok_or_else(|| {
            Failure::from(gateway::directory::DirectoryError::NotFound(format!(
                "there is no {} `{}`",
                scope.scope_type(),
                scope.id()
            )))
        })
    }

    /// The place, which must exist.
    pub(super) async fn existing(&self, desk: &Desk) -> Result<Place, Failure> {
        let place = self.place(desk).await?;
        match &place {
            Place::Organization(id) => {
                desk.directory.organization(id).await?;
            }
            Place::Project(id) => {
                desk.directory.project(id).await?;
            }
            // It was found with its project.
            Place::Resource(..) => {}
        }
        Ok(place)
    }
}
