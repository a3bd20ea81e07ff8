//! What holds for every LogQL tree and for every text.

// `clippy.toml` allows these in tests, which helpers of tests are not to clippy. Whatever is not
// named in a match here makes no difference to the generator.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use query::duration::Duration;
use query::logql::ast::*;
use query::number::Number;
use query::{MatchOp, Matcher, Text, logql, scope};

/// Labels, among them names that are functions elsewhere.
fn label() -> impl Strategy<Value = query::SmallStr> {
    prop_oneof![
        "[a-zA-Z_][a-z0-9_]{0,5}"
            .prop_filter("no keyword", |name| {
                logql::parse(&format!("{{{name}=``}}")).is_ok()
            })
            .prop_map(Into::into),
        Just("rate".into()),
        Just("sum".into()),
        Just("ip".into()),
        Just("bytes".into()),
        Just("\u{e9}t\u{e9}".into()),
    ]
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        "[a-z ]{0,5}".prop_map(Text::from),
        r#"["\\`'{}()|=#/*\n\x00\u{e9}\u{2028}]{0,5}"#.prop_map(Text::from),
        vec(any::<u8>(), 0..4).prop_map(Text::from),
    ]
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let op = prop_oneof![Just(MatchOp::Equal), Just(MatchOp::NotEqual)];
    let plain = (label(), op, text()).prop_map(|(name, op, value)| Matcher { name, op, value });
    let op = prop_oneof![Just(MatchOp::Regex), Just(MatchOp::NotRegex)];
    let regex = (label(), op, "[a-z.*|]{0,5}").prop_map(|(name, op, value)| Matcher {
        name,
        op,
        value: value.into(),
    });
    prop_oneof![plain, regex]
}

fn unsigned() -> impl Strategy<Value = Number> {
    prop_oneof![
        Just("1"),
        Just("0"),
        Just("2.50"),
        Just(".5"),
        Just("1e6"),
        Just("0x1p3")
    ]
    .prop_map(number)
}

fn signed() -> impl Strategy<Value = Number> {
    prop_oneof![
        unsigned(),
        prop_oneof![Just("-1"), Just("-0"), Just("+2")].prop_map(number)
    ]
}

fn number(text: &str) -> Number {
    Number {
        value: if text == "0x1p3" {
            8.0
        } else {
            text.parse().unwrap()
        },
        text: text.into(),
    }
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just((300_000_000_000, "5m")),
        Just((86_400_000_000_000, "1d"))
    ]
    .prop_map(|(nanos, text)| Duration {
        nanos,
        text: text.into(),
    })
}

fn label_filter() -> impl Strategy<Value = LabelFilter> {
    let op = || {
        prop_oneof![
            Just(CompareOp::Eq),
            Just(CompareOp::Ne),
            Just(CompareOp::Gt),
            Just(CompareOp::Ge),
            Just(CompareOp::Lt),
            Just(CompareOp::Le),
        ]
    };
    let leaf = prop_oneof![
        matcher().prop_map(LabelFilter::Match),
        (label(), any::<bool>(), text()).prop_map(|(label, negated, pattern)| {
            LabelFilter::Ip(IpFilter {
                label,
                negated,
                pattern,
            })
        }),
        (label(), op(), signed()).prop_map(|(a, b, c)| LabelFilter::Number(a, b, c)),
        (label(), op(), duration()).prop_map(|(a, b, c)| LabelFilter::Duration(a, b, c)),
        (label(), op()).prop_map(|(a, b)| {
            let text = "2.5KiB".into();
            LabelFilter::Bytes(a, b, Bytes { value: 2560, text })
        }),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        (any::<bool>(), inner.clone(), inner).prop_map(|(and, left, right)| {
            let (left, right) = (Box::new(left), Box::new(right));
            if and {
                LabelFilter::And(left, right)
            } else {
                LabelFilter::Or(left, right)
            }
        })
    })
}

