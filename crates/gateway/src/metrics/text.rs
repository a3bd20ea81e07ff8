//! The two texts that Prometheus reads.

use http::HeaderMap;
use http::header::ACCEPT;

/// A format of a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus' own, 0.0.4: for whoever does not ask for the other, such as people and `promtool`.
    Classic,
}

impl Format {
    /// The one that is asked for.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let mut accepted = headers.get_all(ACCEPT).iter();
        let open = accepted.any(|value| {
            let value = value.to_str().unwrap_or_default();
            value.contains("application/openmetrics-text")
        });
        if open {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    /// What `Content-Type` says.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What is written as `OpenMetrics` in this format.
    ///
    /// The two differ in what stands before samples alone: `OpenMetrics` names a counter without the
    /// `_total` that its samples have, and says where the text ends.
    pub(super) fn of(self, open: String) -> String {
        if self == Self::OpenMetrics {
            return open;
        }
        let mut classic = String::with_capacity(open.len() + 1024);
        let mut lines = open.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                // Its type is the next line.
                let is_counter = lines.peek().is_some_and(|next| next.ends_with(" counter"));
                push_named(&mut classic, "# HELP ", help, is_counter);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                push_named(&mut classic, "# TYPE ", kind, kind.ends_with(" counter"));
            } else if line != "# EOF" {
                classic.push_str(line);
                classic.push('\n');
            }
        }
        classic
    }
}

fn push_named(text: &mut String, before: &str, named: &str, is_counter: bool) {
    let (name, rest) = named.split_once(' ').unwrap_or((named, ""));
    text.push_str(before);
    text.push_str(name);
    if is_counter {
        text.push_str("_total");
    }
    text.push(' ');
    text.push_str(rest);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn who_asks_for_openmetrics_gets_it_and_everybody_else_the_classic_text() {
        let mut headers = HeaderMap::new();
        assert_eq!(Format::wanted(&headers), Format::Classic);
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("text/plain;version=0.0.4,*/*"),
        );
        assert_eq!(Format::wanted(&headers), Format::Classic);
        let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
        headers.insert(ACCEPT, HeaderValue::from_static(prometheus));
        assert_eq!(Format::wanted(&headers), Format::OpenMetrics);
    }

    #[test]
    fn in_the_classic_text_a_counter_is_named_as_its_samples_are() {
        let open = "# HELP a What it is.\n# TYPE a counter\na_total{b=\"c\"} 1\n\
                    # HELP d Another.\n# TYPE d gauge\nd 2\n# EOF\n";
        assert_eq!(
            Format::Classic.of(open.to_owned()),
            "# HELP a_total What it is.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n\
             # HELP d Another.\n# TYPE d gauge\nd 2\n"
        );
        assert_eq!(Format::OpenMetrics.of(open.to_owned()), open);
    }
}
