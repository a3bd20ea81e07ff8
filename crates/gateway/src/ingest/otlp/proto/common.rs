//! Attributes, and whose they are.

use serde::Deserialize;

use crate::ingest::otlp::json::{nullable, number};
use crate::ingest::wire::Shape;

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<AnyValue>,
}

/// A value; none is an empty one, which is something else than an empty text.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(crate) value: Option<Value>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Value {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(ArrayValue),
    #[prost(message, tag = "6")]
    Map(KeyValueList),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct ArrayValue {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default)]
pub(crate) struct KeyValueList {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) values: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "dropped_attributes_count")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "entity_refs")]
    pub(crate) entity_refs: Vec<EntityRef>,
}

#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EntityRef {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "schema_url")]
    pub(crate) schema_url: String,
    #[prost(string, tag = "2")]
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub(crate) kind: String,
    #[prost(string, repeated, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "id_keys")]
    pub(crate) id_keys: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "description_keys")]
    pub(crate) description_keys: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Scope {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) version: String,
    #[prost(message, repeated, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "dropped_attributes_count")]
    pub(crate) dropped_attributes_count: u32,
}

pub(super) static KEY_VALUE: Shape = Shape {
    size: size_of::<KeyValue>(),
    plain: &[1],
    packed: &[],
    messages: &[(2, &MEMBER)],
};
/// A value that lies in what it is the value of.
pub(super) static MEMBER: Shape = Shape {
    size: 0,
    plain: &[1, 2, 3, 4, 7],
    packed: &[],
    messages: &[(5, &ARRAY), (6, &LIST)],
};
/// A value in a list.
static ANY_VALUE: Shape = Shape {
    size: size_of::<AnyValue>(),
    plain: &[1, 2, 3, 4, 7],
    packed: &[],
    messages: &[(5, &ARRAY), (6, &LIST)],
};
static ARRAY: Shape = Shape {
    size: 0,
    plain: &[],
    packed: &[],
    messages: &[(1, &ANY_VALUE)],
};
static LIST: Shape = Shape {
    size: 0,
    plain: &[],
    packed: &[],
    messages: &[(1, &KEY_VALUE)],
};
pub(super) static RESOURCE: Shape = Shape {
    size: size_of::<Resource>(),
    plain: &[2],
    packed: &[],
    messages: &[(1, &KEY_VALUE), (3, &ENTITY_REF)],
};
static ENTITY_REF: Shape = Shape {
    size: size_of::<EntityRef>(),
    plain: &[1, 2, 3, 4],
    packed: &[],
    messages: &[],
};
pub(super) static SCOPE: Shape = Shape {
    size: size_of::<Scope>(),
    plain: &[1, 2, 4],
    packed: &[],
    messages: &[(3, &KEY_VALUE)],
};
