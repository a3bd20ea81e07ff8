//! Where a resource is, for those who know its id alone.

use policy::{ProjectId, ResourceId};

use crate::directory::Directory;
use crate::error::DirectoryError;

impl Directory {
    /// The project of a resource, whoever asks: ids of resources are unique across projects. `None`
    /// where there is no such resource.
    pub async fn project_of(&self, id: &ResourceId) -> Result<Option<ProjectId>, DirectoryError> {
        let id = id.clone();
        self.run(|store| async move {
            let statement = store.statements().project_of_resource;
            let id = [Some(id.as_str())];
            let rows = store.fetch::<(Option<String>,)>(statement, &id).await?;
            let project = rows.into_iter().next().and_then(|(project,)| project);
            Ok(project.and_then(|project| ProjectId::new(project).ok()))
        })
        .await
    }
}
