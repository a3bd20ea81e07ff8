//! What of a configuration can change while the gateway runs.

use gateway::AuditQueries;
use gateway::settings::Credentials;

use super::backend::Backend;
use super::layers::{Layers, Source};
use super::{Config, management, tls};

/// A key that has another value than before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) path: &'static str,
    /// Who gives the new value.
    pub(crate) source: Source,
    /// Whether it takes effect without a restart.
    pub(crate) takes_effect: bool,
}

/// All keys whose values differ, in the order of the table.
pub(crate) fn changes(before: &Layers, now: &Layers) -> Vec<Changed> {
    let text = |layers: &Layers, path: &str| layers.value(path).map(|given| given.text);
    let differ = now.all().filter_map(|(key, given)| {
        let (old, new) = (text(before, key.path), text(now, key.path));
        (old != new).then(|| Changed {
            path: key.path,
            source: given.map_or(Source::Default, |given| given.source),
            takes_effect: takes_effect(key.path, old.is_some() && new.is_some()),
        })
    });
    differ.collect()
}

/// The keys whose new values open what those of before closed. They need a restart, for a file that was cut
/// off looks just the same. What closes more than before needs none.
pub(crate) fn loosened(before: &Config, now: &Config) -> Vec<&'static str> {
    let mut loosened = management::loosened(&before.management, &now.management);
    if let (Some(before), Some(now)) = (&before.tls, &now.tls) {
        loosened.extend(tls::loosened(before, now));
    }
    let told = |config: &Config| match config.audit.queries {
        AuditQueries::None => 0,
        AuditQueries::Hash => 1,
        AuditQueries::Full => 2,
    };
    if told(before) < told(now) {
        loosened.push("audit.queries");
    }
    let (was, is) = (&before.observability, &now.observability);
    for (before, now, keys) in [
        (&was.loki, &is.loki, &LOKI_CREDENTIALS),
        (&was.mimir, &is.mimir, &MIMIR_CREDENTIALS),
    ] {
        if has_credentials(before) && !has_credentials(now) {
            loosened.extend(keys);
        }
    }
    loosened
}

const LOKI_CREDENTIALS: [&str; 5] = [
    "observability.loki.username",
    "observability.loki.password",
    "observability.loki.password_file",
    "observability.loki.bearer_token",
    "observability.loki.bearer_token_file",
];
const MIMIR_CREDENTIALS: [&str; 5] = [
    "observability.mimir.username",
    "observability.mimir.password",
    "observability.mimir.password_file",
    "observability.mimir.bearer_token",
    "observability.mimir.bearer_token_file",
];

/// Without them a backend that wants some answers nobody, and another one everybody.
fn has_credentials(backend: &Backend) -> bool {
    match backend {
        Backend::At(settings) => settings.credentials != Credentials::None,
        Backend::Off | Backend::Embedded(_) => false,
    }
}

