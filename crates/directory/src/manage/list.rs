//! What can be read besides access: records, and pages of them.

mod roles;

use jiff::Timestamp;
use policy::{Action, OrganizationId, Place, ProjectId, ResourceId, Subject};

use super::record::{Organization, Project, Resource, Tagged};
use super::row::{self, OrganizationRow, ProjectRow, ResourceRow, tagged};
use super::text::MAX_NAME_LENGTH;
use crate::directory::Directory;
use crate::error::DirectoryError;

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The cursor of the page before; `None` for the first.
    pub after: Option<String>,
    /// The most records.
    pub limit: u16,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The records, in the order of their ids; the audit's newest first.
    pub records: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
}

/// Who reads a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Sees everything.
    Operator,
    /// Sees what their roles allow at that time.
    Subject(Subject, Timestamp),
}

impl Page {
    /// The last two parameters of every statement: the id that the page comes after, and one row
    /// more than it may have, which tells whether there is another page.
    fn arguments(&self) -> Result<(String, String), DirectoryError> {
        let after = self.after.as_deref().unwrap_or_default();
        if after.len() > MAX_NAME_LENGTH || after.chars().any(char::is_control) {
            return Err(DirectoryError::Invalid(
                "the cursor is none of ours".to_owned(),
            ));
        }
        Ok((after.to_owned(), (u32::from(self.limit) + 1).to_string()))
    }

    /// Cuts the row that was one too many, and makes a cursor of the last that was not.
    fn cut<R, T>(
        &self,
        mut rows: Vec<R>,
        id: impl Fn(&R) -> &str,
        record: impl Fn(R) -> Option<T>,
    ) -> Listed<T> {
        let limit = usize::from(self.limit);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows
            .last()
            .filter(|_| has_more)
            .map(|row| id(row).to_owned());
        Listed {
            records: rows.into_iter().filter_map(record).collect(),
            next,
        }
    }
}

impl Directory {
    /// The organizations that the reader may read.
    pub async fn organizations(
        &self,
        reader: &Reader,
        page: &Page,
    ) -> Result<Listed<Organization>, DirectoryError> {
        let (reader, page) = (reader.clone(), page.clone());
        let (after, limit) = page.arguments()?;
        self.run(|store| async move {
            let listing = store.listing();
            let rows: Vec<OrganizationRow> = match &reader {
                Reader::Operator => {
                    let arguments = [Some(&*after), Some(&*limit)];
                    store.fetch(listing.organizations, &arguments).await?
                }
                Reader::Subject(subject, now) => {
                    let now = (listing.instant)(*now);
                    let subject = Some(subject.as_str());
                    let arguments = [subject, Some(&*now), Some(&*after), Some(&*limit)];
                    let statement = listing.organizations_of_reader;
                    store.fetch(statement, &arguments).await?
                }
            };
            Ok(page.cut(rows, |row| &row.0, |row| Some(row::organization(row))))
        })
        .await
    }

    /// One organization, whoever asks: whether they may is decided before.
    pub async fn organization(
        &self,
        id: &OrganizationId,
    ) -> Result<Tagged<Organization>, DirectoryError> {
        let id = id.clone();
        self.run(|store| async move {
            let statement = store.changing().organization;
            let rows: Vec<OrganizationRow> = store.fetch(statement, &[Some(id.as_str())]).await?;
            let row = rows.into_iter().next();
            let row = row.ok_or_else(|| missing(&format!("organization `{id}`")))?;
            tagged(row::organization(row))
        })
        .await
    }

