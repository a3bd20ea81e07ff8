//! Where traces go.

use url::Url;

/// The path at which receivers of OTLP take traces, below their base.
const PATH: &str = "v1/traces";

/// Where traces go, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// Where they are posted to.
    pub(super) endpoint: Url,
    /// Which part of those traces is sent that no caller has begun, from 0 to 1.
    pub(super) sample_ratio: f64,
    /// Whether an authenticated caller decides for its own requests.
    pub(super) callers_decide: bool,
}

impl TraceSettings {
    /// Traces go to `/v1/traces` below `base`, as receivers of OTLP have it, unless it ends so.
    #[must_use]
    pub fn new(mut base: Url, sample_ratio: f64) -> Self {
        let path = base.path().trim_end_matches('/');
        if !path.ends_with(PATH) {
            let path = format!("{path}/{PATH}");
            base.set_path(&path);
        }
        Self {
            endpoint: base,
            sample_ratio,
            callers_decide: true,
        }
    }

    /// Whether a request is traced is decided here alone, whatever callers say of theirs.
    #[must_use]
    pub fn without_callers_decision(mut self) -> Self {
        self.callers_decide = false;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_where_it_is_not_there() {
        for (given, path) in [
            ("http://collector:4318", "/v1/traces"),
            ("http://collector:4318/", "/v1/traces"),
            ("http://collector:4318/v1/traces", "/v1/traces"),
            ("https://collector/otlp/", "/otlp/v1/traces"),
        ] {
            let settings = TraceSettings::new(given.parse().unwrap(), 1.0);
            assert_eq!(settings.endpoint.path(), path, "{given}");
        }
    }
}