fn line_filter() -> impl Strategy<Value = LineFilter> {
    let one = || {
        prop_oneof![
            text().prop_map(LineMatch::Text),
            text().prop_map(LineMatch::Ip)
        ]
    };
    let op = prop_oneof![
        Just(LineOp::Contains),
        Just(LineOp::Regex),
        Just(LineOp::Pattern)
    ];
    let not = prop_oneof![
        Just(LineOp::NotContains),
        Just(LineOp::NotRegex),
        Just(LineOp::NotPattern)
    ];
    prop_oneof![
        (op, vec(one(), 1..4)).prop_map(|(op, alternatives)| LineFilter { op, alternatives }),
        // The parser makes a stage of each alternative of these.
        (not, vec(one(), 1..2)).prop_map(|(op, alternatives)| LineFilter { op, alternatives }),
    ]
}

fn stage() -> impl Strategy<Value = Stage> {
    let extractions = || {
        vec((label(), text()), 0..3).prop_map(|items| {
            let extraction = |(label, expression)| Extraction { label, expression };
            items.into_iter().map(extraction).collect::<Vec<_>>()
        })
    };
    let items = || {
        let item = prop_oneof![
            label().prop_map(LabelOrMatcher::Label),
            matcher().prop_map(LabelOrMatcher::Matcher)
        ];
        vec(item, 1..4)
    };
    let format = prop_oneof![
        (label(), label()).prop_map(|(to, from)| LabelFormat::Rename { to, from }),
        (label(), text()).prop_map(|(label, template)| LabelFormat::Template { label, template }),
    ];
    prop_oneof![
        line_filter().prop_map(Stage::Line),
        label_filter().prop_map(Stage::Label),
        extractions().prop_map(Stage::Json),
        (any::<bool>(), any::<bool>(), extractions()).prop_map(
            |(strict, keep_empty, extractions)| Stage::Logfmt(Logfmt {
                strict,
                keep_empty,
                extractions
            })
        ),
        Just(Stage::Regexp("(?P<a>.*)".into())),
        Just(Stage::Pattern("<a> \"<_>".into())),
        Just(Stage::Unpack),
        Just(Stage::Decolorize),
        text().prop_map(Stage::LineFormat),
        vec(format, 1..3).prop_map(Stage::LabelFormat),
        items().prop_map(Stage::Drop),
        items().prop_map(Stage::Keep),
    ]
}

fn log() -> impl Strategy<Value = LogExpr> {
    let stages = vec(stage(), 0..4).prop_filter("no operator behind a bare label", |stages| {
        // `drop a != "x"` is one stage, so no query has these two.
        let bare = |stage: &Stage| match stage {
            Stage::Drop(items) | Stage::Keep(items) => {
                matches!(items.last(), Some(LabelOrMatcher::Label(_)))
            }
            _ => false,
        };
        let not = |stage: &Stage| match stage {
            Stage::Line(filter) => matches!(filter.op, LineOp::NotContains | LineOp::NotRegex),
            _ => false,
        };
        !stages
            .iter()
            .zip(stages.iter().skip(1))
            .any(|(a, b)| bare(a) && not(b))
    });
    (vec(matcher(), 0..3), stages).prop_map(|(matchers, stages)| LogExpr {
        selector: Selector { matchers },
        stages,
    })
}

fn grouping() -> impl Strategy<Value = Grouping> {
    (any::<bool>(), vec(label(), 0..3)).prop_map(|(without, labels)| Grouping { without, labels })
}

