//! Short pieces of text, as queries have many: names of labels and metrics, numbers, durations.

use std::fmt;
use std::ops::Deref;

use crate::text::Text;

/// A string that needs no allocation while it is short (up to [`Text::INLINE`] bytes).
///
/// It dereferences to `str` and is made with `from` or `into`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SmallStr(
    // Only ever made of a string.
    Text,
);

impl SmallStr {
    /// The string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }

    // These spare looking whether the bytes are UTF-8, which dereferencing does.

    /// The bytes of the string.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Its length, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl Deref for SmallStr {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl std::hash::Hash for SmallStr {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // As a `str` does, so that it can be looked up as one.
        self.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for SmallStr {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for SmallStr {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for SmallStr {
    fn from(text: &str) -> Self {
        Self(Text::from(text))
    }
}

impl From<&String> for SmallStr {
    fn from(text: &String) -> Self {
        Self(Text::from(text.as_str()))
    }
}

impl From<String> for SmallStr {
    fn from(text: String) -> Self {
        Self(Text::from(text))
    }
}

impl From<SmallStr> for String {
    fn from(text: SmallStr) -> Self {
        text.as_str().to_owned()
    }
}

impl From<&SmallStr> for String {
    fn from(text: &SmallStr) -> Self {
        text.as_str().to_owned()
    }
}

impl From<SmallStr> for Text {
    fn from(text: SmallStr) -> Self {
        text.0
    }
}

impl From<&SmallStr> for Text {
    fn from(text: &SmallStr) -> Self {
        text.0.clone()
    }
}

impl PartialEq<str> for SmallStr {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for SmallStr {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

impl PartialEq<String> for SmallStr {
    fn eq(&self, other: &String) -> bool {
        self.0 == **other
    }
}

impl fmt::Display for SmallStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for SmallStr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::SmallStr;

    #[test]
    fn a_small_string_is_a_string() {
        for text in [
            "",
            "job",
            "twenty-two bytes, full",
            "\u{e9} more than that \u{e9}",
        ] {
            let small = SmallStr::from(text);
            assert_eq!(small, text);
            assert_eq!(&*small, text);
            assert_eq!(small.as_bytes(), text.as_bytes());
            assert_eq!(
                (small.len(), small.is_empty()),
                (text.len(), text.is_empty())
            );
            assert_eq!(format!("{small} {small:?}"), format!("{text} {text:?}"));
            assert!(HashSet::from([small.clone()]).contains(text));
            assert_eq!(String::from(small), text);
        }
    }
}
