//! Filling the directory with the demo's organizations, users and roles.

use gateway::directory::policy::{OrganizationId, ProjectId, ResourceId, Scope, Subject};
use gateway::directory::{Directory, DirectoryError, Grant};

use super::world::{ORGANIZATIONS, Place, everybody};

/// Adds what is not there yet. What a user changed in a running demo stays, but for what was taken
/// away: that comes back.
pub(crate) async fn seed(directory: &Directory) -> super::Result<()> {
    for organization in &ORGANIZATIONS {
        let id = OrganizationId::new(organization.id)?;
        once(directory.create_organization(&id, organization.name).await)?;
        for project in organization.projects {
            let project_id = ProjectId::new(project.id)?;
            let created = directory.create_project(&project_id, Some(&id), project.name);
            once(created.await)?;
            for resource in project.resources {
                let id = ResourceId::new(resource.id)?;
                let created =
                    directory.create_resource(&id, &project_id, resource.name, resource.kind);
                once(created.await)?;
            }
        }
    }
    for user in everybody() {
        let subject = Subject::new(user.subject)?;
        let known = directory.put_user(&subject, user.email, user.full_name);
        known.await?;
        let Some((role, place)) = user.role else {
            continue;
        };
        let scope = match place {
            Place::Organization(id) => Scope::Organization(OrganizationId::new(id)?),
            Place::Project(id) => Scope::Project(ProjectId::new(id)?),
        };
        let grant = Grant {
            subject,
            role: role.name().to_owned(),
            scope,
            assigned_by: None,
            expires_at: None,
        };
        once(directory.grant(grant).await.map(|_| ()))?;
    }
    Ok(())
}

/// What exists already is as good as created.
fn once(created: Result<(), DirectoryError>) -> Result<(), DirectoryError> {
    match created {
        Err(DirectoryError::AlreadyExists(_)) => Ok(()),
        other => other,
    }
}
