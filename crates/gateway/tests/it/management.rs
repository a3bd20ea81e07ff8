//! Management over HTTP: what platform teams do with it, and what nobody can.

mod life;

mod granting;

mod repeating;

mod racing;

mod pages;

mod caller;

mod creation;

mod order;

mod bad_input;

mod matrix;

use directory::Directory;
use directory::manage::list::{Page, Reader};
use directory::policy::{OrganizationId, Place, ProjectId};
use gateway::{Clock, directory};
use serde_json::Value;

use crate::harness::World;
use crate::harness::client::Answer;

const ORGANIZATIONS: &str = "/api/v1/organizations";
const ACME: &str = "/api/v1/organizations/acme";
const PROJECTS: &str = "/api/v1/projects";
const SHOP: &str = "/api/v1/projects/acme-shop";
const API: &str = "/api/v1/projects/acme-shop/resources/shop-api";

/// Asserts the one error shape, and gives its sentence.
#[track_caller]
fn refused(answer: &Answer, status: u16, error_type: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    let body = answer.value();
    assert_eq!(body["status"], "error");
    assert_eq!(body["errorType"], error_type, "{body}");
    body["error"].as_str().unwrap().to_owned()
}

/// The values of a field, in the order of the list.
fn all<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let values = list.as_array().unwrap().iter();
    values
        .map(|record| record[field].as_str().unwrap())
        .collect()
}

/// All that is in the directory, record by record.
async fn everything(world: &World) -> Vec<String> {
    fn told(records: &[impl std::fmt::Debug], everything: &mut Vec<String>) {
        everything.extend(records.iter().map(|record| format!("{record:?}")));
    }
    let directory: &Directory = &world.directory;
    let page = Page {
        after: None,
        limit: 1000,
    };
    let reader = Reader::Operator;
    let (mut all, mut places) = (Vec::new(), Vec::new());
    let organizations = directory.organizations(&reader, &page).await.unwrap();
    told(&organizations.records, &mut all);
    for organization in organizations.records {
        let id = OrganizationId::new(organization.org_id).unwrap();
        places.push(Place::Organization(id));
    }
    let projects = directory.projects(&reader, None, &page).await.unwrap();
    told(&projects.records, &mut all);
    for project in projects.records {
        let id = ProjectId::new(project.project_id).unwrap();
        let resources = directory.resources(&reader, &id, &page).await.unwrap();
        told(&resources.records, &mut all);
        places.push(Place::Project(id));
    }
    for place in places {
        let held = directory.assignments(&place, world.clock.now(), &page);
        told(&held.await.unwrap().records, &mut all);
        let audit = directory.audit(&place, &page).await.unwrap();
        told(&audit.records, &mut all);
    }
    told(&directory.users(&reader, "", 1000).await.unwrap(), &mut all);
    all
}

/// Asserts that nothing was written since `before`.
#[track_caller]
fn unchanged(before: &[String], after: &[String], what: &str) {
    let gone: Vec<&String> = before.iter().filter(|one| !after.contains(one)).collect();
    let new: Vec<&String> = after.iter().filter(|one| !before.contains(one)).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "{what}: {gone:#?} became {new:#?}"
    );
}
