//! Traces.

use super::*;

#[test]
fn there_are_no_traces_unless_it_is_said_where_they_go() {
    use gateway::TraceSettings;
    assert_eq!(good("", &[]).traces, None);
    assert_eq!(good("traces: {sample_ratio: 1}\n", &[]).traces, None);
    let url = || "http://collector:4318".parse().unwrap();
    let given = good("traces: {endpoint: \"http://collector:4318\"}\n", &[]).traces;
    assert_eq!(given, Some(TraceSettings::new(url(), 0.1)));
    let variables = [
        ("KTRLPLANE_TRACES_ENDPOINT", "http://collector:4318"),
        ("KTRLPLANE_TRACES_SAMPLE_RATIO", "0.25"),
    ];
    let given = good("", &variables).traces;
    assert_eq!(given, Some(TraceSettings::new(url(), 0.25)));
    let file = "traces: {endpoint: \"http://collector:4318\", callers_decide: false}\n";
    let own = TraceSettings::new(url(), 0.1).without_callers_decision();
    assert_eq!(good(file, &[]).traces, Some(own));
    for (file, wrong) in [
        ("traces: {endpoint: \"collector:4318\"}", "is no such URL"),
        (
            "traces: {endpoint: \"http://a:secret@collector\"}",
            "is no such URL",
        ),
        (
            "traces: {endpoint: \"http://collector/?key=secret\"}",
            "is no such URL",
        ),
        ("traces: {callers_decide: perhaps}", "\"perhaps\""),
        ("traces: {sample_ratio: 2}", "is \"2\""),
        ("traces: {sample_ratio: NaN}", "is \"NaN\""),
    ] {
        let sentence = sentence(file, &[]);
        assert!(sentence.contains(wrong), "{sentence}");
        assert!(!sentence.contains("secret"), "{sentence}");
    }
}