fn range() -> impl Strategy<Value = MetricExpr> {
    let conversion = prop_oneof![
        Just(Conversion::Bytes),
        Just(Conversion::Duration),
        Just(Conversion::DurationSeconds)
    ];
    let unwrap = (label(), option::of(conversion), vec(label_filter(), 0..3)).prop_map(
        |(label, conversion, post_filters)| Unwrap {
            label,
            conversion,
            post_filters,
        },
    );
    (
        log(),
        duration(),
        option::of(duration()),
        unwrap,
        option::of(grouping()),
        0..3,
    )
        .prop_map(|(log, range, offset, unwrap, grouping, kind)| {
            let (op, param, unwrap, grouping) = match kind {
                0 => (RangeOp::Rate, None, None, None),
                1 => (RangeOp::MaxOverTime, None, Some(unwrap), grouping),
                _ => (
                    RangeOp::QuantileOverTime,
                    Some(number("0.99")),
                    Some(unwrap),
                    grouping,
                ),
            };
            let range = LogRange {
                log,
                unwrap,
                range,
                offset,
            };
            MetricExpr::Range(Box::new(RangeAggregation {
                op,
                param,
                range,
                grouping,
            }))
        })
}

fn is_literal(expr: &MetricExpr) -> bool {
    match expr {
        MetricExpr::Literal(_) => true,
        MetricExpr::Binary(binary) => is_literal(&binary.lhs) && is_literal(&binary.rhs),
        MetricExpr::Range(_)
        | MetricExpr::Vector(_)
        | MetricExpr::VectorLiteral(_)
        | MetricExpr::LabelReplace(_) => false,
    }
}

fn matching() -> impl Strategy<Value = VectorMatching> {
    let group =
        (any::<bool>(), vec(label(), 0..3)).prop_map(|(right, include)| Group { right, include });
    (any::<bool>(), vec(label(), 0..3), option::of(group))
        .prop_map(|(on, labels, group)| VectorMatching { on, labels, group })
        // The parser leaves `ignoring ()` out.
        .prop_filter("says something", |m| {
            m.on || !m.labels.is_empty() || m.group.is_some()
        })
}

fn metric() -> impl Strategy<Value = MetricExpr> {
    let leaf = prop_oneof![
        4 => range(),
        1 => signed().prop_map(MetricExpr::Literal),
        1 => unsigned().prop_map(MetricExpr::VectorLiteral),
    ];
    leaf.prop_recursive(6, 24, 2, |inner| {
        let op = prop_oneof![
            Just(BinaryOp::Or),
            Just(BinaryOp::And),
            Just(BinaryOp::Unless),
            Just(BinaryOp::Add),
            Just(BinaryOp::Sub),
            Just(BinaryOp::Mul),
            Just(BinaryOp::Div),
            Just(BinaryOp::Mod),
            Just(BinaryOp::Pow),
            Just(BinaryOp::Eq),
            Just(BinaryOp::Ne),
            Just(BinaryOp::Le),
        ];
        let binary = (
            op,
            any::<bool>(),
            option::of(matching()),
            inner.clone(),
            inner.clone(),
        )
            .prop_map(|(mut op, return_bool, matching, lhs, rhs)| {
                if op.is_set() && (is_literal(&lhs) || is_literal(&rhs)) {
                    op = BinaryOp::Sub;
                }
                let binary = Binary {
                    op,
                    return_bool,
                    matching,
                    lhs,
                    rhs,
                };
                MetricExpr::Binary(Box::new(binary))
            });
        // The parser leaves `by ()` out.
        let grouping = option::of(grouping().prop_filter("says something", |grouping| {
            grouping.without || !grouping.labels.is_empty()
        }));
        let vector = (any::<bool>(), grouping, inner.clone()).prop_map(|(topk, grouping, expr)| {
            let (op, param) = if topk {
                (VectorOp::Topk, Some(number("5")))
            } else {
                (VectorOp::Sum, None)
            };
            MetricExpr::Vector(Box::new(VectorAggregation {
                op,
                param,
                expr,
                grouping,
            }))
        });
        let replace = (inner, text(), text()).prop_map(|(expr, dst, src)| {
            MetricExpr::LabelReplace(Box::new(LabelReplace {
                expr,
                replacement: src.clone(),
                dst,
                src,
                regex: "(.*)".into(),
            }))
        });
        prop_oneof![4 => binary, 2 => vector, 1 => replace]
    })
}

