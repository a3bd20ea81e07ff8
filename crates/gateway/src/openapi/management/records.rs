//! The schemas of management: bodies and records.

use utoipa::openapi::Ref;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, Array, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat,
    SchemaType, Type,
};

use crate::openapi::parameter::{ID, any_text, whole};

/// Not blank, and without control characters.
const NAME: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$";

type Field = (&'static str, RefOr<Schema>);

/// All schemas, by name.
pub(in crate::openapi) fn schemas() -> Vec<(&'static str, Schema)> {
    let mut schemas = taken();
    schemas.extend(records());
    schemas.extend(people());
    schemas
}

/// Bodies: other fields than these are refused.
fn taken() -> Vec<(&'static str, Schema)> {
    let project = [("name", maybe(name())), ("org_id", maybe(id()))];
    let resource = [
        ("name", maybe(name())),
        ("sku", maybe(name())),
        (
            "settings_json",
            any("Kept as it is; at most 127 levels deep."),
        ),
    ];
    let new_resource = [("id", id()), ("name", name()), ("type", name())];
    let grant = [
        ("user_id", maybe(subject())),
        ("email", maybe(name())),
        ("role_id", name()),
        ("expires_at", maybe(time())),
    ];
    vec![
        (
            "NewOrganization",
            closed([("id", id()), ("name", name())], &["id", "name"], 0),
        ),
        (
            "OrganizationChange",
            closed([("name", name())], &["name"], 0),
        ),
        (
            "NewProject",
            closed(
                [("id", id()), ("name", name()), ("org_id", maybe(id()))],
                &["id", "name"],
                0,
            ),
        ),
        ("ProjectChange", closed(project, &[], 1)),
        (
            "NewResource",
            closed(
                new_resource
                    .into_iter()
                    .chain(resource.clone().into_iter().skip(1)),
                &["id", "name", "type"],
                0,
            ),
        ),
        ("ResourceChange", closed(resource, &[], 1)),
        ("NewAssignment", closed(grant, &["role_id"], 2)),
    ]
}

/// Records, as they are answered.
fn records() -> Vec<(&'static str, Schema)> {
    let times = || [("created_at", maybe(time())), ("updated_at", maybe(time()))];
    let organization = [("org_id", text()), ("name", text())];
    let project = [
        ("project_id", text()),
        ("org_id", maybe(text())),
        ("name", text()),
        ("status", maybe(text())),
    ];
    let resource = [
        ("resource_id", text()),
        ("project_id", text()),
        ("name", text()),
        ("type", text()),
        ("status", maybe(text())),
        ("sku", maybe(text())),
        ("settings_json", any("As it was given.")),
    ];
    vec![
        (
            "Organization",
            open(organization.into_iter().chain(times()), []),
        ),
        ("Project", open(project.into_iter().chain(times()), [])),
        ("Resource", open(resource.into_iter().chain(times()), [])),
    ]
}

/// Who holds what, and who did what.
fn people() -> Vec<(&'static str, Schema)> {
    let assignment = [
        ("assignment_id", text()),
        ("user_id", text()),
        ("role_id", text()),
        (
            "scope_type",
            one_of(&["organization", "project", "resource"]),
        ),
        ("scope_id", text()),
        ("assigned_by", maybe(text())),
        ("created_at", maybe(time())),
        ("expires_at", maybe(time())),
        ("user", Ref::from_schema_name("User").into()),
        ("role", Ref::from_schema_name("Role").into()),
        ("inheritance_type", one_of(&["direct", "inherited"])),
    ];
    let inherited = [
        ("inherited_from_scope_type", text()),
        ("inherited_from_scope_id", text()),
        ("inherited_from_name", text()),
    ];
    let audit = [
        ("audit_id", text()),
        ("at", time()),
        ("request_id", text()),
        ("subject", maybe(text())),
        ("operation", text()),
        ("assignment_id", maybe(text())),
        ("org_id", maybe(text())),
        ("project_id", maybe(text())),
        ("resource_id", maybe(text())),
        ("detail", any("What was written.")),
    ];
    vec![
        ("RoleAssignment", open(assignment, inherited)),
        ("AuditEntry", open(audit, [])),
        (
            "Role",
            open(
                [
                    ("role_id", text()),
                    ("name", text()),
                    ("display_name", text()),
                    ("description", maybe(text())),
                    ("is_system", simple(Type::Boolean)),
                ],
                [],
            ),
        ),
        (
            "Permission",
            open(
                [
                    ("permission_id", text()),
                    ("resource_type", text()),
                    ("action", text()),
                ],
                [],
            ),
        ),
        (
            "Permissions",
            open(
                [
                    ("user_id", text()),
                    (
                        "scope_type",
                        one_of(&["organization", "project", "resource"]),
                    ),
                    ("scope_id", text()),
                    (
                        "permissions",
                        list(one_of(&["read", "write", "delete", "manage_access"])),
                    ),
                    (
                        "held",
                        list(open([("resource_type", text()), ("action", text())], []).into()),
                    ),
                ],
                [],
            ),
        ),
        ("User", open(user(), [])),
        (
            "Me",
            open(
                user()
                    .into_iter()
                    .chain([("can_create", simple(Type::Boolean))]),
                [],
            ),
        ),
    ]
}

fn user() -> [Field; 4] {
    [
        ("id", text()),
        ("user_id", text()),
        ("email", maybe(text())),
        ("name", maybe(text())),
    ]
}

/// An object of these fields and no others, of which at least so many are there.
fn closed(fields: impl IntoIterator<Item = Field>, required: &[&str], least: usize) -> Schema {
    let object = fields
        .into_iter()
        .fold(ObjectBuilder::new(), |object, (name, schema)| {
            object.property(name, schema)
        });
    let object = required
        .iter()
        .fold(object, |object, name| object.required(*name));
    let object = object.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let least = (least > 0).then_some(least);
    object.min_properties(least).into()
}

/// An object in which the first fields are always there.
fn open(
    always: impl IntoIterator<Item = Field>,
    sometimes: impl IntoIterator<Item = Field>,
) -> Schema {
    let object = always
        .into_iter()
        .fold(ObjectBuilder::new(), |object, (name, schema)| {
            object.property(name, schema).required(name)
        });
    let object = sometimes
        .into_iter()
        .fold(object, |object, (name, schema)| {
            object.property(name, schema)
        });
    object.into()
}

fn id() -> RefOr<Schema> {
    let id: Schema = any_text()
        .pattern(Some(whole(ID)))
        .max_length(Some(63))
        .into();
    id.into()
}

fn subject() -> RefOr<Schema> {
    let text = any_text().min_length(Some(1)).max_length(Some(255));
    let text: Schema = text.pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]+$")).into();
    text.into()
}

/// A text for people: not blank, without control characters.
fn name() -> RefOr<Schema> {
    let text = any_text().min_length(Some(1)).max_length(Some(255));
    let text: Schema = text.pattern(Some(NAME)).into();
    text.into()
}

fn text() -> RefOr<Schema> {
    simple(Type::String)
}

fn time() -> RefOr<Schema> {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    let time: Schema = any_text().format(Some(format)).into();
    time.into()
}

fn one_of(words: &[&str]) -> RefOr<Schema> {
    let word: Schema = any_text().enum_values(Some(words.iter().copied())).into();
    word.into()
}

fn any(description: &str) -> RefOr<Schema> {
    let any: Schema = ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .description(Some(description))
        .into();
    any.into()
}

fn simple(kind: Type) -> RefOr<Schema> {
    let schema: Schema = ObjectBuilder::new().schema_type(kind).into();
    schema.into()
}

/// Or null.
fn maybe(schema: RefOr<Schema>) -> RefOr<Schema> {
    let either = OneOfBuilder::new().item(schema).item(simple(Type::Null));
    let either: Schema = either.into();
    either.into()
}

fn list(items: RefOr<Schema>) -> RefOr<Schema> {
    Schema::Array(Array::new(items)).into()
}
