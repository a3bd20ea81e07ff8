//! What OTLP's form in JSON has its own ways for (OTLP 1.x, "JSON Protobuf Encoding"): 64-bit
//! integers are texts or numbers, ids are hexadecimal, other bytes Base64, and `null` is nothing.
//! Unknown names are ignored, as the specification demands, and counted. Names of fields as the
//! protocol's own files have them (`resource_logs`) are taken as well, as parsers of JSON for protobuf
//! have to, although senders may not use them: what is meant is clear, and ignoring it loses it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_path_to_error::Track;

use super::proto::common::{AnyValue, ArrayValue, KeyValueList, Value};
use crate::ingest::refusal::{Refusal, bad};

/// Decodes a whole body, and says how many of its names are unknown.
pub(super) fn read<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<(T, usize), Refusal> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(bad(
            "not JSON of this protocol",
            "the batch is not a JSON object",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let (mut track, mut unknown) = (Track::new(), 0_usize);
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let batch = serde_ignored::deserialize(tracked, |_| unknown += 1);
    let batch = batch.map_err(|error| {
        let path = track.path();
        bad(
            "not JSON of this protocol",
            format!("the batch is not understood, at {path}: {error}"),
        )
    })?;
    json.end().map_err(|error| {
        bad(
            "not JSON of this protocol",
            format!("there is something behind the batch: {error}"),
        )
    })?;
    Ok((batch, unknown))
}

/// Anything, of which `null` is the default.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// An integer.
pub(super) fn number<'de, D: Deserializer<'de>, T: TryFrom<i128> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(maybe_number(from)?.unwrap_or_default())
}

/// An integer, or none.
pub(super) fn maybe_number<'de, D: Deserializer<'de>, T: TryFrom<i128>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let Some(Integer(number)) = Option::deserialize(from)? else {
        return Ok(None);
    };
    let number = T::try_from(number).map_err(|_| D::Error::custom("a number is out of its range"));
    number.map(Some)
}

pub(super) fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let list: Option<Vec<Integer>> = Option::deserialize(from)?;
    let list = list.unwrap_or_default().into_iter();
    list.map(|Integer(number)| u64::try_from(number))
        .collect::<Result<_, _>>()
        .map_err(|_| D::Error::custom("a number is out of its range"))
}

/// A floating-point number, or none.
pub(super) fn float<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let float: Option<Float> = Option::deserialize(from)?;
    Ok(float.map(|Float(float)| float))
}

pub(super) fn floats<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let list: Option<Vec<Float>> = Option::deserialize(from)?;
    let list = list.unwrap_or_default().into_iter();
    Ok(list.map(|Float(float)| float).collect())
}

/// An id.
pub(super) fn hex<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    let text = text.unwrap_or_default();
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| {
        let byte = digit(high)? * 16 + digit(low)?;
        u8::try_from(byte).ok()
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes
        .filter(|_| rest.is_empty())
        .ok_or_else(|| D::Error::custom("an id is not hexadecimal"))
}

struct Integer(i128);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, as a number or a text")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Integer, E> {
                Ok(Integer(number.into()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Integer, E> {
                Ok(Integer(number.into()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Integer, E> {
                let number = text.parse();
                number
                    .map(Integer)
                    .map_err(|_| E::custom("a text is not an integer"))
            }
        }

        from.deserialize_any(Any)
    }
}

struct Float(f64);

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Float;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or NaN, Infinity or -Infinity as a text")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Float, E> {
                Ok(Float(number))
            }

            #[allow(
                clippy::cast_precision_loss,
                reason = "so it is with every double in JSON"
            )]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Float, E> {
                Ok(Float(number as f64))
            }

            #[allow(
                clippy::cast_precision_loss,
                reason = "so it is with every double in JSON"
            )]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Float, E> {
                Ok(Float(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Float, E> {
                let number = match text {
                    "NaN" => Some(f64::NAN),
                    "Infinity" => Some(f64::INFINITY),
                    "-Infinity" => Some(f64::NEG_INFINITY),
                    _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
                };
                number
                    .map(Float)
                    .ok_or_else(|| E::custom("a text is not a number"))
            }
        }

        from.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for AnyValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = AnyValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an object with one of stringValue, boolValue, intValue, doubleValue, \
                     arrayValue, kvlistValue and bytesValue",
                )
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AnyValue, A::Error> {
                let mut found = None;
                while let Some(name) = map.next_key::<String>()? {
                    let value = match name.as_str() {
                        "stringValue" | "string_value" => {
                            map.next_value::<Option<_>>()?.map(Value::String)
                        }
                        "boolValue" | "bool_value" => {
                            map.next_value::<Option<_>>()?.map(Value::Bool)
                        }
                        "intValue" | "int_value" => {
                            let number = map.next_value::<Option<Integer>>()?;
                            let number = number.map(|Integer(number)| i64::try_from(number));
                            let number = number.transpose();
                            number
                                .map_err(|_| A::Error::custom("intValue is out of its range"))?
                                .map(Value::Int)
                        }
                        "doubleValue" | "double_value" => {
                            let float = map.next_value::<Option<Float>>()?;
                            float.map(|Float(float)| Value::Double(float))
                        }
                        "arrayValue" | "array_value" => {
                            map.next_value::<Option<ArrayValue>>()?.map(Value::Array)
                        }
                        "kvlistValue" | "kvlist_value" => {
                            map.next_value::<Option<KeyValueList>>()?.map(Value::Map)
                        }
                        "bytesValue" | "bytes_value" => {
                            let text = map.next_value::<Option<String>>()?;
                            let bytes = text.map(|text| STANDARD.decode(text)).transpose();
                            bytes
                                .map_err(|_| A::Error::custom("bytesValue is not Base64"))?
                                .map(Value::Bytes)
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            None
                        }
                    };
                    if found.is_some() && value.is_some() {
                        return Err(A::Error::custom("a value has more than one type"));
                    }
                    found = found.or(value);
                }
                Ok(AnyValue { value: found })
            }
        }

        from.deserialize_map(Object)
    }
}