    /// The projects that the reader may read, of one organization or of all.
    pub async fn projects(
        &self,
        reader: &Reader,
        organization: Option<&OrganizationId>,
        page: &Page,
    ) -> Result<Listed<Project>, DirectoryError> {
        let page = page.clone();
        let (after, limit) = page.arguments()?;
        // Who reads the organization reads all of its projects.
        let reader = match (reader, organization) {
            (Reader::Subject(subject, now), Some(organization)) => {
                let place = Place::Organization(organization.clone());
                let access = self.access(subject, &place).await?;
                match access.decide(Action::Read, *now) {
                    Ok(_) => Reader::Operator,
                    Err(_) => reader.clone(),
                }
            }
            (Reader::Operator | Reader::Subject(..), _) => reader.clone(),
        };
        let organization = organization.cloned();
        self.run(|store| async move {
            let listing = store.listing();
            let organization = organization.as_ref().map(OrganizationId::as_str);
            let (after, limit) = (Some(&*after), Some(&*limit));
            let rows: Vec<ProjectRow> = match (&reader, organization) {
                (Reader::Operator, None) => store.fetch(listing.projects, &[after, limit]).await?,
                (Reader::Operator, Some(_)) => {
                    let arguments = [organization, after, limit];
                    let statement = listing.projects_of_organization;
                    store.fetch(statement, &arguments).await?
                }
                (Reader::Subject(subject, now), None) => {
                    let now = (listing.instant)(*now);
                    let arguments = [Some(subject.as_str()), Some(&*now), after, limit];
                    store.fetch(listing.projects_of_reader, &arguments).await?
                }
                (Reader::Subject(subject, now), Some(_)) => {
                    let now = (listing.instant)(*now);
                    let subject = Some(subject.as_str());
                    let arguments = [subject, Some(&*now), organization, after, limit];
                    let statement = listing.projects_of_organization_and_reader;
                    store.fetch(statement, &arguments).await?
                }
            };
            Ok(page.cut(rows, |row| &row.0, |row| Some(row::project(row))))
        })
        .await
    }

    /// One project, whoever asks.
    pub async fn project(&self, id: &ProjectId) -> Result<Tagged<Project>, DirectoryError> {
        let id = id.clone();
        self.run(|store| async move {
            let statement = store.changing().project;
            let rows: Vec<ProjectRow> = store.fetch(statement, &[Some(id.as_str())]).await?;
            let row = rows.into_iter().next();
            let row = row.ok_or_else(|| missing(&format!("project `{id}`")))?;
            tagged(row::project(row))
        })
        .await
    }

    /// The resources of a project that the reader may read: all, or those on which they hold a
    /// role.
    pub async fn resources(
        &self,
        reader: &Reader,
        project: &ProjectId,
        page: &Page,
    ) -> Result<Listed<Resource>, DirectoryError> {
        let (page, project) = (page.clone(), project.clone());
        let (after, limit) = page.arguments()?;
        let reader = match reader {
            Reader::Operator => Reader::Operator,
            Reader::Subject(subject, now) => {
                let access = self
                    .access(subject, &Place::Project(project.clone()))
                    .await?;
                match access.decide_on_project(Action::Read, *now) {
                    Ok(_) => Reader::Operator,
                    Err(_) => reader.clone(),
                }
            }
        };
        self.run(|store| async move {
            let listing = store.listing();
            let project = Some(project.as_str());
            let (after, limit) = (Some(&*after), Some(&*limit));
            let rows: Vec<ResourceRow> = match &reader {
                Reader::Operator => {
                    let arguments = [project, after, limit];
                    store.fetch(listing.resources, &arguments).await?
                }
                Reader::Subject(subject, now) => {
                    let now = (listing.instant)(*now);
                    let subject = Some(subject.as_str());
                    let arguments = [subject, Some(&*now), project, after, limit];
                    store.fetch(listing.resources_of_reader, &arguments).await?
                }
            };
            Ok(page.cut(rows, |row| &row.0, |row| Some(row::resource(row))))
        })
        .await
    }

    /// One resource of a project, whoever asks.
    pub async fn resource(
        &self,
        project: &ProjectId,
        id: &ResourceId,
    ) -> Result<Tagged<Resource>, DirectoryError> {
        let (project, id) = (project.clone(), id.clone());
        self.run(|store| async move {
            let statement = store.changing().resource;
            let rows: Vec<ResourceRow> = store.fetch(statement, &[Some(id.as_str())]).await?;
            let row = rows.into_iter().find(|row| row.1 == project.as_str());
            let row =
                row.ok_or_else(|| missing(&format!("resource `{id}` in project `{project}`")))?;
            tagged(row::resource(row))
        })
        .await
    }
}

fn missing(what: &str) -> DirectoryError {
    DirectoryError::NotFound(format!("there is no {what}"))
}
