//! The configuration as a user meets it: a file's text and variables go in, a configuration or
//! sentences come out. The environment is a parameter, so that no test changes the process's.

mod backends;
mod data;
mod database;
mod explore;
mod limits;
mod log;
mod metrics;
mod shown;
mod tls;
mod traces;

use std::path::Path;
use std::time::Duration;

use super::*;

/// What every start needs.
const AUTH: &str = "auth: {issuer: \"https://idp.example/\", audience: api}\n";

fn layered(file: &str, environment: &[(&str, &str)]) -> (Layers, Vec<Problem>) {
    let mut layers = Layers::default();
    let mut problems = Vec::new();
    layers.add_file(Path::new("config.yaml"), file, &mut problems);
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    layers.add_environment(environment.iter().map(owned), &mut problems);
    (layers, problems)
}

fn good(file: &str, environment: &[(&str, &str)]) -> Config {
    let (layers, problems) = layered(&format!("{AUTH}{file}"), environment);
    assert_eq!(problems, []);
    check(&layers).unwrap()
}

fn sentences(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let (layers, mut problems) = layered(file, environment);
    problems.extend(check(&layers).err().unwrap_or_default());
    problems.iter().map(ToString::to_string).collect()
}

/// The one sentence that `file` earns when the rest is as it should be.
fn sentence(file: &str, environment: &[(&str, &str)]) -> String {
    let mut sentences = sentences(&format!("{AUTH}{file}"), environment);
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    sentences.remove(0)
}

const TWO_MINUTES: Duration = Duration::from_mins(2);

fn at(url: &str) -> Backend {
    let url = url::Url::parse(url).unwrap();
    Backend::At(Box::new(gateway::BackendSettings::new(url, TWO_MINUTES)))
}

#[test]
fn nothing_enabled_is_a_valid_start() {
    let config = good("", &[]);
    assert_eq!(config.observability.loki, Backend::Off);
    assert_eq!(config.observability.mimir, Backend::Off);
    assert_eq!(config.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.database.url, "sqlite:ktrlplane.db");
    assert_eq!(config.auth.algorithms, [jsonwebtoken::Algorithm::RS256]);
}

