//! Which variables of the environment are ours.

use super::key::{KEYS, Key, PREFIX, nearest_variable};

/// What a variable is to us.
#[derive(Debug)]
pub(crate) enum Variable {
    /// The value of a key.
    Key(&'static Key),
    /// It looks like one of a key, and there is no such key.
    Unknown,
    /// Somebody else's.
    NotOurs,
}

/// Says what the variable `name` is to us.
///
/// Kubernetes gives every container variables for every Service of the namespace. With a Service
/// `ktrlplane-server` these are `KTRLPLANE_SERVER_PORT=tcp://…`, `KTRLPLANE_SERVER_SERVICE_HOST`
/// and the like, of which the first has even the name of a key. They are left alone.
pub(crate) fn recognize(name: &str, value: &str) -> Variable {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Variable::NotOurs;
    };
    if is_of_a_service(name, value) {
        return Variable::NotOurs;
    }
    if let Some(key) = KEYS.iter().find(|key| key.variable() == name) {
        return Variable::Key(key);
    }
    let of_a_section = sections().any(|section| {
        let rest = rest.strip_prefix(section.as_str());
        rest.is_some_and(|rest| rest.starts_with('_'))
    });
    // A slip in the name of the section must not silently leave a default in force.
    if of_a_section || nearest_variable(name).is_some() {
        Variable::Unknown
    } else {
        Variable::NotOurs
    }
}

/// The first word of each key's variable, behind the prefix. They come of the table, so that a new section
/// cannot be forgotten here.
fn sections() -> impl Iterator<Item = String> {
    let sections = KEYS.iter().filter_map(|key| key.path.split_once('.'));
    sections.map(|(section, _)| section.to_uppercase())
}

/// Whether Kubernetes or Docker's old links made this variable for a Service.
fn is_of_a_service(name: &str, value: &str) -> bool {
    let is_address = ["tcp://", "udp://", "sctp://"]
        .iter()
        .any(|scheme| value.starts_with(scheme));
    if name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_address)
    {
        return true;
    }
    // …_PORT_8080_TCP, …_PORT_8080_TCP_ADDR and the like.
    let Some((_, port)) = name.rsplit_once("_PORT_").or_else(|| {
        let name = name.strip_suffix("_PORT")?;
        name.rsplit_once("_PORT_")
    }) else {
        return false;
    };
    let mut words = port.split('_');
    let number = words.next().unwrap_or_default();
    let protocol = words.next().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && ["TCP", "UDP", "SCTP"].contains(&protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(name: &str, value: &str) -> &'static str {
        match recognize(name, value) {
            Variable::Key(key) => key.path,
            Variable::Unknown => "unknown",
            Variable::NotOurs => "not ours",
        }
    }

    #[test]
    fn a_variable_is_a_key_or_unknown_or_not_ours() {
        for (name, value, expected) in [
            (
                "KTRLPLANE_OBSERVABILITY_LOKI_URL",
                "x",
                "observability.loki.url",
            ),
            ("KTRLPLANE_SERVER_PORT", "8080", "server.port"),
            ("KTRLPLANE_DATABASE_PORT", "5432", "database.port"),
            ("KTRLPLANE_OBSERVABILITY_LOKI_ULR", "x", "unknown"),
            ("KTRLPLANE_OBSERVABILTY_LOKI_URL", "x", "unknown"),
            ("KTRLPLANE_AUTH_ISUER", "x", "unknown"),
            ("KTRLPLANE_SERVER_TLS", "x", "unknown"),
            ("KTRLPLANE_MANAGEMENT_TENANTS", "x", "unknown"),
            ("KTRLPLANE_INGEST_MAX_LINES", "x", "unknown"),
            ("KTRLPLANE_EMBEDDED_RETENTION", "x", "unknown"),
            ("KTRLPLANE_EXPLORE_CLIENT_NAME", "x", "unknown"),
            ("KTRLPLANE_METRICS_ADDRESS", "x", "unknown"),
            ("KTRLPLANE_METRICS_SERVICE_HOST", "10.0.0.1", "not ours"),
            ("KTRLPLANE_TRACES_ENDPIONT", "x", "unknown"),
            ("KTRLPLANE_TRACESTATE", "x", "not ours"),
            ("KTRLPLANE_LIMITS_PROJECTS", "x", "limits.projects"),
            ("KTRLPLANE_LIMITS_PROJECTS_ACME_QUERIES", "x", "unknown"),
            ("KTRLPLANE_TEST_LOKI_URL", "x", "not ours"),
            ("PATH", "/bin", "not ours"),
            ("ktrlplane_server_port", "1", "not ours"),
        ] {
            assert_eq!(is(name, value), expected, "{name}");
        }
    }

    #[test]
    fn whatever_begins_as_the_variable_of_a_key_is_not_taken_for_somebody_elses() {
        for key in KEYS.iter() {
            let variable = key.variable();
            let section = variable.strip_prefix(PREFIX).unwrap();
            let (section, _) = section.split_once('_').unwrap();
            let slip = format!("{PREFIX}{section}_NO_SUCH_KEY_AT_ALL");
            assert_eq!(is(&slip, "x"), "unknown", "{variable}");
        }
    }

    #[test]
    fn the_variables_of_a_service_are_not_ours() {
        for (name, value) in [
            ("KTRLPLANE_SERVER_PORT", "tcp://10.0.0.1:8080"),
            ("KTRLPLANE_DATABASE_PORT", "tcp://10.0.0.1:5432"),
            ("KTRLPLANE_SERVER_SERVICE_HOST", "10.0.0.1"),
            ("KTRLPLANE_SERVER_SERVICE_PORT", "8080"),
            ("KTRLPLANE_SERVER_SERVICE_PORT_HTTP", "8080"),
            ("KTRLPLANE_SERVER_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("KTRLPLANE_SERVER_PORT_8080_TCP_PROTO", "tcp"),
            ("KTRLPLANE_SERVER_PORT_8080_TCP_PORT", "8080"),
            ("KTRLPLANE_SERVER_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("KTRLPLANE_DATABASE_POSTGRES_SERVICE_HOST", "10.0.0.1"),
            ("KTRLPLANE_METRICS_SERVICE_HOST", "10.0.0.1"),
            ("KTRLPLANE_METRICS_PORT", "tcp://10.0.0.1:9091"),
            ("KTRLPLANE_METRICS_PORT_9091_TCP_ADDR", "10.0.0.1"),
            ("KTRLPLANE_PORT", "tcp://10.0.0.1:8080"),
        ] {
            assert_eq!(is(name, value), "not ours", "{name}");
        }
    }
}
