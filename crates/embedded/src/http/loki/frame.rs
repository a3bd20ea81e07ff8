//! The frames of a tail: `{"streams":[…],"dropped_entries":[…]}`.

use super::encoding::{self, EncodingFlags};
use crate::answer::{LineResult, StreamResult};
use crate::http::json;
use crate::labels::Labels;
use crate::store::Dropped;

/// Frames in the order in which they go out, made as they are asked for.
pub(super) struct Frames {
    /// Lines with the labels that they are shown under, the first one last.
    rest: Vec<(Labels, LineResult)>,
    dropped: Dropped,
    flags: EncodingFlags,
}

impl Frames {
    /// Lines in one frame.
    pub(super) const LINES: usize = 100;
    /// Bytes after which a frame is full.
    pub(super) const FULL: usize = 1 << 20;

    /// Frames of lines that were found newest first.
    pub(super) fn of_history(streams: Vec<StreamResult>, flags: &EncodingFlags) -> Self {
        let mut rest = Vec::new();
        for stream in streams {
            let labels = stream.labels;
            let lines = stream.entries.into_iter();
            rest.extend(lines.map(|line| (labels.clone(), line)));
        }
        rest.sort_by_key(|(_, line)| std::cmp::Reverse(line.time_ns));
        Self {
            rest,
            dropped: Dropped::default(),
            flags: flags.clone(),
        }
    }

    /// Frames of a batch of which these lines passed the pipeline, in their order.
    pub(super) fn of_lines(
        mut lines: Vec<(Labels, LineResult)>,
        dropped: Dropped,
        flags: &EncodingFlags,
    ) -> Self {
        lines.reverse();
        Self {
            rest: lines,
            dropped,
            flags: flags.clone(),
        }
    }
}

impl Iterator for Frames {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.rest.is_empty() && self.dropped.lines.is_empty() {
            return None;
        }
        let mut out = String::from(r#"{"streams":["#);
        let mut last: Option<Labels> = None;
        for count in 0..Self::LINES {
            if out.len() >= Self::FULL {
                break;
            }
            let Some((labels, line)) = self.rest.pop() else {
                break;
            };
            if last.as_ref() == Some(&labels) {
                out.push(',');
            } else {
                if count > 0 {
                    out.push_str("]},");
                }
                out.push_str(r#"{"stream":"#);
                json::labels(&mut out, &labels);
                out.push_str(r#","values":["#);
            }
            encoding::line(&mut out, &line);
            last = Some(labels);
        }
        if last.is_some() {
            out.push_str("]}");
        }
        out.push(']');
        let Dropped { lines, more } = std::mem::take(&mut self.dropped);
        if !lines.is_empty() {
            out.push_str(r#","dropped_entries":"#);
            let mut left = lines.len();
            json::list(&mut out, &lines, |out, (time, labels)| {
                out.push_str(r#"{"timestamp":""#);
                out.push_str(&time.to_string());
                out.push_str(r#"","labels":"#);
                json::labels(out, labels);
                left -= 1;
                // Loki says nothing of what it does not name.
                if left == 0 && more > 0 {
                    out.push_str(r#","more":"#);
                    out.push_str(&more.to_string());
                }
                out.push('}');
            });
        }
        out.push(',');
        if !self.flags.render(&mut out) {
            out.pop();
        }
        out.push('}');
        Some(out)
    }
}
