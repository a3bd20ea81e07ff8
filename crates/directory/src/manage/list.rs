//! What can be read besides access: records, and pages of them.

mod roles;

use jiff::Timestamp;
use policy::{Action, OrganizationId, Place, ProjectId, ResourceId, Subject};
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::record::{Organization, Project, Resource, Tagged};
use super::row::{self, AssignmentRow, AuditRow, OrganizationRow, ProjectRow, ResourceRow, tagged};
use super::text::MAX_NAME_LENGTH;
use crate::directory::Directory;
use crate::error::DirectoryError;
use crate::store::Store;

/// Which part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The cursor of the page before; `None` for the first.
    pub after: Option<String>,
    /// The most records. There are fewer also where they are large: a page ends with the record that
    /// makes it a mebibyte.
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

/// So many bytes of records end a page, however many more it might have.
const MOST_BYTES: usize = 1 << 20;

/// A row of a list.
trait Listable: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {
    /// How many are read at a time: few where one may be large.
    const AT_A_TIME: usize;

    /// What the next page's cursor is made of.
    fn id(&self) -> &str;

    /// About how large it is, where it may be large.
    fn bytes(&self) -> usize;
}

impl Page {
    /// Reads a page, with a statement whose last two parameters are the id that it comes after and
    /// the most rows. A row for which there is no record is left out.
    ///
    /// What may be large is read in parts, so that of a list of which little goes into a page not
    /// much more is read. One row more than it may have tells whether there is another page.
    async fn read<R: Listable, T>(
        &self,
        store: &Store,
        statement: &'static str,
        arguments: &[Option<&str>],
        record: impl Fn(R) -> Option<T>,
    ) -> Result<Listed<T>, DirectoryError> {
        let most = usize::from(self.limit);
        let mut after = self.after.clone().unwrap_or_default();
        if after.len() > MAX_NAME_LENGTH || after.chars().any(char::is_control) {
            return Err(DirectoryError::Invalid(
                "the cursor is none of ours".to_owned(),
            ));
        }
        let (mut records, mut rows, mut bytes) = (Vec::new(), 0, 0);
        loop {
            let wanted = (most + 1 - rows).min(R::AT_A_TIME);
            let limit = wanted.to_string();
            let mut arguments = arguments.to_vec();
            arguments.extend([Some(&*after), Some(&*limit)]);
            let part: Vec<R> = store.list(statement, &arguments).await?;
            let is_last = part.len() < wanted;
            for row in part {
                if rows == most || bytes >= MOST_BYTES {
                    let next = Some(after);
                    return Ok(Listed { records, next });
                }
                rows += 1;
                bytes += row.bytes();
                row.id().clone_into(&mut after);
                records.extend(record(row));
            }
            if is_last {
                let next = None;
                return Ok(Listed { records, next });
            }
        }
    }
}

/// Rows of ids, names and times.
macro_rules! small {
    ($row:ty) => {
        impl Listable for $row {
            const AT_A_TIME: usize = usize::MAX;

            fn id(&self) -> &str {
                &self.0
            }

            fn bytes(&self) -> usize {
                0
            }
        }
    };
}

small!(OrganizationRow);
small!(ProjectRow);
small!(AssignmentRow);

impl Listable for ResourceRow {
    const AT_A_TIME: usize = 32;

    fn id(&self) -> &str {
        &self.0
    }

    fn bytes(&self) -> usize {
        self.6.as_ref().map_or(0, String::len)
    }
}

impl Listable for AuditRow {
    const AT_A_TIME: usize = 32;

    fn id(&self) -> &str {
        &self.0
    }

    fn bytes(&self) -> usize {
        self.9.len()
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
        self.run(|store| async move {
            let listing = store.listing();
            let record = row::listed_organization;
            match &reader {
                Reader::Operator => {
                    let statement = listing.organizations;
                    page.read(&store, statement, &[], record).await
                }
                Reader::Subject(subject, now) => {
                    let now = (listing.instant)(*now);
                    let arguments = [Some(subject.as_str()), Some(&*now)];
                    let statement = listing.organizations_of_reader;
                    page.read(&store, statement, &arguments, record).await
                }
            }
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
            let record = row::listed_project;
            match (&reader, organization) {
                (Reader::Operator, None) => page.read(&store, listing.projects, &[], record).await,
                (Reader::Operator, Some(_)) => {
                    let statement = listing.projects_of_organization;
                    page.read(&store, statement, &[organization], record).await
                }
                (Reader::Subject(subject, now), None) => {
                    let now = (listing.instant)(*now);
                    let arguments = [Some(subject.as_str()), Some(&*now)];
                    let statement = listing.projects_of_reader;
                    page.read(&store, statement, &arguments, record).await
                }
                (Reader::Subject(subject, now), Some(_)) => {
                    let now = (listing.instant)(*now);
                    let arguments = [Some(subject.as_str()), Some(&*now), organization];
                    let statement = listing.projects_of_organization_and_reader;
                    page.read(&store, statement, &arguments, record).await
                }
            }
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
            let record = row::listed_resource;
            match &reader {
                Reader::Operator => {
                    page.read(&store, listing.resources, &[project], record)
                        .await
                }
                Reader::Subject(subject, now) => {
                    let now = (listing.instant)(*now);
                    let arguments = [Some(subject.as_str()), Some(&*now), project];
                    let statement = listing.resources_of_reader;
                    page.read(&store, statement, &arguments, record).await
                }
            }
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
