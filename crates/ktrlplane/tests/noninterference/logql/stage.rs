//! Pipelines.

use gateway::query::Text;
use gateway::query::logql::ast::{
    Extraction, LabelFormat, LabelOrMatcher, LineFilter, LineMatch, LineOp, Logfmt, Stage,
};

use super::{FormatKind, ItemKind, LineOpKind, Logql, MatchKind, StageKind};
use crate::matchers::matcher;
use crate::vocabulary::{Format, RESOURCE};

/// Labels that lines have once they are parsed, and those that they have before.
pub(super) const FIELDS: &[&str] = &[
    RESOURCE,
    "resource_id_extracted",
    "level",
    "level_extracted",
    "status",
    "method",
    "path",
    "app",
    "pod",
    "env",
    "trace_id",
    "user_id",
    "msg",
    "__error__",
];

const TEMPLATES: &[&str] = &[
    "{{.resource_id}}",
    "{{.app}}/{{.pod}} {{.resource_id}}",
    "{{.resource_id_extracted}}:{{.status}}",
    "{{if eq .resource_id \"shop-api\"}}mine{{else}}foreign{{end}}",
    "{{ __line__ | trunc 20 }} {{ .level | ToUpper }}",
    "{{ .method | default \"none\" }} {{ .resource_id | replace \"shop\" \"s\" }}",
    "{{ __timestamp__ | unixEpoch }} {{ len .msg }}",
];

