//! What is shown of a configuration, and what never is.

use super::*;

/// Threat 25: no secret in an error.
#[test]
fn no_sentence_quotes_a_secret() {
    for file in [
        "observability: {loki: {url: \"http://u:hunter2@:99999\"}}",
        "observability: {loki: {url: \"http://u:hun ter2@loki:99999/\"}}",
        "observability: {loki: {url: \"http://u:hunter2@loki/#x\"}}",
        "database: {url: \"postgress://u:hunter2@db/d\"}",
        "database: {url: \"postgres://u:hunter2@db:99999/d\"}",
        "database: {host: db, password: hunter2}",
        "database: {password: [hunter2]}",
        "database: {host: db, user: k, dbname: d, password: hunter2, password_file: /x}",
        "database: {url: \"postgres://u:hunter2@db/d\", password_file: /x}",
        "database: {url: \"postgres://u@db/d?password=hunter2\", password_file: /x}",
        "database: {passwort: hunter2}",
        "observability: {loki: {bearer_token: \"hunter2 x\"}}",
        "observability: {loki: {bearer_token: hunter2, bearer_token_file: /x}}",
        "observability: {loki: {password: hunter2}}",
        "observability: {loki: {username: u, password: hunter2, password_file: /x}}",
        "observability: {loki: {url: \"http://u:hunter2@loki\", bearer_token: hunter2}}",
    ] {
        let said = sentences(&format!("{AUTH}{file}"), &[]).join("\n");
        assert!(!said.is_empty(), "{file}");
        assert!(
            !said.contains("hunter2") && !said.contains("ter2"),
            "{said}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "all keys are shown")]
fn the_configuration_is_shown_with_sources_and_without_secrets() {
    let file = "observability: {loki: {enabled: true, url: \"http://u:hunter2@loki:3100\"}, \
                mimir: {bearer_token: hunter2, tls: {ca_file: ca.pem}}}\n\
                database: {host: db, user: k, password: hunter2, dbname: d}\n";
    let (layers, _) = layered(
        &format!("{AUTH}{file}"),
        &[("KTRLPLANE_SERVER_HOST", "127.0.0.1")],
    );
    insta::assert_snapshot!(show(&layers), @r#"
    observability:
      loki:
        enabled: true  # config.yaml, line 2
        url: "http://u:***@loki:3100"  # config.yaml, line 2
        # urls:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_URLS)
        timeout: 2m  # default
        tenant_header: "X-Scope-OrgID"  # default
        policy: true  # default
        # username:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_USERNAME)
        # password:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_PASSWORD)
        # password_file:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_PASSWORD_FILE)
        # bearer_token:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_BEARER_TOKEN)
        # bearer_token_file:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_BEARER_TOKEN_FILE)
        tls:
          # ca_file:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_TLS_CA_FILE)
          # cert_file:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_TLS_CERT_FILE)
          # key_file:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_TLS_KEY_FILE)
          # server_name:  # not set (KTRLPLANE_OBSERVABILITY_LOKI_TLS_SERVER_NAME)
        max_lines: 5000  # default
      mimir:
        enabled: false  # default
        # url:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_URL)
        # urls:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_URLS)
        timeout: 2m  # default
        tenant_header: "X-Scope-OrgID"  # default
        policy: true  # default
        # username:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_USERNAME)
        # password:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_PASSWORD)
        # password_file:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_PASSWORD_FILE)
        bearer_token: "***"  # config.yaml, line 2
        # bearer_token_file:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_BEARER_TOKEN_FILE)
        tls:
          ca_file: ca.pem  # config.yaml, line 2
          # cert_file:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_TLS_CERT_FILE)
          # key_file:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_TLS_KEY_FILE)
          # server_name:  # not set (KTRLPLANE_OBSERVABILITY_MIMIR_TLS_SERVER_NAME)
    server:
      host: 127.0.0.1  # environment, KTRLPLANE_SERVER_HOST
      port: 8080  # default
      tls:
        # certificate:  # not set (KTRLPLANE_SERVER_TLS_CERTIFICATE)
        # key:  # not set (KTRLPLANE_SERVER_TLS_KEY)
        min_version: 1.2  # default
        # client_ca:  # not set (KTRLPLANE_SERVER_TLS_CLIENT_CA)
        # client_certificates: required  # default
      # max_connections:  # not set (KTRLPLANE_SERVER_MAX_CONNECTIONS)
      header_timeout: 10s  # default
      idle_timeout: 1m15s  # default
      body_timeout: 30s  # default
      send_timeout: 1m  # default
      max_head_bytes: 64KiB  # default
      max_uri_bytes: 63KiB  # default
      drain: 1s  # default
    auth:
      issuer: "https://idp.example/"  # config.yaml, line 1
      audience: api  # config.yaml, line 1
      algorithms: RS256  # default
    database:
      host: db  # config.yaml, line 3
      port: 5432  # default
      user: k  # config.yaml, line 3
      password: "***"  # config.yaml, line 3
      # password_file:  # not set (KTRLPLANE_DATABASE_PASSWORD_FILE)
      dbname: d  # config.yaml, line 3
      sslmode: prefer  # default
      managed: true  # default
      poll: 2s  # default
      grace: 0s  # default
    audit:
      output: stdout  # default
      queries: hash  # default
    management:
      create: anyone  # default
      # reserved:  # not set (KTRLPLANE_MANAGEMENT_RESERVED)
    ingest:
      max_body_bytes: 10MiB  # default
      max_decompressed_bytes: 32MiB  # default
      max_streams: 50000  # default
      max_entries: 200000  # default
      max_labels: 40  # default
      max_label_name_bytes: 1KiB  # default
      max_label_value_bytes: 2KiB  # default
      max_line_bytes: 256KiB  # default
      # max_age:  # not set (KTRLPLANE_INGEST_MAX_AGE)
      max_ahead: 10m  # default
      # rate_bytes:  # not set (KTRLPLANE_INGEST_RATE_BYTES)
      # burst_bytes:  # not set (KTRLPLANE_INGEST_BURST_BYTES)
      in_flight_bytes: 512MiB  # default
      # project_in_flight_bytes:  # not set (KTRLPLANE_INGEST_PROJECT_IN_FLIGHT_BYTES)
    limits:
      subject:
        # in_flight:  # not set (KTRLPLANE_LIMITS_SUBJECT_IN_FLIGHT)
        requests_per_second: 500  # default
        # burst:  # not set (KTRLPLANE_LIMITS_SUBJECT_BURST)
        queries: 64  # default
        bytes_per_minute: 8GiB  # default
      project:
        requests_per_second: 1000  # default
        # burst:  # not set (KTRLPLANE_LIMITS_PROJECT_BURST)
        queries: 128  # default
        bytes_per_minute: 16GiB  # default
      queue:
        timeout: 10s  # default
        length: 512  # default
      query:
        max_range: off  # default
        min_step: off  # default
        max_points: 11000  # default
      # projects:  # not set (KTRLPLANE_LIMITS_PROJECTS)
    explore:
      # client_id:  # not set (KTRLPLANE_EXPLORE_CLIENT_ID)
      scopes: "openid,profile,offline_access"  # default
      # contact:  # not set (KTRLPLANE_EXPLORE_CONTACT)
    metrics:
      # listen:  # not set (KTRLPLANE_METRICS_LISTEN)
    traces:
      # endpoint:  # not set (KTRLPLANE_TRACES_ENDPOINT)
      sample_ratio: 0.1  # default
      callers_decide: true  # default
    log:
      level: info  # default
    embedded:
      directory: "ktrlplane-data"  # default
      retention:
        age: 7d  # default
        size: 10GiB  # default
    "#);
    // What is shown is a configuration again.
    let mut again = Layers::default();
    let mut problems = Vec::new();
    again.add_file(Path::new("config.yaml"), &show(&layers), &mut problems);
    assert_eq!(problems, []);
    assert!(check(&again).is_ok());
}
