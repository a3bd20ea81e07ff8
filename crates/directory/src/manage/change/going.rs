//! What goes with what is deleted, for the audit: nothing else tells afterwards what there was.

use std::collections::BTreeMap;

use policy::{Place, Scope};
use serde_json::{Map, Value, json};

use super::super::carry_out::{Also, Fault};
use super::MAX_CASCADE;
use crate::store::Transaction;

/// How many assignments are told in full; the others are counted.
const MAX_ASSIGNMENTS: usize = 100;

/// User, role, type and id of the scope.
type AssignmentRow = (String, String, String, String);

/// What goes with a project.
#[derive(Default)]
struct Going {
    resources: Vec<String>,
    assignments: Vec<AssignmentRow>,
}

/// What goes with a project, for its line.
pub(super) async fn with_project(
    transaction: &mut Transaction<'_>,
    id: &str,
) -> Result<Vec<(&'static str, Value)>, Fault> {
    let mut going = below(transaction, [None, Some(id)]).await?;
    let going = going.remove(id).unwrap_or_default();
    Ok(going.told())
}

/// What goes with an organization: a line for each of its projects.
pub(super) async fn projects_of(
    transaction: &mut Transaction<'_>,
    organization: &str,
    projects: Vec<(String, String)>,
) -> Result<Vec<Also>, Fault> {
    let mut below = below(transaction, [Some(organization), None]).await?;
    let lines = projects.into_iter().map(|(id, name)| {
        let mut detail = Map::new();
        detail.insert("id".to_owned(), id.clone().into());
        detail.insert("name".to_owned(), name.into());
        detail.insert("with_organization".to_owned(), organization.into());
        let told = below.remove(&id).unwrap_or_default().told();
        detail.extend(
            told.into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        Also {
            operation: "project.delete",
            project: id,
            detail,
        }
    });
    Ok(lines.collect())
}

/// The assignments that go with an organization or a resource, for its line.
pub(super) async fn assignments_on(
    transaction: &mut Transaction<'_>,
    place: &Place,
) -> Result<Vec<(&'static str, Value)>, Fault> {
    let scope: Scope = place.scope();
    let statement = transaction.store().changing().assignments_on;
    let arguments = [Some(scope.scope_type()), Some(scope.id())];
    let rows: Vec<AssignmentRow> = transaction.fetch(statement, &arguments).await?;
    Ok(told(&rows))
}

/// By project: of an organization's projects, or of the one.
async fn below(
    transaction: &mut Transaction<'_>,
    which: [Option<&str>; 2],
) -> Result<BTreeMap<String, Going>, Fault> {
    let changing = transaction.store().changing();
    let mut below: BTreeMap<String, Going> = BTreeMap::new();
    let resources: Vec<(String, String)> =
        transaction.fetch(changing.resources_below, &which).await?;
    for (project, resource) in resources {
        below.entry(project).or_default().resources.push(resource);
    }
    let assignments: Vec<(String, String, String, String, String)> = transaction
        .fetch(changing.assignments_below, &which)
        .await?;
    for (project, user, role, scope_type, scope_id) in assignments {
        let going = below.entry(project).or_default();
        going.assignments.push((user, role, scope_type, scope_id));
    }
    Ok(below)
}

impl Going {
    /// In the words of the audit. Only the operator deletes so many resources that not all are told.
    fn told(&self) -> Vec<(&'static str, Value)> {
        let most = usize::try_from(MAX_CASCADE).unwrap_or_default();
        let resources: Vec<&String> = self.resources.iter().take(most).collect();
        let mut members = vec![
            ("resource_count", self.resources.len().into()),
            ("resources", json!(resources)),
        ];
        members.extend(told(&self.assignments));
        members
    }
}

fn told(assignments: &[AssignmentRow]) -> Vec<(&'static str, Value)> {
    let first = assignments.iter().take(MAX_ASSIGNMENTS);
    let first = first.map(|(user, role, scope_type, scope_id)| {
        json!({
            "user_id": user, "role_id": role, "scope_type": scope_type, "scope_id": scope_id,
        })
    });
    vec![
        ("assignment_count", assignments.len().into()),
        ("assignments", first.collect()),
    ]
}
