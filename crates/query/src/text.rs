//! Strings as both languages know them: Go strings, that is bytes, nearly always UTF-8.
//!
//! `"\xff"` is a legal literal in LogQL and PromQL and holds one byte that is no UTF-8. To keep
//! what was written, a literal is kept as its bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The value of a string literal: any bytes, as a Go string.
///
/// Up to [`Text::INLINE`] bytes are held in place: most values are short, and a query of a
/// dashboard has dozens of them, so that allocating each took a third of the time of scoping.
#[derive(Clone)]
pub struct Text(Bytes);

#[derive(Clone)]
enum Bytes {
    Inline {
        length: u8,
        bytes: [u8; Text::INLINE],
    },
    Heap(Box<[u8]>),
}

impl Text {
    /// How many bytes need no allocation; with their length and the variant three words are full.
    pub const INLINE: usize = 22;

    /// The bytes of the value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Inline { length, bytes } => {
                bytes.get(..usize::from(*length)).unwrap_or_default()
            }
            Bytes::Heap(bytes) => bytes,
        }
    }

    /// The value in place, if it is short enough for that.
    fn inline(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::INLINE];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        let length = u8::try_from(value.len()).ok()?;
        Some(Self(Bytes::Inline { length, bytes }))
    }

    /// The value as text, unless it is not UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// The value as text, with U+FFFD in place of what is not UTF-8.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Whether the value is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(Bytes::Inline {
            length: 0,
            bytes: [0; Self::INLINE],
        })
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self::inline(bytes).unwrap_or_else(|| Self(Bytes::Heap(bytes.into())))
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self::inline(&bytes).unwrap_or_else(|| Self(Bytes::Heap(bytes.into())))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn a_value_is_the_same_in_place_and_on_the_heap() {
        assert_eq!(size_of::<Text>(), 24);
        for length in [0, 1, Text::INLINE, Text::INLINE + 1, 1000] {
            let value = vec![b'x'; length];
            let text = Text::from(value.clone());
            assert_eq!(text.as_bytes(), value);
            assert_eq!(text, Text::from(value.as_slice()));
            assert_ne!(text, Text::from("y"));
            assert_eq!(text.is_empty(), length == 0);
            assert!(text < Text::from(vec![b'x'; length + 1]));
        }
        assert_eq!(Text::default(), Text::from(""));
    }
}
