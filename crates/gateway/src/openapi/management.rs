//! Management, as operations: what is taken and what is answered.

mod records;

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{Array, Schema};
use utoipa::openapi::{Header, Ref, RefOr, Required, Response};

use super::answer::{response, text, text_of};
use super::parameter::{ID, any_text, integer, whole};
use crate::management::{MAX_KEY_LENGTH, MAX_TEXT_LENGTH, MOST_OF_A_PAGE, PAGE};
use crate::routes::{Effect, Managed, Mount, Needs, Query, Task};

pub(super) use records::schemas;

/// What an operation needs and does, beyond its summary.
pub(super) fn description(managed: &Managed, mount: Mount) -> String {
    let place = match mount {
        Mount::Root => "",
        Mount::Organization => "the organization",
        Mount::Project => "the project",
        Mount::Resource => "the resource",
    };
    let needs = match managed.needs {
        Needs::Token => "Needs a token and no role.".to_owned(),
        Needs::On(action) => format!(
            "Needs `{action}` on {place}, held there or on what it is in. Who lacks it is told the \
             same of a place that exists and of one that does not."
        ),
        Needs::Within(action) => format!(
            "Needs `{action}` on {place} or on a resource in it; tells what the caller may read."
        ),
    };
    format!("{needs}{}", more(managed.task))
}

/// What is to be known besides.
const fn more(task: Task) -> &'static str {
    match task {
        Task::CreateOrganization => {
            " Whoever creates an organization becomes its Owner. An id is used once and for all: that \
             of a deleted organization is not free. An operator may have kept creation to themselves."
        }
        Task::CreateProject => {
            " Needs `write` on the organization, if `org_id` names one; whoever creates a project \
             without one becomes its Owner, unless an operator has kept that to themselves. The id is \
             the tenant of the project's data and is used once and for all."
        }
        Task::UpdateProject => {
            " A move needs, besides, `manage_access` on the project, `delete` on the organization that \
             it leaves and `write` on the one that it joins; `org_id` null leaves without joining. \
             Fields that are absent stay as they are, by PUT as by PATCH."
        }
        Task::UpdateOrganization | Task::UpdateResource => {
            " Fields that are absent or null stay as they are, by PUT as by PATCH."
        }
        Task::DeleteOrganization => " One that has projects is a 409, unless `cascade` is true.",
        Task::DeleteProject => {
            " One that has resources is a 409, unless `cascade` is true. The project's logs and \
             metrics stay where they are, out of everybody's reach."
        }
        Task::ListAssignments => {
            " Tells who holds roles on the place itself (`direct`) and on what it is in (`inherited`, \
             and from where). What has expired is left out."
        }
        Task::Grant => {
            " Nobody gives more than they hold on the place, nor for longer. To whom is said by \
             `user_id` (the `sub` of their tokens) or by `email` (the address of exactly one user, \
             which their issuer has verified). In force at once."
        }
        Task::Withdraw => {
            " In force at once. An inherited assignment is withdrawn where it is held. The last Owner \
             of an organization without an expiry stays: a 409."
        }
        Task::Audit => " Tells the writes about the place and what is in it, newest first.",
        Task::CheckPermissions => {
            " Tells the caller's own permissions. Of a place that does not exist, none are told."
        }
        Task::SearchUsers => {
            " Finds users whose name, e-mail address or subject begins with `q`, in any case, among \
             those who hold a role where the caller has `manage_access`."
        }
        Task::Me => " Tells who the caller is, by the token and by what the directory has heard.",
        Task::ListOrganizations
        | Task::ReadOrganization
        | Task::ListProjects
        | Task::ReadProject
        | Task::ListResources
        | Task::CreateResource
        | Task::ReadResource
        | Task::DeleteResource
        | Task::ListRoles
        | Task::RolePermissions => "",
    }
}

/// The parameters in the URL and in the head.
pub(super) fn parameters(managed: &Managed) -> Vec<Parameter> {
    let mut described: Vec<Parameter> = managed.query.iter().copied().map(in_query).collect();
    let effect = managed.task.effect();
    if effect.writes() {
        described.push(in_header(
            "Idempotency-Key",
            "A key of the caller's choice by which a repetition of this very request is known for 24 \
             hours: it writes nothing, and gets the first answer with `Idempotency-Replayed: true`. \
             Of another request it is a 422.",
            any_text()
                .pattern(Some("^[!-~]+$"))
                .min_length(Some(1))
                .max_length(Some(MAX_KEY_LENGTH))
                .into(),
        ));
    }
    if matches!(effect, Effect::Updates | Effect::Removes) {
        let of_the_record = "The entity tag that the record must still have, or `*`; else a 412.";
        described.push(in_header("If-Match", of_the_record, tags()));
    }
    if effect == Effect::Reads {
        let held = "The entity tag of what the caller has already; a 304 if nothing has changed.";
        described.push(in_header("If-None-Match", held, tags()));
    }
    described
}

