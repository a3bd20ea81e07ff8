//! How the caller wants lines to be encoded: `X-Loki-Response-Encoding-Flags`.

use http::{HeaderMap, HeaderName};

use crate::answer::{LineResult, OwnLabels};
use crate::http::json;
use crate::labels::Labels;

const HEADER: HeaderName = HeaderName::from_static("x-loki-response-encoding-flags");
const CATEGORIZE_LABELS: &str = "categorize-labels";

/// The flags that a request carries, also those that mean nothing here: Loki repeats them all in an
/// answer with lines.
#[derive(Clone, Debug, Default)]
pub(super) struct EncodingFlags(Vec<String>);

impl EncodingFlags {
    /// The flags of the first such header. They are parted by commas, and spaces count.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let written = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let mut flags: Vec<String> = Vec::new();
        for flag in written
            .filter(|text| !text.is_empty())
            .into_iter()
            .flat_map(|text| text.split(','))
        {
            if !flags.iter().any(|other| other == flag) {
                flags.push(flag.to_owned());
            }
        }
        Self(flags)
    }

    /// Whether each line's own labels are wanted beside it, by category.
    pub(super) fn categorize(&self) -> bool {
        self.0.iter().any(|flag| flag == CATEGORIZE_LABELS)
    }

    /// Appends the flags as a member of an object, and tells whether there are any.
    pub(super) fn render(&self, out: &mut String) -> bool {
        if self.0.is_empty() {
            return false;
        }
        out.push_str(r#""encodingFlags":"#);
        json::strings(out, &self.0);
        true
    }
}

/// Appends a line: its time, its text and, where they were asked for, its own labels by category.
pub(super) fn line(out: &mut String, line: &LineResult) {
    out.push_str("[\"");
    out.push_str(&line.time_ns.to_string());
    out.push_str("\",");
    json::string(out, &line.line);
    if let Some(OwnLabels { metadata, parsed }) = &line.own {
        out.push_str(",{");
        let mut category = |name: &str, labels: &Labels, comma: bool| {
            if labels.is_empty() {
                return;
            }
            if comma {
                out.push(',');
            }
            json::string(out, name);
            out.push(':');
            json::labels(out, labels);
        };
        category("structuredMetadata", metadata, false);
        category("parsed", parsed, !metadata.is_empty());
        out.push('}');
    }
    out.push(']');
}
