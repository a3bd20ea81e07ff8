//! The JSON form of a push:
//! `{"streams": [{"stream": {"name": "value"}, "values": [["<ns>", "line", {"name": "value"}]]}]}`.

use std::fmt;

use bytes::Bytes;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::proto::{Entry, Label, Timestamp};
use crate::ingest::refusal::{Refusal, bad};

const NANOS: i64 = 1_000_000_000;

#[derive(Deserialize)]
pub(super) struct Push {
    pub(super) streams: Vec<Stream>,
}

#[derive(Deserialize)]
pub(super) struct Stream {
    #[serde(rename = "stream")]
    pub(super) labels: Pairs,
    #[serde(rename = "values")]
    pub(super) entries: Vec<Line>,
}

/// An object of strings, in its own order; repeated names are kept, to be refused.
#[derive(Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

pub(super) struct Line(pub(super) Entry);

/// Decodes a body.
pub(super) fn read(body: &[u8]) -> Result<Push, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(body);
    // The path says which entry it is.
    let push = serde_path_to_error::deserialize(&mut json);
    let push = push.map_err(|error| {
        let (path, error) = (error.path().to_string(), error.into_inner());
        bad(
            "not JSON of this protocol",
            format!("the push is not understood, at {path}: {error}"),
        )
    })?;
    json.end().map_err(|error| {
        bad(
            "not JSON of this protocol",
            format!("there is something behind the push: {error}"),
        )
    })?;
    Ok(push)
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, String>()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        from.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Array;

        impl<'de> Visitor<'de> for Array {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "[\"<nanoseconds since 1970>\", \"<line>\"], and an object of structured \
                     metadata if there is any",
                )
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Line, A::Error> {
                let time: String = seq
                    .next_element()?
                    .ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let time = time.parse::<i64>().map_err(|_| {
                    A::Error::custom("the timestamp is not a number of nanoseconds since 1970")
                })?;
                let line: String = seq
                    .next_element()?
                    .ok_or_else(|| A::Error::invalid_length(1, &self))?;
                let metadata: Option<Pairs> = seq.next_element()?;
                if seq.next_element::<IgnoredAny>()?.is_some() {
                    return Err(A::Error::invalid_length(4, &self));
                }
                let metadata = metadata.unwrap_or_default().0.into_iter();
                Ok(Line(Entry {
                    timestamp: Some(timestamp(time)),
                    line: Bytes::from(line),
                    structured_metadata: metadata
                        .map(|(name, value)| Label {
                            name,
                            value: Bytes::from(value),
                        })
                        .collect(),
                }))
            }
        }

        from.deserialize_seq(Array)
    }
}

fn timestamp(nanos: i64) -> Timestamp {
    let (seconds, rest) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
    Timestamp {
        seconds,
        // Below a billion.
        nanos: i32::try_from(rest).unwrap_or_default(),
    }
}
