//! What can be read besides access: records, and pages of them.

use jiff::Timestamp;
use policy::{
    Action, OrganizationId, Permission as Held, Place, ProjectId, ResourceId, Scope, Subject,
};

use super::change::{place_of_assignment, place_of_scope};
use super::record::{
    AuditEntry, Organization, Permission, Project, Resource, Role, RoleAssignment, Tagged, User,
};
use super::row::{
    self, AssignmentRow, AuditRow, OrganizationRow, ProjectRow, ResourceRow, RoleRow, UserRow,
    tagged,
};
use super::text::{MAX_NAME_LENGTH, checked};
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

    /// The assignments that reach a place and have not expired at `now`, whoever asks: those held on
    /// it and those that it inherits.
    pub async fn assignments(
        &self,
        place: &Place,
        now: Timestamp,
        page: &Page,
    ) -> Result<Listed<RoleAssignment>, DirectoryError> {
        let (place, page) = (place.clone(), page.clone());
        let (after, limit) = page.arguments()?;
        self.run(|store| async move {
            let (listing, statements) = (store.listing(), store.statements());
            let [organization, project, resource] = match &place {
                Place::Organization(id) => [Some(id.as_str()), None, None],
                Place::Project(id) => [None, Some(id.as_str()), None],
                Place::Resource(id, resource) => [None, Some(id.as_str()), Some(resource.as_str())],
            };
            let now = (listing.instant)(now);
            let arguments = [
                organization,
                project,
                resource,
                Some(&*now),
                Some(&*after),
                Some(&*limit),
            ];
            let rows: Vec<AssignmentRow> = store.fetch(listing.assignments, &arguments).await?;
            let seen_from = place.scope().scope_type();
            let record = |row| row::assignment(row, seen_from, statements);
            Ok(page.cut(rows, |row| &row.0, record))
        })
        .await
    }

    /// All roles.
    pub async fn roles(&self) -> Result<Vec<Role>, DirectoryError> {
        self.run(|store| async move {
            let rows: Vec<RoleRow> = store.fetch(store.listing().roles, &[]).await?;
            Ok(rows.into_iter().map(row::role).collect())
        })
        .await
    }

    /// What a role holds; `role` is its id.
    pub async fn role_permissions(&self, role: &str) -> Result<Vec<Permission>, DirectoryError> {
        let role = checked("role", role)?;
        self.run(|store| async move {
            let changing = store.changing();
            let arguments = [Some(&*role)];
            let found: Vec<(String, String)> = store.fetch(changing.role, &arguments).await?;
            let is_id = found.first().is_some_and(|(id, _)| *id == role);
            if !is_id {
                return Err(missing(&format!("role with the id `{role}`")));
            }
            let statement = changing.role_permissions;
            let rows: Vec<(String, String, String)> = store.fetch(statement, &arguments).await?;
            let permission = |(permission_id, resource_type, action)| Permission {
                permission_id,
                resource_type,
                action,
            };
            Ok(rows.into_iter().map(permission).collect())
        })
        .await
    }

    /// The permissions of all types that `subject` holds at a place at `now`, each once.
    pub async fn permissions_at(
        &self,
        subject: &Subject,
        place: &Place,
        now: Timestamp,
    ) -> Result<Vec<Held>, DirectoryError> {
        let access = self.access(subject, place).await?;
        let Some(lineage) = access.lineage() else {
            return Ok(Vec::new());
        };
        let mut held: Vec<Held> = Vec::new();
        for assignment in access.assignments() {
            if !lineage.is_reached_from(&assignment.scope) || !assignment.holds_at(now) {
                continue;
            }
            for permission in assignment.permissions.iter() {
                if !held.contains(permission) {
                    held.push(permission.clone());
                }
            }
        }
        let order = |held: &Held| (held.resource_type.clone(), held.action.clone());
        held.sort_by_key(order);
        Ok(held)
    }

    /// The users whose name, e-mail address or subject begins with `text`, in any case: for an
    /// operator all, for a subject those who hold a role where the subject may manage access.
    pub async fn users(
        &self,
        reader: &Reader,
        text: &str,
        limit: u16,
    ) -> Result<Vec<User>, DirectoryError> {
        if text.len() > MAX_NAME_LENGTH || text.chars().any(char::is_control) {
            return Err(DirectoryError::Invalid(format!(
                "the text to look for must be at most {MAX_NAME_LENGTH} bytes without control \
                 characters"
            )));
        }
        let (reader, text, limit) = (reader.clone(), text.to_owned(), limit.to_string());
        self.run(|store| async move {
            let listing = store.listing();
            let (text, limit) = (Some(&*text), Some(&*limit));
            let rows: Vec<UserRow> = match &reader {
                Reader::Operator => store.fetch(listing.users, &[text, limit]).await?,
                Reader::Subject(subject, now) => {
                    let now = (listing.instant)(*now);
                    let arguments = [text, limit, Some(subject.as_str()), Some(&*now)];
                    store.fetch(listing.users_of_manager, &arguments).await?
                }
            };
            Ok(rows.into_iter().map(row::user).collect())
        })
        .await
    }

    /// One user; `None` for a subject of whom the directory has not heard.
    pub async fn user(&self, subject: &Subject) -> Result<Option<User>, DirectoryError> {
        let subject = subject.clone();
        self.run(|store| async move {
            let statement = store.listing().user;
            let rows: Vec<UserRow> = store.fetch(statement, &[Some(subject.as_str())]).await?;
            Ok(rows.into_iter().next().map(row::user))
        })
        .await
    }

    /// The place of a scope: of a resource, with the project that it is in. `None` for a resource
    /// that does not exist; whether an organization or project does is not asked.
    pub async fn place_of(&self, scope: &Scope) -> Result<Option<Place>, DirectoryError> {
        let scope = scope.clone();
        self.run(|store| async move { place_of_scope(&store, scope).await })
            .await
    }

    /// Where an assignment is held; `None` for one that does not exist.
    pub async fn place_of_assignment(&self, id: &str) -> Result<Option<Place>, DirectoryError> {
        let id = checked("assignment id", id)?;
        self.run(|store| async move { place_of_assignment(&store, &id).await })
            .await
    }

    /// The writes about a place and what is in it, newest first, whoever asks. A directory that is
    /// managed elsewhere has its audit there: [`DirectoryError::NotFound`].
    pub async fn audit(
        &self,
        place: &Place,
        page: &Page,
    ) -> Result<Listed<AuditEntry>, DirectoryError> {
        if !self.is_managed() {
            return Err(missing(
                "audit here: the directory is managed elsewhere, and so is its audit",
            ));
        }
        let (place, page) = (place.clone(), page.clone());
        let (after, limit) = page.arguments()?;
        self.run(|store| async move {
            let listing = store.listing();
            let (after, limit) = (Some(&*after), Some(&*limit));
            let rows: Vec<AuditRow> = match &place {
                Place::Organization(id) => {
                    let arguments = [Some(id.as_str()), after, limit];
                    let statement = listing.audit_of_organization;
                    store.fetch(statement, &arguments).await?
                }
                Place::Project(id) => {
                    let arguments = [Some(id.as_str()), after, limit];
                    store.fetch(listing.audit_of_project, &arguments).await?
                }
                Place::Resource(project, id) => {
                    let project = Some(project.as_str());
                    let arguments = [project, Some(id.as_str()), after, limit];
                    store.fetch(listing.audit_of_resource, &arguments).await?
                }
            };
            Ok(page.cut(rows, |row| &row.0, row::audit_entry))
        })
        .await
    }
}

fn missing(what: &str) -> DirectoryError {
    DirectoryError::NotFound(format!("there is no {what}"))
}
