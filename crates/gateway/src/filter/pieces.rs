//! JSON in pieces: lists and objects whose items stay the text that they came as.
//!
//! A tree of an answer takes many times the memory of its text. What is sifted here is looked at where
//! it lies, and what is kept is copied from there.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A text, which is copied only where it has escapes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Text<'_> {
    /// The text of a piece that is one.
    pub(super) fn of(piece: &RawValue) -> Option<Text<'_>> {
        serde_json::from_str(piece.get()).ok()
    }
}

/// Calls `each` with the items of a list, in their order. `None` where it is no list, or a call said so.
pub(super) fn each_item<'a>(
    list: &'a RawValue,
    each: impl FnMut(&'a RawValue) -> Option<()>,
) -> Option<()> {
    let mut deserializer = serde_json::Deserializer::from_str(list.get());
    deserializer.deserialize_seq(Items(each, PhantomData)).ok()
}

/// Calls `each` with the fields of an object, in their order. `None` where it is no object, or a call
/// said so.
pub(super) fn each_field<'a>(
    object: &'a RawValue,
    each: impl FnMut(Text<'a>, &'a RawValue) -> Option<()>,
) -> Option<()> {
    let mut deserializer = serde_json::Deserializer::from_str(object.get());
    deserializer.deserialize_map(Fields(each, PhantomData)).ok()
}

/// A field of an object that has it once. What is there twice could be read as either.
pub(super) fn field<'a>(object: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    let mut found = None;
    each_field(object, |field, value| {
        let is_again = field.0 == name && found.replace(value).is_some();
        (!is_again).then_some(())
    })?;
    found
}

/// Appends a piece as it is.
pub(super) fn copy(out: &mut Vec<u8>, piece: &RawValue) {
    out.extend_from_slice(piece.get().as_bytes());
}

/// Appends the name of a field.
pub(super) fn write_name(out: &mut Vec<u8>, name: &Text<'_>) -> Option<()> {
    serde_json::to_writer(&mut *out, name).ok()?;
    out.push(b':');
    Some(())
}

/// Appends the comma before every item but the first of what begins at `start`.
pub(super) fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

/// Appends an object with the fields of this one, of which `value` writes each.
pub(super) fn write_fields<'a>(
    out: &mut Vec<u8>,
    object: &'a RawValue,
    mut value: impl FnMut(&mut Vec<u8>, &str, &'a RawValue),
) -> Option<()> {
    out.push(b'{');
    let start = out.len();
    each_field(object, |name, field| {
        separate(out, start);
        write_name(out, &name)?;
        value(out, &name.0, field);
        Some(())
    })?;
    out.push(b'}');
    Some(())
}

struct Items<'a, F>(F, PhantomData<&'a ()>);

impl<'a, F: FnMut(&'a RawValue) -> Option<()>> Visitor<'a> for Items<'a, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element_seed(Piece)? {
            (self.0)(item).ok_or_else(unusable)?;
        }
        Ok(())
    }
}

struct Fields<'a, F>(F, PhantomData<&'a ()>);

impl<'a, F: FnMut(Text<'a>, &'a RawValue) -> Option<()>> Visitor<'a> for Fields<'a, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(name) = object.next_key()? {
            let value = object.next_value_seed(Piece)?;
            (self.0)(name, value).ok_or_else(unusable)?;
        }
        Ok(())
    }
}

/// A piece, unread.
struct Piece;

impl<'a> DeserializeSeed<'a> for Piece {
    type Value = &'a RawValue;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Deserialize::deserialize(deserializer)
    }
}

fn unusable<E: serde::de::Error>() -> E {
    E::custom("unusable")
}