fn expr() -> impl Strategy<Value = Expr> {
    prop_oneof![log().prop_map(Expr::Log), metric().prop_map(Expr::Metric)]
}

/// Tokens in any order: nearly never a query, but nearly.
fn soup() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "(",
        ")",
        "[5m]",
        "[",
        ",",
        "=",
        "!=",
        "=~",
        "!~",
        "|",
        "|=",
        "|~",
        "|>",
        "!>",
        "==",
        ">",
        "<=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "or",
        "and",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "bool",
        "offset",
        "unwrap",
        "json",
        "logfmt",
        "--strict",
        "regexp",
        "pattern",
        "drop",
        "ip",
        "rate",
        "sum",
        "topk",
        "vector",
        "label_replace",
        "a",
        "\"b\"",
        "`c`",
        "5",
        "-5m",
        "2KiB",
        "#",
        "//",
        "/*",
        "\n",
        "\u{e9}",
        "'",
        "\\",
        "{a=\"b\"}",
        "rate({a=\"b\"}[5m])",
        "quantile_over_time(",
        "sum by (x) (",
        "\"",
        "1e",
        "0x",
    ]);
    let space = prop_oneof![Just(""), Just(" ")];
    vec((token, space), 0..25).prop_map(|tokens| {
        tokens
            .into_iter()
            .flat_map(|(token, space)| [token, space])
            .collect()
    })
}

#[test]
fn a_filter_behind_a_bare_label_is_kept_apart_from_it() {
    let tree = LogExpr {
        selector: Selector::default(),
        stages: vec![
            Stage::Drop(vec![LabelOrMatcher::Label("a".into())]),
            Stage::Line(LineFilter {
                op: LineOp::NotContains,
                alternatives: vec![LineMatch::Text("x".into())],
            }),
        ],
    };
    assert_eq!(tree.to_string(), r#"{} | drop a |= "" != "x""#);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_printed_parses_to_the_same_tree(tree in expr()) {
        let text = tree.to_string();
        let again = logql::parse(&text);
        prop_assert_eq!(again.as_ref(), Ok(&tree), "{}", text);
        prop_assert_eq!(again.unwrap().to_string(), text);
        prop_assert_eq!(&tree.clone(), &tree);
    }

    #[test]
    fn every_selector_of_a_scoped_query_carries_the_matcher(tree in expr(), id in text()) {
        let by = Matcher::equal("resource_id", id);
        let text = tree.to_string();
        let scoped = scope::logql(&text, &by);
        prop_assert!(scoped.is_ok(), "{} {:?}", text, scoped);
        let scoped = scoped.unwrap();
        let again = logql::parse(&scoped).unwrap();
        let selectors = again.selectors();
        prop_assert_eq!(selectors.len(), tree.selectors().len());
        for (after, before) in selectors.iter().zip(tree.selectors()) {
            prop_assert_eq!(after.matchers.last(), Some(&by));
            prop_assert!(after.matchers.starts_with(&before.matchers));
        }
        prop_assert_eq!(scope::logql(&scoped, &by), Ok(scoped));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in soup()) {
        for parsed in [logql::parse(&text), logql::parse_on_resource(&text)] {
            match parsed {
                Ok(tree) => prop_assert_eq!(logql::parse(&tree.to_string()), Ok(tree)),
                Err(error) => {
                    prop_assert!(error.offset <= text.len());
                    prop_assert!(!error.render(&text).is_empty());
                }
            }
        }
    }

    #[test]
    fn no_characters_make_the_parser_panic(text in any::<String>(), at in 0_usize..40) {
        let query = "sum by (a) (rate({a=\"b\"} | json [5m]))";
        let (start, end) = query.split_at(at.min(query.len()));
        for text in [text.clone(), [start, &text, end].concat()] {
            if let Ok(tree) = logql::parse(&text) {
                prop_assert_eq!(logql::parse(&tree.to_string()), Ok(tree));
            }
        }
    }
}
