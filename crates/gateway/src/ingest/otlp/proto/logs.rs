//! Log records.

use serde::Deserialize;

use super::common::{AnyValue, KEY_VALUE, KeyValue, MEMBER, RESOURCE, Resource, SCOPE, Scope};
use crate::ingest::otlp::json::{hex, nullable, number};
use crate::ingest::wire::Shape;

/// A batch of log records.
#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogsRequest {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "resource_logs")]
    pub(crate) resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "scope_logs")]
    pub(crate) scope_logs: Vec<ScopeLogs>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "schema_url")]
    pub(crate) schema_url: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub(crate) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "log_records")]
    pub(crate) log_records: Vec<LogRecord>,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "schema_url")]
    pub(crate) schema_url: String,
}

#[derive(Clone, PartialEq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct LogRecord {
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "time_unix_nano")]
    pub(crate) time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "severity_number")]
    pub(crate) severity_number: i32,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "severity_text")]
    pub(crate) severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub(crate) body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "nullable")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "7")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "dropped_attributes_count")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(fixed32, tag = "8")]
    #[serde(deserialize_with = "number")]
    pub(crate) flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    #[serde(deserialize_with = "hex")]
    #[serde(alias = "trace_id")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    #[serde(deserialize_with = "hex")]
    #[serde(alias = "span_id")]
    pub(crate) span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "number")]
    #[serde(alias = "observed_time_unix_nano")]
    pub(crate) observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "nullable")]
    #[serde(alias = "event_name")]
    pub(crate) event_name: String,
}

pub(crate) static LOGS_REQUEST: Shape = Shape {
    size: size_of::<LogsRequest>(),
    plain: &[],
    packed: &[],
    messages: &[(1, &RESOURCE_LOGS)],
};
static RESOURCE_LOGS: Shape = Shape {
    size: size_of::<ResourceLogs>(),
    plain: &[3],
    packed: &[],
    messages: &[(1, &RESOURCE), (2, &SCOPE_LOGS)],
};
static SCOPE_LOGS: Shape = Shape {
    size: size_of::<ScopeLogs>(),
    plain: &[3],
    packed: &[],
    messages: &[(1, &SCOPE), (2, &LOG_RECORD)],
};
static LOG_RECORD: Shape = Shape {
    size: size_of::<LogRecord>(),
    plain: &[1, 2, 3, 7, 8, 9, 10, 11, 12],
    packed: &[],
    messages: &[(5, &MEMBER), (6, &KEY_VALUE)],
};
