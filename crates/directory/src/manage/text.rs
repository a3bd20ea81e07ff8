//! Texts that come from callers.

use serde_json::Value;

use super::{Operation, Write};
use crate::error::DirectoryError;
use crate::manage::Grantee;

/// The longest name, in bytes; that of KtrlPlane's own columns.
pub(crate) const MAX_NAME_LENGTH: usize = 255;

/// The longest settings, in bytes.
const MAX_SETTINGS_LENGTH: usize = 64 * 1024;

/// The default tenants of Loki and Mimir: a project of that name would share data with whatever was
/// ever sent without a tenant.
const RESERVED: [&str; 2] = ["fake", "anonymous"];

/// A text for people: not empty, not endless, and without control characters, which would forge
/// lines in a log.
pub(crate) fn checked(what: &str, text: &str) -> Result<String, DirectoryError> {
    let fits = !text.trim().is_empty()
        && text.len() <= MAX_NAME_LENGTH
        && !text.chars().any(char::is_control);
    if fits {
        return Ok(text.to_owned());
    }
    Err(DirectoryError::Invalid(format!(
        "the {what} must be 1 to {MAX_NAME_LENGTH} bytes without control characters"
    )))
}

/// Checks what belongs to any write.
pub(super) fn check_write(write: &Write) -> Result<(), DirectoryError> {
    checked("request id", &write.request_id)?;
    if let Some(key) = &write.idempotency_key {
        checked("idempotency key", key)?;
    }
    Ok(())
}

/// Checks the texts of an operation, and what needs no directory to be wrong.
pub(super) fn check(operation: &Operation) -> Result<(), DirectoryError> {
    match operation {
        Operation::CreateOrganization { name, .. } | Operation::UpdateOrganization { name, .. } => {
            checked("name", name)?;
        }
        Operation::CreateProject { id, name, .. } => {
            checked("name", name)?;
            if RESERVED.contains(&id.as_str()) {
                return Err(DirectoryError::Invalid(format!(
                    "`{id}` is what Loki or Mimir call the tenant of data without one: \
                     no project can have this id"
                )));
            }
        }
        Operation::UpdateProject { name, .. } => {
            name.as_ref()
                .map(|name| checked("name", name))
                .transpose()?;
        }
        Operation::CreateResource {
            name,
            kind,
            sku,
            settings,
            ..
        } => {
            checked("name", name)?;
            checked("type", kind)?;
            check_optional(sku.as_deref(), settings.as_deref())?;
        }
        Operation::UpdateResource {
            name,
            sku,
            settings,
            ..
        } => {
            name.as_ref()
                .map(|name| checked("name", name))
                .transpose()?;
            check_optional(sku.as_deref(), settings.as_deref())?;
        }
        Operation::Grant { to, role, .. } => {
            checked("role", role)?;
            match to {
                Grantee::Subject(_) => {}
                Grantee::Email(email) => {
                    checked("e-mail", email)?;
                }
            }
        }
        Operation::Withdraw { assignment, .. } => {
            checked("assignment id", assignment)?;
        }
        Operation::DeleteOrganization { .. }
        | Operation::DeleteProject { .. }
        | Operation::DeleteResource { .. }
        | Operation::FreeId { .. } => {}
    }
    Ok(())
}

fn check_optional(sku: Option<&str>, settings: Option<&str>) -> Result<(), DirectoryError> {
    sku.map(|sku| checked("sku", sku)).transpose()?;
    settings.map_or(Ok(()), check_settings)
}

/// Settings that both databases can keep and give back as they are.
fn check_settings(text: &str) -> Result<(), DirectoryError> {
    let invalid = |why: &str| DirectoryError::Invalid(format!("the settings {why}"));
    if text.len() > MAX_SETTINGS_LENGTH {
        return Err(invalid(&format!(
            "must be at most {MAX_SETTINGS_LENGTH} bytes"
        )));
    }
    // The parser ends at 128 levels, so what follows may call itself.
    let value: Value = serde_json::from_str(text)
        .map_err(|error| invalid(&format!("are not JSON that can be kept: {error}")))?;
    if has_nul(&value) {
        // PostgreSQL takes it, and then can read none of it.
        return Err(invalid("must not have the character U+0000"));
    }
    Ok(())
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
    }
}
