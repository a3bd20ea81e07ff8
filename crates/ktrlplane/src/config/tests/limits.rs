//! What subjects and projects may use.

use std::num::{NonZeroU32, NonZeroU64};

use gateway::LimitSettings;
use gateway::directory::policy::ProjectId;
use gateway::limit::{Bounds, Quota, Rate};

use super::*;

fn rate(requests: u32, burst: u32) -> Rate {
    let number = |number| NonZeroU32::new(number).unwrap();
    Rate::per_second(number(requests), number(burst))
}

#[test]
fn limits_are_the_gateways_defaults_unless_they_are_given() {
    let all = good("server: {max_connections: 4096}\n", &[]).limits;
    assert_eq!(all, LimitSettings::default());
    let file = "limits:\n  subject: {requests_per_second: 10, queries: 4, in_flight: 9}\n  \
                project: {bytes_per_minute: 1GiB, burst: 5000}\n  \
                queue: {timeout: 30s, length: 7}\n  \
                query: {max_range: 30d, min_step: 15s, max_points: off}\n";
    let limits = good(
        file,
        &[("KTRLPLANE_LIMITS_SUBJECT_BYTES_PER_MINUTE", "off")],
    )
    .limits;
    assert_eq!(
        limits.subject,
        Quota {
            in_flight: NonZeroU32::new(9),
            requests: Some(rate(10, 20)),
            queries: NonZeroU32::new(4),
            bytes_per_minute: None,
        }
    );
    assert_eq!(limits.project.requests, Some(rate(1000, 5000)));
    assert_eq!(limits.project.bytes_per_minute, NonZeroU64::new(1 << 30));
    assert_eq!(limits.queue.timeout, Duration::from_secs(30));
    assert_eq!(limits.queue.length, 7);
    assert_eq!(
        limits.query,
        Bounds {
            max_range: Some(Duration::from_hours(720)),
            min_step: Some(Duration::from_secs(15)),
            max_points: None,
        }
    );
}

#[test]
fn each_limit_may_be_switched_off() {
    let off = "requests_per_second: off, queries: off, bytes_per_minute: OFF";
    let file = format!(
        "limits: {{subject: {{{off}, in_flight: off}}, project: {{{off}}}, \
         query: {{max_points: \"off\"}}}}\n"
    );
    assert_eq!(good(&file, &[]).limits, LimitSettings::off());
}

#[test]
fn a_subject_takes_an_eighth_of_the_connections_unless_it_is_said_how_many() {
    let of = |file: &str| good(file, &[]).limits.subject.in_flight;
    assert_eq!(
        of("server: {max_connections: 1000}\n"),
        NonZeroU32::new(125)
    );
    assert_eq!(of("server: {max_connections: 10}\n"), NonZeroU32::new(8));
    let both = "server: {max_connections: 1000}\nlimits: {subject: {in_flight: 700}}\n";
    assert_eq!(of(both), NonZeroU32::new(700));
    assert_eq!(of("limits: {subject: {in_flight: Off}}\n"), None);
}

#[test]
fn a_project_has_limits_of_its_own_and_otherwise_those_of_all() {
    let file = "limits:\n  project: {burst: 3000}\n  projects:\n    \
                - acme-shop queries=200 bytes_per_minute=off\n    \
                - \"acme-lab: requests_per_second=5 max_range=1d max_points=off\"\n    \
                - acme-old burst=9 requests_per_second=3\n";
    let all = good("limits: {project: {burst: 3000}}\n", &[]).limits;
    let text = "acme-shop queries=200 bytes_per_minute=off, \
                acme-lab: requests_per_second=5 max_range=1d max_points=off,\
                acme-old burst=9 requests_per_second=3";
    let from_file = good(file, &[]).limits;
    let from_environment = good(
        "limits: {project: {burst: 3000}}\n",
        &[("KTRLPLANE_LIMITS_PROJECTS", text)],
    );
    assert_eq!(from_file, from_environment.limits);
    let of = |id| from_file.projects[&ProjectId::new(id).unwrap()];
    let shop = Quota {
        queries: NonZeroU32::new(200),
        bytes_per_minute: None,
        ..all.project
    };
    assert_eq!(of("acme-shop"), (shop, all.query));
    // A burst belongs to its rate.
    let lab = Quota {
        requests: Some(rate(5, 10)),
        ..all.project
    };
    let day = Bounds {
        max_range: Some(Duration::from_hours(24)),
        ..Bounds::UNLIMITED
    };
    assert_eq!(of("acme-lab"), (lab, day));
    assert_eq!(of("acme-old").0.requests, Some(rate(3, 9)));
    assert_eq!(from_file.projects.len(), 3);
}

#[test]
fn what_is_wrong_with_limits_is_said() {
    for (file, wrong) in [
        (
            "limits: {subject: {requests_per_second: 0}}",
            "limits.subject.requests_per_second (KTRLPLANE_LIMITS_SUBJECT_REQUESTS_PER_SECOND) is \"0\" \
             (from config.yaml, line 2); expected a number from 1 to 1000000, or off",
        ),
        (
            "limits: {subject: {requests_per_second: off, burst: 5}}",
            "limits.subject.burst (KTRLPLANE_LIMITS_SUBJECT_BURST) is given, and \
             limits.subject.requests_per_second is off",
        ),
        ("limits: {project: {queries: -1}}", "is \"-1\""),
        ("limits: {subject: {in_flight: 0}}", "is \"0\""),
        (
            "limits: {projects: [acme-shop in_flight=5]}",
            "says \"in_flight=5\"",
        ),
        ("limits: {project: {bytes_per_minute: 12}}", "is \"12\""),
        ("limits: {query: {max_range: 10}}", "is \"10\""),
        ("limits: {query: {max_points: many}}", "is \"many\""),
        ("limits: {queue: {timeout: 10m}}", "which is too long"),
        ("limits: {queue: {length: off}}", "is \"off\""),
        (
            "limits: {projects: [acme_shop queries=1]}",
            "begins an entry with \"acme_shop\", which is no id",
        ),
        (
            "limits: {projects: [acme-shop quries=1]}",
            "says \"quries=1\" of acme-shop",
        ),
        (
            "limits: {projects: [acme-shop queries=0]}",
            "says \"queries=0\" of acme-shop",
        ),
        (
            "limits: {projects: [acme-shop]}",
            "says nothing about acme-shop",
        ),
        (
            "limits: {projects: [a queries=1 queries=2]}",
            "names queries twice for a",
        ),
        (
            "limits: {projects: [a queries=1, a burst=1]}",
            "names a twice",
        ),
    ] {
        let sentence = sentence(&format!("{file}\n"), &[]);
        assert!(sentence.contains(wrong), "{file}: {sentence}");
    }
}

#[test]
fn a_map_where_a_list_belongs_is_refused_with_the_key_and_its_form() {
    let sentences = sentences("limits: {projects: {acme-shop: {queries: 3}}}\n", &[]);
    let sentence = &sentences[0];
    assert!(sentence.contains("limits.projects"), "{sentence}");
    assert!(
        sentence.contains("a list, or a text with commas"),
        "{sentence}"
    );
}
