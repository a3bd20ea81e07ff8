//! Ids, checked where they enter.
//!
//! A project's id is its tenant in Loki and Mimir, and a resource's id is a label value in every
//! query. So both keep to the pattern of a DNS label: `|` would name several tenants, and quotes,
//! dots or slashes have broken out of selectors and paths elsewhere. They are shared texts: the
//! request path passes them on without copying.

use std::fmt;
use std::sync::Arc;

/// The longest id, in bytes; that of a DNS label (RFC 1123).
pub(crate) const MAX_ID_LENGTH: usize = 63;

/// The longest subject, in bytes.
pub(crate) const MAX_SUBJECT_LENGTH: usize = 255;

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, or longer than 63 characters.
    #[error(
        "an id is 1 to {MAX_ID_LENGTH} lower-case letters, digits and hyphens, \
         with a letter or digit at both ends"
    )]
    Id,
    /// Empty, longer than 255 bytes, or with control characters.
    #[error("a subject is 1 to {MAX_SUBJECT_LENGTH} bytes without control characters")]
    Subject,
}

fn check_id(text: &str) -> Result<(), IdError> {
    let bytes = text.as_bytes();
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(IdError::Id);
    };
    let inner = bytes
        .iter()
        .all(|byte| alphanumeric(*byte) || *byte == b'-');
    if bytes.len() <= MAX_ID_LENGTH && inner && alphanumeric(*first) && alphanumeric(*last) {
        Ok(())
    } else {
        Err(IdError::Id)
    }
}

fn check_subject(text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > MAX_SUBJECT_LENGTH || text.chars().any(char::is_control) {
        return Err(IdError::Subject);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and takes it as an id.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                $check(text)?;
                Ok(Self(text.into()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The id of an organization.
    OrganizationId,
    check_id
);
id!(
    /// The id of a project, and so its tenant in the backends (`X-Scope-OrgID`).
    ProjectId,
    check_id
);
id!(
    /// The id of a resource, and so the value of its `resource_id` label.
    ResourceId,
    check_id
);
id!(
    /// The `sub` of a token: the identity. An e-mail address never is.
    Subject,
    check_subject
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_dns_label() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "acme-shop", "a--b", "1-2", longest.as_str()] {
            assert!(ProjectId::new(good).is_ok(), "{good}");
        }
    }

    /// Threats 8, 15 and 16: no quote, slash, dot, percent sign or tenant separator in an id.
    #[test]
    fn everything_else_is_refused() {
        let too_long = "a".repeat(64);
        for bad in [
            "", "-", "-a", "a-", "A", "a|b", "a.b", "..", "a/b", "a%2fb", "a b", "a\n", "a\"", "ä",
            "a_b", "a\0", "a,b", ".*", &too_long,
        ] {
            assert_eq!(ProjectId::new(bad), Err(IdError::Id), "{bad:?}");
        }
    }

    #[test]
    fn a_subject_is_any_short_text_without_control_characters() {
        for good in ["auth0|5f7c", "abc@clients", "https://idp/x y", "ü"] {
            assert!(Subject::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a\nb", "a\0"] {
            assert_eq!(Subject::new(bad), Err(IdError::Subject), "{bad:?}");
        }
        assert_eq!(Subject::new("a".repeat(256)), Err(IdError::Subject));
    }
}
