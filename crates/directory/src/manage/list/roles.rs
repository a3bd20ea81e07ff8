//! Who holds what, who there is, and who wrote what.

use jiff::Timestamp;
use policy::{Permission as Held, Place, Scope, Subject};

use super::super::change::{place_of_assignment, place_of_scope};
use super::super::record::{AuditEntry, Permission, Role, RoleAssignment, User};
use super::super::row::{self, AssignmentRow, AuditRow, RoleRow, UserRow};
use super::super::text::{MAX_NAME_LENGTH, checked};
use super::{Listed, Page, Reader, missing};
use crate::directory::Directory;
use crate::error::DirectoryError;

impl Directory {
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
    /// operator all, for a subject those who hold a role where the subject may manage access. Where
    /// more than 1,000 users begin so, a subject is told of those among the first 1,000 only: a
    /// longer text finds the others.
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
