//! Go's text templates, as `line_format` and `label_format` have them.
//!
//! All of the language, with the functions that Loki documents. A label that is not there prints nothing; a function that does not exist is an error
//! when the query is read; what goes wrong with one line is an error of that line.

mod call;
mod compare;
mod decimal;
mod element;
mod method;
mod parse;
mod print;
mod run;
mod signature;
mod text;
mod time;
mod tree;
mod value;

use std::collections::HashMap;

use super::labels::LineLabels;
use crate::limits::EvalError;
use crate::regexes;
use tree::{Arg, Definitions, Node};

/// A template, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// What Go would call the template in errors.
    name: &'static str,
    source: String,
    nodes: Vec<Node>,
    definitions: Definitions,
    /// The patterns that stand in the template as they are.
    regexes: HashMap<String, regex::Regex>,
    /// The label, where the template is nothing but one.
    only_label: Option<String>,
    now_ns: i64,
}

impl Template {
    /// Reads a template. `now_ns` is the time that it takes for the present.
    pub(crate) fn new(name: &'static str, source: &str, now_ns: i64) -> Result<Self, EvalError> {
        let (nodes, definitions) = parse::parse(name, source).map_err(|fault| match fault {
            parse::Fault::Invalid(why) => {
                EvalError::Invalid(format!("parse error : invalid {name} template: {why}"))
            }
            parse::Fault::Unsupported(why) => {
                EvalError::Unsupported(format!("{name} template: {why}"))
            }
        })?;
        let mut regexes = HashMap::new();
        for nodes in definitions.values().chain([&nodes]) {
            tree::visit_arguments(nodes, &mut |arg| {
                if let Arg::Pattern(pattern) = arg
                    && let Ok(regex) = regexes::unanchored(pattern)
                {
                    regexes.insert(pattern.clone(), regex);
                }
            });
        }
        let only_label = tree::only_field(&nodes);
        Ok(Self {
            name,
            source: source.to_owned(),
            nodes,
            definitions,
            regexes,
            only_label,
            now_ns,
        })
    }

    /// The labels that the template names.
    pub(crate) fn collect_fields(&self, into: &mut Vec<String>) {
        for nodes in self.definitions.values().chain([&self.nodes]) {
            tree::visit_arguments(nodes, &mut |arg| {
                if let Arg::Field(path) = arg {
                    into.extend(path.iter().cloned());
                }
            });
        }
    }

    /// What the template makes of a line and its labels.
    pub(crate) fn format(
        &self,
        time_ns: i64,
        line: &str,
        labels: &LineLabels<'_>,
    ) -> Result<String, String> {
        if let Some(label) = &self.only_label {
            return Ok(labels.get(label).unwrap_or_default().to_owned());
        }
        self.format_fields(time_ns, line, &labels.pairs())
    }

