//! Metric queries.

use gateway::query::Matcher;
use gateway::query::logql::ast::{
    Conversion, Grouping, LabelFilter, LabelReplace, LogRange, MetricExpr, RangeAggregation,
    RangeOp, Stage, Unwrap, VectorAggregation, VectorOp,
};

use super::{ConversionKind, Logql, MetricKind};
use crate::matchers::{labels, number, seconds};
use crate::vocabulary::{Format, RESOURCE};

/// Labels to group by.
pub(super) const LABELS: &[&str] = &["app", "app", "pod", "env", "level", "status", "method"];

impl Logql<'_> {
    /// A metric query of at most so many levels, and no mere number.
    pub(super) fn metric(&mut self, depth: usize) -> MetricExpr {
        let deeper = u32::from(depth > 0);
        let kind = self.dice.weighted(MetricKind::ALL, |kind| match kind {
            MetricKind::Range => 8,
            MetricKind::Vector => 12 * deeper,
            MetricKind::Binary => 8 * deeper,
            // Made where an operation has one.
            MetricKind::Literal => 0,
            MetricKind::VectorLiteral => deeper,
            MetricKind::LabelReplace => 3 * deeper,
        });
        self.census.saw(kind);
        let below = depth.saturating_sub(1);
        match kind {
            MetricKind::Range => self.range(),
            MetricKind::Vector => {
                let inner = self.metric(below);
                let aggregation = self.aggregation(inner);
                MetricExpr::Vector(Box::new(aggregation))
            }
            MetricKind::Binary => self.binary(below),
            MetricKind::Literal => self.literal(),
            MetricKind::VectorLiteral => {
                MetricExpr::VectorLiteral(number(self.dice.pick(&["0", "1", "2.5"])))
            }
            MetricKind::LabelReplace => {
                let expr = self.metric(below);
                MetricExpr::LabelReplace(Box::new(self.label_replace(expr)))
            }
        }
    }

    pub(super) fn literal(&mut self) -> MetricExpr {
        self.census.saw(MetricKind::Literal);
        MetricExpr::Literal(number(self.dice.pick(&["0", "1", "2", "0.5", "-3", "100"])))
    }

    /// A range aggregation.
    pub(super) fn range(&mut self) -> MetricExpr {
        let op = self.dice.weighted(RangeOp::ALL.as_slice(), |op| match op {
            RangeOp::CountOverTime | RangeOp::Rate => 6,
            RangeOp::BytesOverTime | RangeOp::BytesRate | RangeOp::AbsentOverTime => 3,
            RangeOp::RateCounter
            | RangeOp::AvgOverTime
            | RangeOp::SumOverTime
            | RangeOp::MinOverTime
            | RangeOp::MaxOverTime
            | RangeOp::StdvarOverTime
            | RangeOp::StddevOverTime
            | RangeOp::QuantileOverTime
            | RangeOp::FirstOverTime
            | RangeOp::LastOverTime => 1,
        });
        self.census.saw(op);
        let (unwraps, groups) = match op {
            RangeOp::CountOverTime | RangeOp::BytesOverTime | RangeOp::BytesRate => (false, false),
            RangeOp::Rate | RangeOp::AbsentOverTime => (self.dice.chance(30), false),
            RangeOp::RateCounter | RangeOp::SumOverTime => (true, false),
            RangeOp::AvgOverTime
            | RangeOp::MinOverTime
            | RangeOp::MaxOverTime
            | RangeOp::StdvarOverTime
            | RangeOp::StddevOverTime
            | RangeOp::QuantileOverTime
            | RangeOp::FirstOverTime
            | RangeOp::LastOverTime => (true, self.dice.chance(40)),
        };
        // A number mostly has to be read out of the line first.
        let (mut log, format) = self.log(if unwraps { 92 } else { 65 });
        // Lines that could not be parsed fail a metric query.
        let error = || LabelFilter::Match(Matcher::equal("__error__", ""));
        if self.dice.chance(95) {
            log.stages.push(Stage::Label(error()));
        }
        let unwrap = unwraps.then(|| self.unwrap(format, error()));
        let range = self.dice.pick(&[60, 300, 600, 900, 1_800]);
        let offset = self
            .dice
            .chance(15)
            .then(|| self.dice.pick(&[60, 300, -60]));
        let aggregation = RangeAggregation {
            op,
            param: (op == RangeOp::QuantileOverTime)
                .then(|| number(self.dice.pick(&["0.5", "0.99"]))),
            range: LogRange {
                log,
                unwrap,
                range: seconds(range),
                offset: offset.map(seconds),
            },
            grouping: groups.then(|| self.some_grouping()),
        };
        let range = MetricExpr::Range(Box::new(aggregation));
        let reports_labels = op == RangeOp::AbsentOverTime;
        self.absent |= reports_labels;
        if reports_labels && self.neutral {
            return without_resource(range);
        }
        range
    }

    fn unwrap(&mut self, format: Option<Format>, no_error: LabelFilter) -> Unwrap {
        let has_units = match format {
            Some(Format::Json | Format::Logfmt) => 45,
            Some(Format::Access | Format::Packed | Format::Coloured) | None => 5,
        };
        let conversion = self.dice.chance(has_units).then(|| {
            let kind = self.dice.pick(ConversionKind::ALL);
            self.census.saw(kind);
            match kind {
                ConversionKind::Bytes => ("size", Conversion::Bytes),
                ConversionKind::Duration => ("took", Conversion::Duration),
                ConversionKind::DurationSeconds => ("took", Conversion::DurationSeconds),
            }
        });
        let label = conversion.map_or_else(
            || {
                let numbers: &[&str] = match format {
                    // Such lines have no number but how long it took.
                    Some(Format::Coloured) => &["took", "took", "weight"],
                    Some(Format::Json) => &["bytes", "status", "weight", "user_id"],
                    Some(Format::Logfmt | Format::Access | Format::Packed) => {
                        &["bytes", "bytes", "status", "weight"]
                    }
                    None => &["weight", "weight", "bytes"],
                };
                self.dice.pick(numbers)
            },
            |(label, _)| label,
        );
        let mut post_filters = Vec::new();
        if self.dice.chance(10) {
            post_filters.push(self.label_filter(0));
        }
        if self.dice.chance(95) {
            post_filters.push(no_error);
        }
        Unwrap {
            label: label.into(),
            conversion: conversion.map(|(_, conversion)| conversion),
            post_filters,
        }
    }

    fn some_grouping(&mut self) -> Grouping {
        Grouping {
            without: self.dice.chance(25),
            labels: labels(self.dice, LABELS, 2),
        }
    }

    /// An aggregation of `expr`.
    pub(super) fn aggregation(&mut self, expr: MetricExpr) -> VectorAggregation {
        let op = self.dice.weighted(VectorOp::ALL.as_slice(), |op| match op {
            VectorOp::Sum => 6,
            VectorOp::Avg
            | VectorOp::Count
            | VectorOp::Max
            | VectorOp::Min
            | VectorOp::Stddev
            | VectorOp::Stdvar
            | VectorOp::Bottomk
            | VectorOp::Topk
            | VectorOp::ApproxTopk
            | VectorOp::Sort
            | VectorOp::SortDesc => 1,
        });
        self.census.saw(op);
        let (has_param, groups) = match op {
            VectorOp::Topk | VectorOp::Bottomk => (true, true),
            VectorOp::ApproxTopk => (true, false),
            VectorOp::Sort | VectorOp::SortDesc => (false, false),
            VectorOp::Sum
            | VectorOp::Avg
            | VectorOp::Count
            | VectorOp::Max
            | VectorOp::Min
            | VectorOp::Stddev
            | VectorOp::Stdvar => (false, true),
        };
        let grouping = (groups && self.dice.chance(75)).then(|| self.some_grouping());
        VectorAggregation {
            op,
            param: has_param.then(|| number(self.dice.pick(&["1", "2", "5"]))),
            expr,
            // `by ()` is the same as no grouping.
            grouping: grouping.filter(|one| one.without || !one.labels.is_empty()),
        }
    }

    fn label_replace(&mut self, expr: MetricExpr) -> LabelReplace {
        // Destination, replacement, source, pattern.
        let [dst, replacement, src, regex] = match self.dice.below(5) {
            0 => [RESOURCE, "", "", ""],
            1 => [RESOURCE, "shop-db", RESOURCE, ".*"],
            2 => ["copy", "$1", RESOURCE, "(.*)"],
            3 => ["copy", "mine", RESOURCE, "shop-api"],
            _ => ["copy", "$1", "pod", "pod-(.*)"],
        };
        LabelReplace {
            expr,
            dst: dst.into(),
            replacement: replacement.into(),
            src: src.into(),
            regex: regex.into(),
        }
    }
}

/// `expr`, which has one series at the most, without the resource's label.
fn without_resource(expr: MetricExpr) -> MetricExpr {
    MetricExpr::Vector(Box::new(VectorAggregation {
        op: VectorOp::Sum,
        param: None,
        expr,
        grouping: Some(Grouping {
            without: true,
            labels: vec![RESOURCE.into()],
        }),
    }))
}