impl Logql<'_> {
    /// Some stages, in so many of a hundred begun by what lines of this format are parsed by.
    pub(super) fn stages(&mut self, format: Option<Format>, parsed: u32) -> Vec<Stage> {
        let mut stages = Vec::new();
        if let Some(format) = format
            && self.dice.chance(parsed)
        {
            stages.extend(self.parser(format));
        }
        let more = self
            .dice
            .weighted(&[0, 1, 2, 3], |count| if count == 3 { 1 } else { 2 });
        for _ in 0..more {
            let stage = self.stage();
            Self::push(&mut stages, stage);
        }
        stages
    }

    fn push(stages: &mut Vec<Stage>, stage: Stage) {
        // Behind `drop a`, a filter that begins with `!=` would be read as the label's.
        let after_label = match stages.last() {
            Some(Stage::Drop(items) | Stage::Keep(items)) => {
                matches!(items.last(), Some(LabelOrMatcher::Label(_)))
            }
            Some(
                Stage::Line(_)
                | Stage::Json(_)
                | Stage::Logfmt(_)
                | Stage::Regexp(_)
                | Stage::Pattern(_)
                | Stage::Unpack
                | Stage::Decolorize
                | Stage::Label(_)
                | Stage::LineFormat(_)
                | Stage::LabelFormat(_),
            )
            | None => false,
        };
        let is_line = matches!(stage, Stage::Line(_));
        if after_label && is_line {
            stages.push(Stage::Decolorize);
        }
        stages.push(stage);
    }

    /// What reads lines of this format.
    fn parser(&mut self, format: Format) -> Vec<Stage> {
        let access = "<ip> - <user_id> \"<method> <path>\" <status> <bytes> <took>ms<_>";
        let coloured =
            "(?P<level>[a-z]+).* (?P<method>[A-Z]+) (?P<path>\\S+) took (?P<took>\\d+)ms";
        let logfmt = Stage::Logfmt(Logfmt::default());
        let stages = match format {
            Format::Json => vec![Stage::Json(Vec::new())],
            Format::Logfmt => vec![logfmt],
            Format::Access => vec![Stage::Pattern(access.into())],
            Format::Packed if self.dice.chance(60) => vec![Stage::Unpack, logfmt],
            Format::Packed => vec![Stage::Unpack],
            Format::Coloured => vec![Stage::Decolorize, Stage::Regexp(coloured.into())],
        };
        for stage in &stages {
            self.census.saw(StageKind::of(stage));
        }
        stages
    }

    fn stage(&mut self) -> Stage {
        let kind = self.dice.weighted(StageKind::ALL, |kind| match kind {
            StageKind::Line | StageKind::Label => 10,
            StageKind::Regexp | StageKind::Pattern | StageKind::Unpack | StageKind::Decolorize => 1,
            StageKind::Json
            | StageKind::Logfmt
            | StageKind::LineFormat
            | StageKind::LabelFormat
            | StageKind::Drop
            | StageKind::Keep => 3,
        });
        self.census.saw(kind);
        match kind {
            StageKind::Line => Stage::Line(self.line_filter()),
            StageKind::Json => Stage::Json(self.extractions(&[
                ("user", "user.id"),
                ("tag", "user.tags[0]"),
                (RESOURCE, "resource_id"),
                ("code", "status"),
                ("odd", "[\"msg\"]"),
            ])),
            StageKind::Logfmt => Stage::Logfmt(Logfmt {
                strict: self.dice.chance(15),
                keep_empty: self.dice.chance(30),
                extractions: self.extractions(&[
                    (RESOURCE, "resource_id"),
                    ("code", "status"),
                    ("message", "msg"),
                ]),
            }),
            StageKind::Regexp => {
                let patterns = [
                    "(?P<first>\\w+)",
                    "order (?P<user_id>\\d)",
                    "(?P<resource_id>shop-\\w+)",
                ];
                Stage::Regexp(self.dice.pick(&patterns).into())
            }
            StageKind::Pattern => {
                let patterns = [
                    "<first> <_>",
                    "<_>resource_id=<resource_id> <_>",
                    "<_>\"<quoted>\"<_>",
                ];
                Stage::Pattern(self.dice.pick(&patterns).into())
            }
            StageKind::Unpack => Stage::Unpack,
            StageKind::Decolorize => Stage::Decolorize,
            StageKind::Label => Stage::Label(self.label_filter(1)),
            StageKind::LineFormat => Stage::LineFormat(self.dice.pick(TEMPLATES).into()),
            StageKind::LabelFormat => Stage::LabelFormat(self.label_formats()),
            StageKind::Drop => Stage::Drop(self.items(&["trace_id", "msg"])),
            StageKind::Keep => Stage::Keep(self.items(&["app", "pod", "status", "bytes"])),
        }
    }

    /// None, which is all, or some of these.
    fn extractions(&mut self, of: &[(&str, &str)]) -> Vec<Extraction> {
        let mut chosen = Vec::new();
        if self.dice.chance(50) {
            for (label, expression) in of {
                if self.dice.chance(40) {
                    chosen.push(Extraction {
                        label: (*label).into(),
                        expression: (*expression).into(),
                    });
                }
            }
        }
        chosen
    }

    fn line_filter(&mut self) -> LineFilter {
        let kind = self.dice.weighted(LineOpKind::ALL, |kind| match kind {
            LineOpKind::Contains => 8,
            LineOpKind::Regex => 5,
            LineOpKind::NotContains | LineOpKind::NotRegex => 4,
            LineOpKind::Pattern | LineOpKind::NotPattern => 2,
        });
        self.census.saw(kind);
        let op = kind.op();
        let (texts, several): (&[&str], bool) = match op {
            LineOp::Contains => (
                &["o", "order", "200", "GET", "shop-api", "foreign", ""],
                true,
            ),
            LineOp::NotContains => (&["shop-db", "foreign", "DELETE", "nothing"], false),
            LineOp::Regex => (
                &["o.*r", "(?i)get|post", "\\d{3}", "^.", "shop-(api|db)"],
                true,
            ),
            LineOp::NotRegex => (&["foreign$", "DELETE|POST", "shop-a.*"], false),
            LineOp::Pattern => (&["<_>order<_>", "<_> 200 <_>", "<_>G<_>"], true),
            LineOp::NotPattern => (&["<_>foreign<_>", "<_>DELETE<_>"], false),
        };
        let takes_ip = matches!(op, LineOp::Contains | LineOp::NotContains);
        let count = 1 + usize::from(several) * self.dice.below(2);
        let alternatives = (0..count).map(|_| {
            let kind = self.dice.weighted(MatchKind::ALL, |kind| match kind {
                MatchKind::Text => 6,
                MatchKind::Ip => u32::from(takes_ip),
            });
            self.census.saw(kind);
            match kind {
                MatchKind::Text => LineMatch::Text(self.dice.pick(texts).into()),
                MatchKind::Ip => LineMatch::Ip(self.addresses()),
            }
        });
        LineFilter {
            op,
            alternatives: alternatives.collect(),
        }
    }

    /// What `ip` looks for.
    pub(super) fn addresses(&mut self) -> Text {
        let patterns = ["10.0.0.0/8", "10.1.0.0/16", "10.0.0.1-10.2.0.9", "10.1.0.3"];
        self.dice.pick(&patterns).into()
    }

    fn label_formats(&mut self) -> Vec<LabelFormat> {
        let targets = ["copy", RESOURCE, "pod", "renamed"];
        let first = self.dice.below(targets.len());
        let count = 1 + self.dice.below(2);
        // No label may be set twice.
        let targets = targets.iter().cycle().skip(first).take(count);
        targets
            .map(|target| {
                let kind = self.dice.pick(FormatKind::ALL);
                self.census.saw(kind);
                match kind {
                    FormatKind::Rename => {
                        let sources = [RESOURCE, "app", "status", "resource_id_extracted"];
                        let from = self.dice.pick(&sources);
                        LabelFormat::Rename {
                            to: (*target).into(),
                            from: from.into(),
                        }
                    }
                    FormatKind::Template => LabelFormat::Template {
                        label: (*target).into(),
                        template: self.dice.pick(TEMPLATES).into(),
                    },
                }
            })
            .collect()
    }

    fn items(&mut self, likely: &[&str]) -> Vec<LabelOrMatcher> {
        let count = 1 + self.dice.below(3);
        (0..count)
            .map(|_| {
                let label = match self.dice.below(3) {
                    0 => RESOURCE,
                    1 => self.dice.pick(FIELDS),
                    _ => self.dice.pick(likely),
                };
                let kind = self.dice.pick(ItemKind::ALL);
                self.census.saw(kind);
                match kind {
                    ItemKind::Label => LabelOrMatcher::Label(label.into()),
                    ItemKind::Matcher => LabelOrMatcher::Matcher(matcher(self.dice, label)),
                }
            })
            .collect()
    }
}