fn in_query(query: Query) -> Parameter {
    let id = || {
        any_text()
            .pattern(Some(whole(ID)))
            .max_length(Some(63))
            .into()
    };
    let free = || {
        any_text()
            .min_length(Some(1))
            .max_length(Some(MAX_TEXT_LENGTH))
            .into()
    };
    let (description, schema): (&str, Schema) = match query {
        Query::Limit => (
            "The most records to return.",
            integer(1, MOST_OF_A_PAGE.into())
                .default(Some(PAGE.into()))
                .into(),
        ),
        Query::Cursor => (
            "Where to go on, from the `Link` of the page before.",
            free(),
        ),
        Query::Organization => (
            "The organization whose projects are listed; without it, all.",
            id(),
        ),
        Query::Cascade => (
            "Whether what is in it is deleted, too.",
            text_of(&["true", "false"]),
        ),
        Query::ScopeType => (
            "The kind of place.",
            text_of(&["organization", "project", "resource"]),
        ),
        Query::ScopeId => ("The id of the place.", id()),
        Query::Text => ("What name, e-mail address or subject begins with.", free()),
    };
    ParameterBuilder::new()
        .name(query.name())
        .parameter_in(ParameterIn::Query)
        .required(if query.is_required() {
            Required::True
        } else {
            Required::False
        })
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn in_header(name: &str, description: &str, schema: Schema) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

/// A list of entity tags.
fn tags() -> Schema {
    const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*"){0,99})$"#;
    any_text().pattern(Some(TAGS)).into()
}

/// What is taken.
pub(super) fn body(task: Task) -> Option<RequestBody> {
    let (schema, example) = taken(task)?;
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .example(Some(example))
        .build();
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    Some(body.content("application/json", content).build())
}

fn taken(task: Task) -> Option<(&'static str, Value)> {
    Some(match task {
        Task::CreateOrganization => (
            "NewOrganization",
            json!({ "id": "my-organization", "name": "My Organization" }),
        ),
        Task::UpdateOrganization => ("OrganizationChange", json!({ "name": "Another Name" })),
        Task::CreateProject => (
            "NewProject",
            json!({ "id": "my-project", "name": "My Project", "org_id": "my-organization" }),
        ),
        Task::UpdateProject => ("ProjectChange", json!({ "name": "Another Name" })),
        Task::CreateResource => (
            "NewResource",
            json!({ "id": "my-resource", "name": "My Resource", "type": "Konnektr.Graph" }),
        ),
        Task::UpdateResource => ("ResourceChange", json!({ "name": "Another Name" })),
        Task::Grant => (
            "NewAssignment",
            json!({ "user_id": "auth0|5f7c8ec7c33c6c004bbafe82", "role_id": "viewer" }),
        ),
        Task::ListOrganizations
        | Task::ReadOrganization
        | Task::DeleteOrganization
        | Task::ListProjects
        | Task::ReadProject
        | Task::DeleteProject
        | Task::ListResources
        | Task::ReadResource
        | Task::DeleteResource
        | Task::ListAssignments
        | Task::Withdraw
        | Task::Audit
        | Task::ListRoles
        | Task::RolePermissions
        | Task::CheckPermissions
        | Task::SearchUsers
        | Task::Me => return None,
    })
}

/// The schema of an answer, or of each of its records.
const fn told(task: Task) -> &'static str {
    match task {
        Task::ListOrganizations
        | Task::CreateOrganization
        | Task::ReadOrganization
        | Task::UpdateOrganization
        | Task::DeleteOrganization => "Organization",
        Task::ListProjects
        | Task::CreateProject
        | Task::ReadProject
        | Task::UpdateProject
        | Task::DeleteProject => "Project",
        Task::ListResources
        | Task::CreateResource
        | Task::ReadResource
        | Task::UpdateResource
        | Task::DeleteResource => "Resource",
        Task::ListAssignments | Task::Grant | Task::Withdraw => "RoleAssignment",
        Task::Audit => "AuditEntry",
        Task::ListRoles => "Role",
        Task::RolePermissions => "Permission",
        Task::CheckPermissions => "Permissions",
        Task::SearchUsers => "User",
        Task::Me => "Me",
    }
}

/// What is answered, where it is not refused.
pub(super) fn responses(task: Task) -> Vec<(StatusCode, Response)> {
    let one = Ref::from_schema_name(told(task));
    let json = |schema: RefOr<Schema>| ContentBuilder::new().schema(Some(schema)).build();
    let several = || json(Schema::Array(Array::new(one.clone())).into());
    let one = || json(one.clone().into());
    let etag = || header("The record's entity tag, for `If-Match` and `If-None-Match`.");
    let replayed = || header("`true` on the answer to a repetition.");
    match task.effect() {
        Effect::Creates => vec![(
            StatusCode::CREATED,
            response("The record, as it was made.")
                .header("Location", header("The path of the record."))
                .header("ETag", etag())
                .header("Idempotency-Replayed", replayed())
                .content("application/json", one())
                .build(),
        )],
        Effect::Updates => vec![(
            StatusCode::OK,
            response("The record, as it is now.")
                .header("ETag", etag())
                .header("Idempotency-Replayed", replayed())
                .content("application/json", one())
                .build(),
        )],
        Effect::Removes => vec![(
            StatusCode::NO_CONTENT,
            response("It is gone.")
                .header("Idempotency-Replayed", replayed())
                .build(),
        )],
        Effect::Reads => vec![
            (
                StatusCode::OK,
                response("The record.")
                    .header("ETag", etag())
                    .content("application/json", one())
                    .build(),
            ),
            (
                StatusCode::NOT_MODIFIED,
                response("The caller has the record already.")
                    .header("ETag", etag())
                    .build(),
            ),
        ],
        Effect::Lists => {
            let next = "The next page, if there is one: `<path>; rel=\"next\"` (RFC 8288).";
            let page = response("A page of the list.").header("Link", header(next));
            vec![(
                StatusCode::OK,
                page.content("application/json", several()).build(),
            )]
        }
        Effect::Tells => {
            let is_list = matches!(
                task,
                Task::ListRoles | Task::RolePermissions | Task::SearchUsers
            );
            let content = if is_list { several() } else { one() };
            let told = response("What was asked for.");
            vec![(
                StatusCode::OK,
                told.content("application/json", content).build(),
            )]
        }
    }
}

fn header(description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(text()))
        .description(Some(description))
        .build()
}
