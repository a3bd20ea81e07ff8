//! The value of `Authorization`: made once from what is configured, or again from a changed file.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

use super::{TransportError, read, unusable};
use crate::settings::{Credentials, Secret};

const PASSWORD_FILE: &str = "password file";
const TOKEN_FILE: &str = "bearer token file";

/// The value of `Authorization`.
pub(super) struct Authorization {
    held: ArcSwap<Held>,
}

/// The value, and what it was made from. Both change together: a file that is still being read when other
/// credentials take effect must not bring back those of before.
struct Held {
    from: Arc<Credentials>,
    header: Option<HeaderValue>,
}

impl Authorization {
    pub(super) fn open(from: &Credentials) -> Result<Self, TransportError> {
        let held = Held {
            header: header(from)?,
            from: Arc::new(from.clone()),
        };
        Ok(Self {
            held: ArcSwap::from_pointee(held),
        })
    }

    /// The value as it holds now.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        self.held.load().header.clone()
    }

    pub(super) fn has_file(&self) -> bool {
        match &*self.held.load().from {
            Credentials::None => false,
            Credentials::Basic {
                password: secret, ..
            }
            | Credentials::Bearer(secret) => match secret {
                Secret::Text(_) => false,
                Secret::File(_) => true,
            },
        }
    }

    /// Shows from now on what `other` does.
    pub(super) fn replace(&self, other: &Self) {
        self.held.store(other.held.load_full());
    }

    /// Makes the value again, and says whether it is another one.
    pub(super) fn reload(&self) -> Result<bool, TransportError> {
        if !self.has_file() {
            return Ok(false);
        }
        self.reload_by(header)
    }

    fn reload_by(
        &self,
        header: impl FnOnce(&Credentials) -> Result<Option<HeaderValue>, TransportError>,
    ) -> Result<bool, TransportError> {
        let before = self.held.load_full();
        let header = header(&before.from)?;
        if header == before.header {
            return Ok(false);
        }
        let from = Arc::clone(&before.from);
        let replaced = self
            .held
            .compare_and_swap(&before, Arc::new(Held { from, header }));
        Ok(Arc::ptr_eq(&before, &replaced))
    }
}

fn header(from: &Credentials) -> Result<Option<HeaderValue>, TransportError> {
    let text = match from {
        Credentials::None => return Ok(None),
        Credentials::Basic { username, password } => {
            let password = password.password()?;
            let pair = STANDARD.encode(format!("{username}:{password}"));
            format!("Basic {pair}")
        }
        Credentials::Bearer(Secret::Text(token)) => {
            format!("Bearer {}", token_of(token).ok_or(TransportError::Token)?)
        }
        Credentials::Bearer(Secret::File(file)) => format!("Bearer {}", token_in(file)?),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| TransportError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Secret {
    /// The password, read from its file where it is in one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or holds none. The error names the file, and nothing of what it holds.
    pub fn password(&self) -> Result<String, TransportError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(file) => password_in(file),
        }
    }
}

/// The password that a file holds: all of it but for the line's end, since spaces may belong to it.
fn password_in(file: &Path) -> Result<String, TransportError> {
    let text = text_in(PASSWORD_FILE, file)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(unusable(PASSWORD_FILE, file, "is empty"));
    }
    Ok(password.to_owned())
}

fn token_in(file: &Path) -> Result<String, TransportError> {
    let text = text_in(TOKEN_FILE, file)?;
    if text.trim().is_empty() {
        return Err(unusable(TOKEN_FILE, file, "is empty"));
    }
    let wrong = "holds characters that no token has";
    let token = token_of(&text).ok_or_else(|| unusable(TOKEN_FILE, file, wrong))?;
    Ok(token.to_owned())
}

/// The token in `text`, which may have white space around it and none within.
fn token_of(text: &str) -> Option<&str> {
    let token = text.trim();
    let fits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(token)
}

fn text_in(what: &'static str, file: &Path) -> Result<String, TransportError> {
    let bytes = read(what, file)?;
    String::from_utf8(bytes).map_err(|_| unusable(what, file, "is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(
        text: &str,
        make: impl FnOnce(Secret) -> Credentials,
    ) -> (tempfile::TempDir, Credentials) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        std::fs::write(&file, text).unwrap();
        (directory, make(Secret::File(file)))
    }

    fn basic(password: Secret) -> Credentials {
        let username = "gateway".to_owned();
        Credentials::Basic { username, password }
    }

    #[test]
    fn a_token_may_end_with_a_line_and_a_password_keeps_its_spaces() {
        let (_held, token) = in_file(" abc.def\n", Credentials::Bearer);
        assert_eq!(header(&token).unwrap().unwrap(), "Bearer abc.def");
        let (_held, password) = in_file(" a b \r\n", basic);
        let expected = format!("Basic {}", STANDARD.encode("gateway: a b "));
        assert_eq!(header(&password).unwrap().unwrap(), expected.as_str());
    }

    #[test]
    fn a_value_is_marked_as_sensitive() {
        let token = Credentials::Bearer(Secret::Text("abc".to_owned()));
        let held = Authorization::open(&token).unwrap();
        assert_eq!(format!("{:?}", held.header().unwrap()), "Sensitive");
    }

    #[test]
    fn a_bad_file_is_explained_and_never_quoted() {
        for (text, said) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("hunter2 hunter2", "holds characters that no token has"),
            ("hunter2\nx", "holds characters that no token has"),
        ] {
            let (_held, token) = in_file(text, Credentials::Bearer);
            let error = header(&token).unwrap_err().to_string();
            assert!(error.starts_with("the bearer token file /"), "{error}");
            assert!(
                error.ends_with(said) && !error.contains("hunter2"),
                "{error}"
            );
        }
        let absent = Credentials::Bearer(Secret::File("/nowhere/token".into()));
        let error = header(&absent).unwrap_err().to_string();
        assert!(
            error.starts_with("the bearer token file /nowhere/token cannot be read: "),
            "{error}"
        );
        let (_held, password) = in_file("\n", basic);
        let error = header(&password).unwrap_err().to_string();
        assert!(error.ends_with("is empty"), "{error}");
    }

    #[test]
    fn a_file_that_has_become_bad_leaves_the_old_value_in_force() {
        let (directory, token) = in_file("first", Credentials::Bearer);
        let held = Authorization::open(&token).unwrap();
        assert!(!held.reload().unwrap());
        let file = directory.path().join("secret");
        std::fs::write(&file, "second\n").unwrap();
        assert!(held.reload().unwrap());
        assert_eq!(held.header().unwrap(), "Bearer second");
        for text in ["", "not a token"] {
            std::fs::write(&file, text).unwrap();
            assert!(held.reload().is_err(), "{text}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(held.reload().is_err());
        assert_eq!(held.header().unwrap(), "Bearer second");
    }

    #[test]
    fn a_file_that_is_still_being_read_does_not_bring_back_what_was_replaced_meanwhile() {
        let (_held, token) = in_file("old", Credentials::Bearer);
        let held = Authorization::open(&token).unwrap();
        let text = Credentials::Bearer(Secret::Text("new".to_owned()));
        let new = Authorization::open(&text).unwrap();
        let changed = held.reload_by(|_| {
            held.replace(&new);
            Ok(Some(HeaderValue::from_static("Bearer older")))
        });
        assert!(!changed.unwrap());
        assert_eq!(held.header().unwrap(), "Bearer new");
    }
}
