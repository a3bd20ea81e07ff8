//! What writes may hold, and what the embedded backend keeps.

use super::*;

#[test]
fn what_a_write_may_hold_is_the_gateways_default_unless_it_is_given() {
    use gateway::ingest::Limits;
    assert_eq!(good("", &[]).ingest, Limits::default());
    let given = good("ingest: {max_age: 7d, rate_bytes: 1000000}\n", &[]).ingest;
    assert_eq!(given.max_age, Some(Duration::from_hours(168)));
    let rate = given.rate.unwrap();
    assert_eq!(rate.bytes_per_second.get(), 1_000_000);
    // As much as a batch may hold, so that none is refused for ever.
    assert_eq!(rate.burst.get(), 32 << 20);
    let given = good("ingest: {in_flight_bytes: 1GiB}\n", &[]).ingest;
    assert_eq!((given.room, given.project_room), (1 << 30, 256 << 20));
    let shares = "ingest: {in_flight_bytes: 200000000, project_in_flight_bytes: 100000000}\n";
    let given = good(shares, &[]).ingest;
    assert_eq!((given.room, given.project_room), (200_000_000, 100_000_000));
    for (file, wrong) in [
        ("ingest: {max_labels: 0}", "is \"0\""),
        (
            "ingest: {in_flight_bytes: 200000000}",
            "of which each project has a quarter, which is less than twice \
             ingest.max_decompressed_bytes (from config.yaml, line 2); expected at least 256MiB \
             (eight times ingest.max_decompressed_bytes), or ingest.project_in_flight_bytes beside \
             it",
        ),
        (
            "ingest: {project_in_flight_bytes: 67108863}",
            "is \"67108863\", which is less than twice ingest.max_decompressed_bytes (from config.yaml, \
             line 2); expected at least 64MiB (twice ingest.max_decompressed_bytes)",
        ),
        (
            "ingest: {project_in_flight_bytes: 536870913}",
            "which is more than ingest.in_flight_bytes (from config.yaml, line 2); expected at most \
             512MiB (ingest.in_flight_bytes)",
        ),
        (
            "ingest: {burst_bytes: 1}",
            "is given without ingest.rate_bytes",
        ),
        (
            "ingest: {rate_bytes: 1, burst_bytes: 1}",
            "is \"1\", which is less than ingest.max_decompressed_bytes (from config.yaml, line 2); \
             expected at least 32MiB (ingest.max_decompressed_bytes)",
        ),
        (
            "ingest: {max_ahead: soon}",
            "is \"soon\", which is no time with a unit",
        ),
    ] {
        let sentence = sentence(file, &[]);
        assert!(sentence.contains(wrong), "{sentence}");
    }
}

#[test]
fn embedded_data_is_kept_in_a_directory_for_a_week_unless_something_else_is_said() {
    let kept = good("", &[]).embedded;
    assert_eq!(kept.place, Place::Directory("ktrlplane-data".into()));
    assert_eq!(kept.age, Duration::from_hours(7 * 24));
    assert_eq!(kept.size, Some(10 << 30));
    let file = "embedded: {directory: /var/lib/k, retention: {age: 1d12h, size: off}}\n";
    let kept = good(file, &[]).embedded;
    assert_eq!(kept.place, Place::Directory("/var/lib/k".into()));
    assert_eq!(kept.age, Duration::from_hours(36));
    assert_eq!(kept.size, None);
    let variables = [
        ("KTRLPLANE_EMBEDDED_DIRECTORY", "memory"),
        ("KTRLPLANE_EMBEDDED_RETENTION_SIZE", "67108864"),
    ];
    let kept = good(file, &variables).embedded;
    assert_eq!(kept.place, Place::Memory);
    assert_eq!(kept.size, Some(1 << 26));
    for (file, expected) in [
        (
            "embedded: {retention: {age: 10m}}",
            "embedded.retention.age (KTRLPLANE_EMBEDDED_RETENTION_AGE) is \"10m\", which is too \
             short (from config.yaml, line 2); expected a time from 1h to 36500d, such as 7d: how \
             long data is kept",
        ),
        (
            "embedded: {retention: {size: 1GB}}",
            "embedded.retention.size (KTRLPLANE_EMBEDDED_RETENTION_SIZE) is \"1GB\" (from \
             config.yaml, line 2); expected a size from 64MiB to 1PiB, such as 10GiB, or off: how \
             much of each project is kept",
        ),
    ] {
        assert_eq!(sentence(file, &[]), expected);
    }
}