/// Whether another value for `path` takes effect without a restart. `stays` says whether there was one
/// before and is one now.
fn takes_effect(path: &str, stays: bool) -> bool {
    const SECTIONS: [&str; 4] = ["limits.", "explore.", "management.", "log."];
    const KEYS: [&str; 5] = [
        "observability.loki.max_lines",
        "audit.queries",
        "server.tls.min_version",
        "server.tls.client_ca",
        "server.tls.client_certificates",
    ];
    /// Of a backend.
    const CREDENTIALS: [&str; 5] = [
        "username",
        "password",
        "password_file",
        "bearer_token",
        "bearer_token_file",
    ];
    match path {
        // Between TLS and none, whoever comes meets something else.
        "server.tls.certificate" | "server.tls.key" => stays,
        _ => {
            let backend = path
                .strip_prefix("observability.loki.")
                .or_else(|| path.strip_prefix("observability.mimir."));
            KEYS.contains(&path)
                || SECTIONS.iter().any(|section| path.starts_with(section))
                || backend.is_some_and(|key| CREDENTIALS.contains(&key))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn layers(text: &str) -> Layers {
        let (mut layers, mut problems) = (Layers::default(), Vec::new());
        layers.add_file(Path::new("config.yaml"), text, &mut problems);
        assert_eq!(problems, []);
        layers
    }

    fn changed(before: &str, now: &str) -> Vec<(&'static str, bool)> {
        let all = changes(&layers(before), &layers(now));
        let all = all.iter().map(|one| (one.path, one.takes_effect));
        all.collect()
    }

    #[test]
    fn only_other_values_are_changes_and_not_other_words_for_them() {
        assert_eq!(changed("server: {port: 8080}", "# nothing\n"), []);
        assert_eq!(
            changed("limits: {queue: {length: 7}}", "audit: {queries: none}"),
            [("audit.queries", true), ("limits.queue.length", true)]
        );
        let bound = "observability: {loki: {password_file: a}}\nserver: {host: \"::1\"}";
        assert_eq!(
            changed(bound, ""),
            [
                ("observability.loki.password_file", true),
                ("server.host", false)
            ]
        );
    }

    #[test]
    fn tls_is_neither_switched_on_nor_off() {
        let with = |file: &str| format!("server: {{tls: {{certificate: {file}, key: k}}}}");
        let moved = changed(&with("a"), &with("b"));
        assert_eq!(moved, [("server.tls.certificate", true)]);
        let off = [("server.tls.certificate", false), ("server.tls.key", false)];
        assert_eq!(changed(&with("a"), ""), off);
        assert_eq!(changed("", &with("a")), off);
    }

    #[test]
    fn what_opens_is_told_from_what_closes() {
        let config = |text: &str| {
            let auth = "auth: {issuer: \"https://idp.example/\", audience: api}\n";
            super::super::check(&layers(&format!("{auth}{text}"))).unwrap()
        };
        let tls = |more: &str| format!("server: {{tls: {{certificate: c, key: k{more}}}}}");
        let (ca, optional) = (
            ", client_ca: a",
            ", client_ca: a, client_certificates: optional",
        );
        let other = ", client_ca: b";
        for (open, closed, keys) in [
            (
                "",
                "management: {create: members}",
                &["management.create"][..],
            ),
            (
                "management: {create: members}",
                "management: {create: Nobody}",
                &["management.create"],
            ),
            ("", "management: {reserved: [a]}", &["management.reserved"]),
            (
                "management: {reserved: [b]}",
                "management: {reserved: [a, b]}",
                &["management.reserved"],
            ),
            (
                &tls(""),
                &tls(", min_version: 1.3"),
                &["server.tls.min_version"],
            ),
            (&tls(""), &tls(ca), &["server.tls.client_ca"]),
            ("", "audit: {queries: none}", &["audit.queries"]),
            ("audit: {queries: full}", "", &["audit.queries"]),
            (
                "observability: {mimir: {enabled: true, url: \"http://m\"}}",
                "observability: {mimir: {enabled: true, url: \"http://m\", bearer_token: t}}",
                &MIMIR_CREDENTIALS,
            ),
            (&tls(""), &tls(optional), &["server.tls.client_ca"]),
            (
                &tls(optional),
                &tls(ca),
                &["server.tls.client_certificates"],
            ),
        ] {
            let (open, closed) = (config(open), config(closed));
            assert_eq!(loosened(&closed, &open), keys);
            assert_eq!(loosened(&open, &closed), [""; 0]);
            assert_eq!(loosened(&closed, &closed), [""; 0]);
        }
        // Neither: another authority, and one reserved id in place of another.
        assert_eq!(loosened(&config(&tls(ca)), &config(&tls(other))), [""; 0]);
        let reserved = |id: &str| config(&format!("management: {{reserved: [{id}]}}"));
        assert_eq!(
            loosened(&reserved("a"), &reserved("b")),
            ["management.reserved"]
        );
    }

    #[test]
    fn where_it_listens_and_what_it_is_built_on_needs_a_restart() {
        for key in super::super::key::KEYS.iter() {
            let section = key.path.split('.').next().unwrap();
            if ["database", "auth", "embedded", "ingest"].contains(&section) {
                assert!(!takes_effect(key.path, true), "{}", key.path);
            }
        }
        for path in ["server.port", "audit.output", "observability.loki.url"] {
            assert!(!takes_effect(path, true), "{path}");
        }
    }
}
