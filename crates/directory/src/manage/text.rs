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

/// A text for people: not empty, not endless, without control characters, which would forge lines in
/// a log, and without what cannot be seen or turns the rest around, which would make two names look
/// the same.
pub(crate) fn checked(what: &str, text: &str) -> Result<String, DirectoryError> {
    let is_blank = |character: char| character.is_whitespace() || looks_blank(character);
    let why = if text.len() > MAX_NAME_LENGTH || text.chars().any(char::is_control) {
        format!("must be 1 to {MAX_NAME_LENGTH} bytes without control characters")
    } else if let Some(hidden) = text.chars().find(|character| is_hidden(*character)) {
        format!(
            "must not have the character U+{:04X}, which cannot be seen or changes the direction of \
             the others",
            u32::from(hidden)
        )
    } else if text.chars().all(is_blank) {
        format!("must be 1 to {MAX_NAME_LENGTH} bytes, and not only spaces")
    } else {
        return Ok(text.to_owned());
    };
    Err(DirectoryError::Invalid(format!("the {what} {why}")))
}

/// Characters without a shape of their own: of no width, that set the direction of writing, that
/// separate lines, and the tags.
const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Characters that are drawn as nothing, and are no spaces.
const fn looks_blank(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    )
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
        Operation::SetUser { email, name, .. } => {
            checked("name", name)?;
            email
                .as_ref()
                .map(|email| checked("e-mail", email))
                .transpose()?;
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
    // Read in full: what is only skipped may hold texts that are none.
    let _: Value = serde_json::from_str(text)
        .map_err(|error| invalid(&format!("are not JSON that can be kept: {error}")))?;
    if has_nul(text) {
        // PostgreSQL takes it, and then can read none of it.
        return Err(invalid("must not have the character U+0000"));
    }
    Ok(())
}

/// Whether JSON has U+0000, which it can only have as an escape. The text is looked at and not what
/// it was read as: of members with the same name only the last was read, and all are kept.
fn has_nul(json: &str) -> bool {
    let mut rest = json;
    // A backslash belongs to what follows, be it another one.
    while let Some((_, escape)) = rest.split_once('\\') {
        if escape.starts_with("u0000") {
            return true;
        }
        let mut behind = escape.chars();
        behind.next();
        rest = behind.as_str();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_nul_is_found_wherever_it_is() {
        for (json, expected) in [
            (r#""\u0000""#, true),
            (r#""\\u0000""#, false),
            (r#""\\\u0000""#, true),
            (r#""\\\\u0000""#, false),
            (r#""\u00000""#, true),
            (r#""\u0001\u000a""#, false),
            (r#""u0000""#, false),
            (r#""\"\u0000""#, true),
            (r#"{"a":"\u0000","a":1}"#, true),
            (r#"{"\u0000":1,"b":2}"#, true),
            (r#"{"a":{"b":"\u0000"},"a":1}"#, true),
            (r#"{"a":"ü","b":"\ud83d\ude00"}"#, false),
        ] {
            assert_eq!(has_nul(json), expected, "{json}");
            assert_eq!(check_settings(json).is_err(), expected, "{json}");
        }
    }

    #[test]
    fn a_name_can_be_seen_and_reads_in_one_direction() {
        for name in [
            "Shop",
            "متجر",
            "חנות",
            "e\u{301}t\u{e9}",
            "\u{1f600}",
            "a b",
            "a\u{a0}b",
            "\u{fffe}",
        ] {
            assert!(checked("name", name).is_ok(), "{name:?}");
        }
        for name in [
            "",
            " ",
            "\u{a0}\u{3000}",
            "\u{2800}",
            "\u{3164} \u{115f}",
            "\u{200b}",
            "admin\u{200b}",
            "a\u{200e}b",
            "a\u{200f}b",
            "\u{202a}a",
            "\u{202e}abc",
            "a\u{2028}b",
            "a\u{2060}b",
            "a\u{2064}b",
            "a\u{2066}b\u{2069}",
            "a\u{61c}b",
            "\u{feff}a",
            "a\u{e0041}",
            "a\nb",
            "a\0b",
        ] {
            assert!(checked("name", name).is_err(), "{name:?}");
        }
    }
}
