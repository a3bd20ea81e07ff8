//! How much is logged.

use tracing::Level;

use super::*;

#[test]
fn info_and_worse_is_logged_unless_it_is_told_otherwise() {
    for (text, gateway, others) in [
        ("", Level::INFO, Level::INFO),
        ("log: {level: debug}", Level::DEBUG, Level::DEBUG),
        ("log: {level: \"Warn\"}", Level::WARN, Level::WARN),
        ("log: {level: gateway=debug}", Level::DEBUG, Level::INFO),
        (
            "log: {level: \"error, gateway=info\"}",
            Level::INFO,
            Level::ERROR,
        ),
        (
            "log: {level: [warn, gateway=trace]}",
            Level::TRACE,
            Level::WARN,
        ),
    ] {
        let log = good(text, &[]).log;
        let levels = [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ];
        for level in levels {
            assert_eq!(
                log.would_enable("gateway::door", &level),
                level <= gateway,
                "{text}"
            );
            assert_eq!(
                log.would_enable("directory", &level),
                level <= others,
                "{text}"
            );
        }
    }
    let off = good("", &[("KTRLPLANE_LOG_LEVEL", "off")]).log;
    assert!(!off.would_enable("gateway", &Level::ERROR));
}

#[test]
fn a_slip_in_a_level_is_no_name_of_a_part() {
    for (level, wrong) in [
        ("infoo", "has \"infoo\", which is no level"),
        ("gateway", "has \"gateway\", which is no level"),
        (
            "\"info,gateway=debg\"",
            "has \"gateway=debg\", which is no level",
        ),
        ("\"info,debug\"", "which has two levels for everything"),
    ] {
        let sentence = sentence(&format!("log: {{level: {level}}}"), &[]);
        assert!(
            sentence.starts_with("log.level (KTRLPLANE_LOG_LEVEL) "),
            "{sentence}"
        );
        assert!(sentence.contains(wrong), "{sentence}");
    }
}
