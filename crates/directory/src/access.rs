//! The question of every request: what does this subject hold around this place?

use std::sync::Arc;

use jiff::Timestamp;
use policy::{
    Action, Assignment, Lineage, OrganizationId, Permission, Place, ProjectId, Refusal, ResourceId,
    Scope, Subject,
};

use crate::directory::Directory;
use crate::error::DirectoryError;
use crate::statements::Statements;

/// What the directory knows about a subject and a place: the input of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `None` where there is no such organization or project.
    lineage: Option<Lineage>,
    assignments: Vec<Assignment>,
}

impl Access {
    /// The place and what it is in; `None` where there is no such organization or project. Whether
    /// the resource that was asked about exists in its project is whether the lineage has one.
    #[must_use]
    pub fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// What the subject holds on the place and what it is in, expired or not: the clock is the
    /// caller's.
    pub fn assignments(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter()
    }

    /// Whether `action` may be done at the place at `now`.
    pub fn decide(&self, action: Action, now: Timestamp) -> Result<&Assignment, Refusal> {
        policy::decide(self.lineage(), &self.assignments, action, now)
    }

    /// Whether `action` may be done on the project at `now`, and so with the data of all that is in
    /// it. A role on a resource does not count.
    pub fn decide_on_project(
        &self,
        action: Action,
        now: Timestamp,
    ) -> Result<&Assignment, Refusal> {
        let above = self.assignments.iter().filter(|held| match held.scope {
            Scope::Organization(_) | Scope::Project(_) => true,
            Scope::Resource(_) => false,
        });
        policy::decide(self.lineage(), above, action, now)
    }
}

/// One assignment's permission, as the statements return it. All but the second are null where
/// there is nothing to join.
pub(crate) type Row = (
    Option<String>, // organization
    bool,           // whether the resource exists
    Option<String>, // assignment
    Option<String>, // type of scope
    Option<String>, // id of scope
    Option<String>, // expiry
    Option<String>, // resource type of the permission
    Option<String>, // its action
);

impl Directory {
    /// Looks up, in one round trip, what `subject` holds around `place`, and what is there.
    pub async fn access(&self, subject: &Subject, place: &Place) -> Result<Access, DirectoryError> {
        let (subject, place) = (subject.clone(), place.clone());
        self.run(|store| async move {
            let statements = store.statements();
            let (statement, id, resource) = match &place {
                Place::Organization(id) => (statements.access_to_organization, id.as_str(), None),
                Place::Project(id) => (statements.access_to_project, id.as_str(), None),
                Place::Resource(id, resource) => (
                    statements.access_to_project,
                    id.as_str(),
                    Some(resource.as_str()),
                ),
            };
            let arguments = [Some(subject.as_str()), Some(id), resource];
            let arguments = match &place {
                Place::Organization(_) => &arguments[..2],
                Place::Project(_) | Place::Resource(..) => &arguments[..],
            };
            let rows = store.fetch(statement, arguments).await?;
            Ok(read(rows, &place, statements))
        })
        .await
    }
}

/// Builds the answer. A row with an id or an expiry that is none is left out and reported: it can
/// only take access away.
pub(crate) fn read(rows: Vec<Row>, place: &Place, statements: &Statements) -> Access {
    let Some(first) = rows.first() else {
        return Access {
            lineage: None,
            assignments: Vec::new(),
        };
    };
    let lineage = lineage(place, first.0.as_deref(), first.1);
    let mut assignments: Vec<Read> = Vec::new();
    for (_, _, assignment, scope_type, scope_id, expiry, resource_type, action) in rows {
        let (Some(id), Some(scope_type), Some(scope_id)) = (assignment, scope_type, scope_id)
        else {
            continue;
        };
        let permission = resource_type.zip(action);
        let permission = permission.map(|(resource_type, action)| Permission {
            resource_type,
            action,
        });
        // The rows of one assignment follow each other.
        if let Some(last) = assignments.last_mut().filter(|last| last.id == id) {
            last.permissions.extend(permission);
            continue;
        }
        let expires_at = match expiry.map(|text| (statements.read_expiry)(&text)) {
            None => None,
            Some(Some(expires_at)) => Some(expires_at),
            Some(None) => {
                tracing::warn!(assignment = %id, "an assignment has an unreadable expiry: ignored");
                continue;
            }
        };
        let Some(Ok(scope)) = Scope::new(&scope_type, &scope_id) else {
            tracing::warn!(assignment = %id, "an assignment has an invalid scope: ignored");
            continue;
        };
        assignments.push(Read {
            id,
            scope,
            permissions: permission.into_iter().collect(),
            expires_at,
        });
    }
    Access {
        lineage: Some(lineage),
        assignments: assignments.into_iter().map(Read::done).collect(),
    }
}

/// An assignment of which more permissions may follow.
struct Read {
    id: String,
    scope: Scope,
    permissions: Vec<Permission>,
    expires_at: Option<Timestamp>,
}

impl Read {
    fn done(self) -> Assignment {
        Assignment {
            id: Arc::from(self.id),
            scope: self.scope,
            permissions: Arc::from(self.permissions),
            expires_at: self.expires_at,
        }
    }
}

/// The lineage of a place that exists.
fn lineage(place: &Place, organization: Option<&str>, has_resource: bool) -> Lineage {
    let of_the_project = |project: &ProjectId| {
        let id = OrganizationId::new(organization?);
        if id.is_err() {
            tracing::warn!(%project, "the organization of a project has an invalid id: ignored");
        }
        id.ok()
    };
    match place {
        Place::Organization(id) => Lineage {
            organization: Some(id.clone()),
            ..Lineage::default()
        },
        Place::Project(id) => Lineage {
            organization: of_the_project(id),
            project: Some(id.clone()),
            resource: None,
        },
        Place::Resource(id, resource) => Lineage {
            organization: of_the_project(id),
            project: Some(id.clone()),
            resource: has_resource.then(|| ResourceId::clone(resource)),
        },
    }
}
