//! The gateway's own metrics.

use super::*;

#[test]
fn metrics_are_served_nowhere_unless_it_is_said_where() {
    assert_eq!(good("", &[]).metrics, None);
    let given = good("metrics: {listen: \"127.0.0.1:9464\"}\n", &[]).metrics;
    assert_eq!(given, Some("127.0.0.1:9464".parse().unwrap()));
    let given = good("", &[("KTRLPLANE_METRICS_LISTEN", "[::1]:9464")]).metrics;
    assert_eq!(given, Some("[::1]:9464".parse().unwrap()));
}

#[test]
fn they_are_never_served_where_tenants_come_in() {
    for file in [
        "metrics: {listen: \"0.0.0.0:8080\"}",
        "metrics: {listen: \"127.0.0.1:8080\"}",
        "metrics: {listen: \"[::]:8080\"}",
        "metrics: {listen: \"127.0.0.1:8080\"}\nserver: {host: 127.0.0.1}",
    ] {
        let sentence = sentence(file, &[]);
        assert!(sentence.contains("where tenants come in"), "{sentence}");
    }
    let other = "metrics: {listen: \"127.0.0.2:8080\"}\nserver: {host: 127.0.0.1}\n";
    assert!(good(other, &[]).metrics.is_some());
    let any = "metrics: {listen: \"127.0.0.1:0\"}\nserver: {port: 0}\n";
    assert!(good(any, &[]).metrics.is_some());
    for wrong in ["9464", "localhost:9464", "127.0.0.1"] {
        let file = format!("metrics: {{listen: \"{wrong}\"}}");
        let sentence = sentence(&file, &[]);
        assert!(sentence.contains("which is no address"), "{sentence}");
    }
}