    /// What the template makes of a line and these labels.
    pub(crate) fn format_fields(
        &self,
        time_ns: i64,
        line: &str,
        fields: &[(String, String)],
    ) -> Result<String, String> {
        run::run(
            self,
            &run::Input {
                time_ns,
                line,
                fields,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(source: &str) -> Result<String, String> {
        let fields = [
            ("method", "get"),
            ("n", "12.5"),
            ("j", r#"{"a":{"b":[1,"x"]}}"#),
            ("t", "a b"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let template =
            Template::new("line", source, 7_000_000_000).map_err(|error| error.to_string())?;
        template.format_fields(1_793_491_237_600_000_000, "the line", &fields)
    }

    #[test]
    #[allow(clippy::too_many_lines)] // cases
    fn templates_print_what_go_prints() {
        let cases = [
            ("plain", "plain"),
            ("{{.method}} {{ .missing }}|", "get |"),
            ("{{ .method | upper | printf \"%-5s|\" }}", "GET  |"),
            ("a {{- .method -}} b", "agetb"),
            ("{{/* no */}}x", "x"),
            (
                "{{ if eq .method \"get\" \"put\" }}A{{ else }}B{{ end }}",
                "A",
            ),
            (
                "{{ if .missing }}A{{ else if hasPrefix \"g\" .method }}B{{ end }}",
                "B",
            ),
            ("{{ with .method }}{{ . }}!{{ end }}", "get!"),
            (
                "{{ $x := .method }}{{ $x }}{{ $x = \"y\" }}{{ $x }}",
                "gety",
            ),
            ("{{ with $x := fromJson .j }}{{ $x.a.b }}{{ end }}", "[1 x]"),
            (
                "{{ range $i, $e := (fromJson .j).a.b }}{{ $i }}={{ $e }};{{ end }}",
                "0=1;1=x;",
            ),
            ("{{ index (fromJson .j) \"a\" \"b\" 1 }}", "x"),
            (
                "{{ add 1 2 .missing }} {{ mulf 1.1 .n }} {{ addf 0.1 0.2 }}",
                "3 13.75 0.3",
            ),
            (
                "{{ div 7 2 }} {{ mod 7 2 }} {{ divf 1 3 }}",
                "3 1 0.3333333333333333",
            ),
            (
                "{{ round 2.345 2 }} {{ ceil 1.2 }} {{ int \"7\" }} {{ max 1 5 3 }}",
                "2.35 2 7 5",
            ),
            (
                "{{ printf \"%05d|%.2f|%q|%v|%x|%%\" 42 1.5 \"a\" true \"hi\" }}",
                "00042|1.50|\"a\"|true|6869|%",
            ),
            ("{{ printf \"%d\" .method }}", "%!d(string=get)"),
            (
                "{{ default \"-\" .missing }}{{ not .missing }}{{ and .method \"x\" }}",
                "-truex",
            ),
            (
                "{{ lt 1 2 }} {{ ge \"b\" \"a\" }} {{ len .method }}",
                "true true 3",
            ),
            (
                "{{ Replace .t \"a\" \"b\" -1 }} {{ title .t }} {{ trunc -1 .t }}",
                "b b A B b",
            ),
            (
                "{{ __timestamp__ | date \"Mon Jan _2 15:04:05.000 2006\" }}",
                "Sun Nov  1 00:00:37.600 2026",
            ),
            (
                "{{ __timestamp__ | unixEpochMillis }} {{ unixEpoch (toDate \"2006-01-02\" \"2026-11-01\") }}",
                "1793491237600 1793491200",
            ),
            ("{{ bytes \"2KiB\" }} {{ duration \"1m30s\" }}", "2048 90"),
            (
                "{{ urldecode \"a%20b\" }} {{ b64dec \"aGk=\" }} {{ trimAll \"$\" \"$5$\" }}",
                "a b hi 5",
            ),
            ("{{ print 1 2 \"x\" 3 }}{{ true }}", "1 2x3true"),
            (
                "{{ regexReplaceAll \"(a+)b\" \"aab\" \"${1}-\" }} {{ count \"a\" \"banana\" }}",
                "aa- 3",
            ),
            (
                "{{ alignRight 5 .method }}|{{ alignLeft 2 .method }}|{{ __line__ }}",
                "  get|ge|the line",
            ),
            ("{{ slice .method 1 2 }}", "e"),
            ("{{ unixEpoch now }}", "7"),
            (
                "{{ .n | float64 | mulf 1e6 }} {{ bytes \"3MB\" }}",
                "1.25e+07 3e+06",
            ),
            (
                "{{ round (addf 1.5 1.5 | subf 3.5 | mulf 10.5 | divf 20.4) 5 .2 }}",
                "3.88572",
            ),
            (
                "{{ trimAll \"op\" \"blop\" }}{{ \"a\\n b\" | indent 1 }}",
                "bl a\n  b",
            ),
            (
                "{{ b64dec \"Zm9vYmE\" }} {{ \"2.5\" | float64 | int | add 10 }}",
                "fooba 12",
            ),
            (
                "{{ \"2023-03-10T01:32:40.340485723Z\" | toDateInZone \"2006-01-02T15:04:05.999999999Z\" \"UTC\" | unixEpochNanos }}",
                "1678411960340485723",
            ),
            (
                "{{define \"t\"}}<{{.}}{{$}}>{{end}}{{template \"t\" .method}}{{template \"t\" 2 | add 1}}",
                "<getget><33>",
            ),
            ("{{ block \"b\" .method }}({{ . }}){{ end }}", "(get)"),
            (
                "{{ __timestamp__.Unix }} {{ (__timestamp__).Month }} {{ __timestamp__.Weekday | printf \"%d\" }}",
                "1793491237 November 0",
            ),
            (
                "{{ (__timestamp__.Add 1500000000).Format \"05.000\" }} {{ __timestamp__.AddDate 0 1 30 }}",
                "39.100 2026-12-31 00:00:37.6 +0000 UTC",
            ),
            (
                "{{ $d := __timestamp__.Sub (unixToTime \"1793480000\") }}{{ $d }} {{ $d.Minutes }} {{ ($d.Round 3600000000000).String }}",
                "3h7m17.6s 187.29333333333332 3h0m0s",
            ),
            (
                "{{ with __timestamp__.Truncate 60000000000 }}{{ .Format \"15:04:05\" }} {{ .Before now }}{{ end }}",
                "00:00:00 false",
            ),
        ];
        for (source, wanted) in cases {
            assert_eq!(format(source).as_deref(), Ok(wanted), "{source}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for source in [
            "{{ nofunction .x }}",
            "{{ if }}",
            "{{ .x",
            "{{ end }}",
            "{{ define x }}{{ end }}",
            "{{ define \"x\" }}1{{ end }}{{ define \"x\" }}2{{ end }}",
            "{{ if true }}{{ define \"x\" }}1{{ end }}{{ end }}",
            "{{ $y }}",
            "{{ 1 | 2 }}",
            "{{ /* x */ }}",
        ] {
            assert!(
                Template::new("line", source, 7_000_000_000).is_err(),
                "{source}"
            );
        }
    }

    #[test]
    fn what_goes_wrong_with_a_line_is_told_in_gos_words() {
        let cases = [
            (
                "{{.foo Replace \"foo\"}}",
                "template: line:1:2: executing \"line\" at <.foo>: foo is not a method but has arguments",
            ),
            (
                "{{ __timestamp__.Year 1 }}",
                "template: line:1:3: executing \"line\" at <__timestamp__>: wrong number of args for Year: want 0 got 1",
            ),
            (
                "{{ (__timestamp__).Add \"1s\" }}",
                "template: line:1:23: executing \"line\" at <\"1s\">: expected integer; found \"1s\"",
            ),
            (
                "{{ define \"t\" }}{{ index . 5 }}{{ end }}{{ template \"t\" .method }}",
                "template: line:1:19: executing \"t\" at <index . 5>: error calling index: index out of range: 5",
            ),
            (
                "{{ template \"nope\" . }}",
                "template: line:1:12: executing \"line\" at <{{template \"nope\" .}}>: template \"nope\" not defined",
            ),
            (
                "{{.foo | now}}",
                "template: line:1:9: executing \"line\" at <now>: wrong number of args for now: want 0 got 1",
            ),
            (
                "x{{ div 1 0 }}",
                "template: line:1:4: executing \"line\" at <div 1 0>: error calling div: runtime error: integer divide by zero",
            ),
            (
                "{{ urldecode \"%\" }}",
                "template: line:1:3: executing \"line\" at <urldecode \"%\">: error calling urldecode: invalid URL escape \"%\"",
            ),
            (
                "{{ upper 1 }}",
                "template: line:1:9: executing \"line\" at <1>: expected string; found 1",
            ),
        ];
        for (source, wanted) in cases {
            assert_eq!(format(source), Err(wanted.to_owned()), "{source}");
        }
    }

    #[test]
    fn a_template_neither_runs_nor_grows_without_end() {
        for source in [
            "{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}",
            "{{ $x := \"ab\" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}",
            "{{ $x := repeat 1000000 \"a\" }}{{ regexReplaceAll \"a\" $x $x }}",
            "{{ $x := repeat 1000000 \"a\" }}{{ replace \"a\" $x $x }}",
            "{{ printf \"%999999999d\" 1 }}",
            "{{ define \"t\" }}{{ template \"t\" }}{{ end }}{{ template \"t\" }}",
        ] {
            assert!(format(source).is_err(), "{source}");
        }
    }
}