#[test]
fn the_documented_example_is_read_as_documented() {
    let config = good(
        "observability:\n  loki:\n    enabled: true\n    url: \"http://loki-gateway:3100\"\n  \
         mimir:\n    enabled: true\n    url: \"http://mimir-gateway:8080/prefix\"\n",
        &[],
    );
    assert_eq!(config.observability.loki, at("http://loki-gateway:3100"));
    assert_eq!(
        config.observability.mimir,
        at("http://mimir-gateway:8080/prefix")
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "observability: {loki: {enabled: false, url: \"http://a\"}}\nserver: {port: 1}\n";
    let config = good(
        file,
        &[
            ("KTRLPLANE_OBSERVABILITY_LOKI_ENABLED", "true"),
            ("KTRLPLANE_OBSERVABILITY_LOKI_URL", "http://b"),
            ("KTRLPLANE_SERVER_PORT", "tcp://10.0.0.1:8080"),
            ("KTRLPLANE_AUTH_ALGORITHMS", "ES256, RS256"),
        ],
    );
    assert_eq!(config.observability.loki, at("http://b"));
    assert_eq!(config.listen.port(), 1, "a Service's variable is no port");
    let algorithms = [
        jsonwebtoken::Algorithm::ES256,
        jsonwebtoken::Algorithm::RS256,
    ];
    assert_eq!(config.auth.algorithms, algorithms);
}

#[test]
fn a_url_without_enabled_is_not_enabled() {
    let config = good("observability: {loki: {url: \"http://a\"}}", &[]);
    assert_eq!(config.observability.loki, Backend::Off);
}

#[test]
fn ports_and_switches_may_be_quoted_and_an_empty_variable_gives_nothing() {
    let file = "server: {host: \"::1\", port: \"9090\"}\nobservability: {mimir: {enabled: \"true\", url: \"embedded:\"}}";
    let config = good(file, &[("KTRLPLANE_SERVER_PORT", "")]);
    assert_eq!(config.listen.to_string(), "[::1]:9090");
    assert_eq!(config.observability.mimir, Backend::Embedded(TWO_MINUTES));
}

#[test]
fn the_parts_of_a_database_become_its_url() {
    let file = "database: {host: db, user: k@r, password: \"p/w:@\", dbname: control}\n";
    assert_eq!(
        good(file, &[("KTRLPLANE_DATABASE_SSLMODE", "verify-full")])
            .database
            .url,
        "postgres://k%40r:p%2Fw%3A%40@db:5432/control?sslmode=verify-full"
    );
    let socket = "database: {host: /run/postgresql, user: k, dbname: d}\n";
    assert_eq!(
        good(socket, &[]).database.url,
        "postgres://k@localhost:5432/d?sslmode=prefer&host=%2Frun%2Fpostgresql"
    );
}

#[test]
fn a_database_from_the_environment_replaces_that_of_the_file() {
    let parts = "database: {host: db, user: k, dbname: d}\n";
    let url = [("KTRLPLANE_DATABASE_URL", "sqlite:/data/k.db")];
    assert_eq!(good(parts, &url).database.url, "sqlite:/data/k.db");
    let password = [("KTRLPLANE_DATABASE_PASSWORD", "s")];
    assert_eq!(
        good(parts, &password).database.url,
        "postgres://k:s@db:5432/d?sslmode=prefer"
    );
}

#[test]
fn a_database_is_ours_unless_the_configuration_says_otherwise() {
    let ours = good("", &[]).database;
    assert!(ours.managed);
    assert_eq!(ours.poll, Duration::from_secs(2));
    assert_eq!(ours.grace, Duration::ZERO);
    let theirs = good(
        "database: {managed: false, poll: 1s500ms, grace: 10m}\n",
        &[("KTRLPLANE_DATABASE_POLL", "1m")],
    );
    assert!(!theirs.database.managed);
    assert_eq!(theirs.database.poll, Duration::from_mins(1));
    assert_eq!(theirs.database.grace, Duration::from_mins(10));
}

#[test]
fn anyone_may_create_organizations_unless_members_or_nobody_may() {
    use gateway::Creation;
    assert_eq!(good("", &[]).management.create, Creation::Anyone);
    for (word, create) in [("members", Creation::Members), ("nobody", Creation::Nobody)] {
        let closed = good(&format!("management: {{create: {word}}}\n"), &[]);
        assert_eq!(closed.management.create, create);
    }
    assert_eq!(
        sentence("management: {create: admins}", &[]),
        "management.create (KTRLPLANE_MANAGEMENT_CREATE) is \"admins\" (from config.yaml, line 2); \
         expected anyone, members (projects in organizations alone) or nobody: who with a token may \
         create organizations and projects"
    );
}

#[test]
fn reserved_ids_are_a_list_of_ids() {
    let ids = |file: &str, variables: &[(&str, &str)]| {
        let reserved = good(file, variables).management.reserved;
        let ids = reserved.iter().map(ToString::to_string);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("", &[]), [""; 0]);
    assert_eq!(ids("management: {reserved: []}\n", &[]), [""; 0]);
    assert_eq!(
        ids("management: {reserved: [legacy, tenant-1]}\n", &[]),
        ["legacy", "tenant-1"]
    );
    assert_eq!(
        ids("", &[("KTRLPLANE_MANAGEMENT_RESERVED", "legacy, tenant-1")]),
        ["legacy", "tenant-1"]
    );
    for wrong in ["[legacy, Tenant_1]", "\"legacy,,Tenant_1\"", "[a, \"\"]"] {
        let sentence = sentence(&format!("management: {{reserved: {wrong}}}"), &[]);
        assert!(
            sentence.starts_with("management.reserved (KTRLPLANE_MANAGEMENT_RESERVED) names ")
                && sentence.contains("which is no id"),
            "{sentence}"
        );
    }
}

#[test]
fn tenants_that_anybody_could_take_are_warned_of() {
    const LOKI: &str = "observability: {loki: {enabled: true, url: 'http://loki:3100'}}\n";
    const EMBEDDED: &str = "observability: {loki: {enabled: true, url: 'embedded:'}}\n";
    let warning = |file: &str, more: &str| good(&format!("{file}{more}"), &[]).warning();
    for (create, who) in [("anyone", "has a token"), ("members", "write on an org")] {
        let create = format!("management: {{create: {create}}}\n");
        let sentence = warning(LOKI, &create).unwrap();
        for word in [who, "management.reserved", "management.create to nobody"] {
            assert!(sentence.contains(word), "{sentence}");
        }
    }
    assert!(warning(LOKI, "").is_some());
    for (file, more) in [
        ("", ""),
        (EMBEDDED, ""),
        (LOKI, "management: {create: nobody}\n"),
        (LOKI, "management: {reserved: [legacy]}\n"),
        (LOKI, "database: {managed: false}\n"),
    ] {
        assert_eq!(warning(file, more), None, "{file}{more}");
    }
}

#[test]
fn the_audit_goes_to_standard_output_and_hashes_queries_unless_it_is_told_otherwise() {
    use gateway::{AuditOutput, AuditQueries};
    let audit = |file: &str| good(file, &[]).audit;
    assert_eq!(audit("").output, AuditOutput::Stdout);
    assert_eq!(audit("").queries, AuditQueries::Hash);
    assert_eq!(
        audit("audit: {output: off, queries: none}").output,
        AuditOutput::Off
    );
    let file = audit("audit: {output: /var/log/audit.jsonl, queries: full}");
    assert_eq!(
        file.output,
        AuditOutput::File("/var/log/audit.jsonl".into())
    );
    assert_eq!(file.queries, AuditQueries::Full);
    for (file, expected) in [
        (
            "audit: {output: stdotu}",
            "audit.output (KTRLPLANE_AUDIT_OUTPUT) is \"stdotu\" (from config.yaml, line 2); expected \
             stdout, off, or a file's path with a slash in it, such as /var/log/ktrlplane/audit.jsonl",
        ),
        (
            "audit: {queries: sha256}",
            "audit.queries (KTRLPLANE_AUDIT_QUERIES) is \"sha256\" (from config.yaml, line 2); expected \
             full, hash or none: whether the audit holds the text of queries, its SHA-256, or nothing",
        ),
    ] {
        assert_eq!(sentence(file, &[]), expected);
    }
}

#[test]
fn a_missing_issuer_and_audience_stop_the_start() {
    assert_eq!(
        sentences("", &[]),
        [
            "auth.issuer (KTRLPLANE_AUTH_ISSUER) is missing; expected the issuer's URL exactly as \
             it stands in the tokens' iss, such as \"https://tenant.eu.auth0.com/\" (the final \
             slash counts)",
            "auth.audience (KTRLPLANE_AUTH_AUDIENCE) is missing; expected the audience that the \
             tokens' aud must name, such as \"https://api.example.com\"",
        ]
    );
}

#[test]
fn an_unknown_key_stops_the_start() {
    for (file, expected) in [
        (
            "stripe: {secret_key: sk_live}",
            "config.yaml has the unknown key stripe; the sections are observability, server, auth, \
             database, audit, management, ingest, limits, explore, metrics, traces, log, embedded",
        ),
        (
            "observability: {loki: {ulr: x}}",
            "config.yaml has the unknown key observability.loki.ulr; did you mean \
             observability.loki.url?",
        ),
        (
            "server: {http2: true}",
            "config.yaml has the unknown key server.http2; the keys of server are server.host, \
             server.port, server.tls.certificate, server.tls.key, server.tls.min_version, \
             server.tls.client_ca, server.tls.client_certificates, server.max_connections, server.header_timeout, server.idle_timeout, \
             server.body_timeout, server.send_timeout, server.max_head_bytes, \
             server.max_uri_bytes, server.drain",
        ),
        (
            "observabilty: {loki: {enabled: true}}",
            "config.yaml has the unknown key observabilty; did you mean observability?",
        ),
        (
            "server.port: 1",
            "config.yaml has the unknown key server.port; its levels belong on lines of their \
             own, without dots",
        ),
    ] {
        assert_eq!(sentence(file, &[]), expected);
    }
}

#[test]
fn an_unknown_variable_stops_the_start() {
    assert_eq!(
        sentence("", &[("KTRLPLANE_OBSERVABILITY_LOKI_ULR", "x")]),
        "the environment has the unknown variable KTRLPLANE_OBSERVABILITY_LOKI_ULR; did you mean \
         KTRLPLANE_OBSERVABILITY_LOKI_URL?"
    );
    assert_eq!(
        sentence("", &[("KTRLPLANE_SERVER_TLS", "x")]),
        "the environment has the unknown variable KTRLPLANE_SERVER_TLS; variables that begin like \
         a key of the configuration must be one: unset it, and `ktrlplane config` lists them all"
    );
}

#[test]
fn a_bad_value_is_named_with_its_place_and_what_is_expected() {
    const BACKEND: &str = "expected an http or https URL without query or fragment, such as \
                           \"http://loki-gateway:3100\", or \"embedded:\" for the backend in this \
                           process";
    for (file, expected) in [
        (
            "observability: {loki: {enabled: true}}",
            format!("observability.loki.url (KTRLPLANE_OBSERVABILITY_LOKI_URL) is missing; {BACKEND}"),
        ),
        (
            "observability: {loki: {url: \"loki:3100\"}}",
            format!(
                "observability.loki.url (KTRLPLANE_OBSERVABILITY_LOKI_URL) is \"loki:3100\", which \
                 is neither http:// nor https:// (from config.yaml, line 2); {BACKEND}"
            ),
        ),
        (
            "observability:\n  mimir:\n    url: \"http://m/?tenant=x\"",
            format!(
                "observability.mimir.url (KTRLPLANE_OBSERVABILITY_MIMIR_URL) is \
                 \"http://m/?tenant=***\", which has a query or a fragment (from config.yaml, line \
                 4); {BACKEND}"
            ),
        ),
        (
            "observability: {loki: {enabled: maybe}}",
            "observability.loki.enabled (KTRLPLANE_OBSERVABILITY_LOKI_ENABLED) is \"maybe\" (from \
             config.yaml, line 2); expected true or false"
                .to_owned(),
        ),
        (
            "server: {port: 80800}",
            "server.port (KTRLPLANE_SERVER_PORT) is \"80800\", which is no port (from config.yaml, \
             line 2); expected a port number from 0 to 65535 (0: any free port)"
                .to_owned(),
        ),
        (
            "server: {host: example.com}",
            "server.host (KTRLPLANE_SERVER_HOST) is \"example.com\", which is no IP address (from \
             config.yaml, line 2); expected an IP address, such as 0.0.0.0, 127.0.0.1 or \"::\""
                .to_owned(),
        ),
        (
            "database: {url: \"mysql://root:hunter2@db/x\"}",
            "database.url (KTRLPLANE_DATABASE_URL) is \"mysql://root:***@db/x\", which is neither \
             SQLite nor PostgreSQL (from config.yaml, line 2); expected \"sqlite:FILE\" or \
             \"postgres://USER:PASSWORD@HOST:PORT/DATABASE\""
                .to_owned(),
        ),
        (
            "database: {host: db, dbname: d}",
            "database.user (KTRLPLANE_DATABASE_USER) is missing; expected the name of a PostgreSQL \
             role"
                .to_owned(),
        ),
        (
            "database: {url: \"sqlite:x\", host: db}",
            "database.url (KTRLPLANE_DATABASE_URL) and database.host are both given, and only one \
             of them can hold (from config.yaml, line 2); expected \"sqlite:FILE\" or \
             \"postgres://USER:PASSWORD@HOST:PORT/DATABASE\""
                .to_owned(),
        ),
        (
            "database: {host: db, user: u, dbname: d, sslmode: \"on\"}",
            "database.sslmode (KTRLPLANE_DATABASE_SSLMODE) is \"on\" (from config.yaml, line 2); \
             expected disable, allow, prefer, require, verify-ca or verify-full, as libpq has them"
                .to_owned(),
        ),
        (
            "database: {managed: never}",
            "database.managed (KTRLPLANE_DATABASE_MANAGED) is \"never\" (from config.yaml, line 2); \
             expected true, or false for a database that another program manages and that is only \
             read here"
                .to_owned(),
        ),
        (
            "database: {poll: 500ms}",
            "database.poll (KTRLPLANE_DATABASE_POLL) is \"500ms\", which is too short (from \
             config.yaml, line 2); expected a time from 1s to 1m, such as 2s: how old what is \
             remembered of a database that is only read here may be"
                .to_owned(),
        ),
        (
            "database: {grace: 1h}",
            "database.grace (KTRLPLANE_DATABASE_GRACE) is \"1h\", which is too long (from \
             config.yaml, line 2); expected a time from 0s to 10m, such as 30s: how long what is \
             remembered serves while the database cannot be asked"
                .to_owned(),
        ),
    ] {
        assert_eq!(sentence(file, &[]), expected, "{file}");
    }
}

/// Threat 18: symmetric algorithms and `none` cannot be configured.
#[test]
fn shared_secrets_and_no_signature_are_refused_as_algorithms() {
    for (name, wrong) in [
        (
            "HS256",
            "names HS256, which is refused because its key is a shared secret",
        ),
        (
            "none",
            "names \"none\", which is no algorithm that is taken",
        ),
        ("RS256,", "names \"\", which is no algorithm that is taken"),
    ] {
        let said = sentence("", &[("KTRLPLANE_AUTH_ALGORITHMS", name)]);
        let start =
            format!("auth.algorithms (KTRLPLANE_AUTH_ALGORITHMS) {wrong} (from the environment)");
        assert!(said.starts_with(&start), "{said}");
    }
}
