//! What Loki refuses though the grammar allows it.
//!
//! Regular expressions are looked over for plain mistakes and never compiled; templates, and the
//! expressions of `json` and `logfmt`, are left to Loki.

use super::ast::{Grouping, RangeAggregation, RangeOp, VectorOp};
use crate::matcher::MatchOp;
use crate::number::Number;
use crate::regex;
use crate::text::Text;
use crate::word;

/// Which range aggregations want `unwrap`, which can't have it, which can be grouped.
pub(super) fn range_aggregation(aggregation: &RangeAggregation) -> Result<(), String> {
    let op = aggregation.op;
    let name = op.as_str();
    match (op, &aggregation.param) {
        (RangeOp::QuantileOverTime, None) => {
            return Err(format!("{name} needs a parameter: {name}(0.99, …)"));
        }
        (RangeOp::QuantileOverTime, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(format!("{name} takes no parameter")),
    }
    if aggregation.grouping.is_some() && !groups(op) {
        return Err(format!(
            "{name} can't be grouped; group around it, as in sum by (…) ({name}(…))"
        ));
    }
    let (with, without) = unwraps(op);
    if aggregation.range.unwrap.is_some() && !with {
        return Err(format!("{name} counts lines and can't have unwrap"));
    }
    if aggregation.range.unwrap.is_none() && !without {
        return Err(format!(
            "{name} works on numbers: say with | unwrap which label holds them"
        ));
    }
    Ok(())
}

fn groups(op: RangeOp) -> bool {
    match op {
        RangeOp::AvgOverTime
        | RangeOp::StddevOverTime
        | RangeOp::StdvarOverTime
        | RangeOp::QuantileOverTime
        | RangeOp::MaxOverTime
        | RangeOp::MinOverTime
        | RangeOp::FirstOverTime
        | RangeOp::LastOverTime => true,
        RangeOp::CountOverTime
        | RangeOp::Rate
        | RangeOp::RateCounter
        | RangeOp::BytesOverTime
        | RangeOp::BytesRate
        | RangeOp::SumOverTime
        | RangeOp::AbsentOverTime => false,
    }
}

/// Whether the operation can have `unwrap`, and whether it can do without.
fn unwraps(op: RangeOp) -> (bool, bool) {
    match op {
        RangeOp::CountOverTime | RangeOp::BytesOverTime | RangeOp::BytesRate => (false, true),
        RangeOp::Rate | RangeOp::AbsentOverTime => (true, true),
        RangeOp::RateCounter
        | RangeOp::AvgOverTime
        | RangeOp::SumOverTime
        | RangeOp::MinOverTime
        | RangeOp::MaxOverTime
        | RangeOp::StdvarOverTime
        | RangeOp::StddevOverTime
        | RangeOp::QuantileOverTime
        | RangeOp::FirstOverTime
        | RangeOp::LastOverTime => (true, false),
    }
}

/// Which aggregations have a parameter, and which can be grouped.
pub(super) fn vector_aggregation(
    op: VectorOp,
    param: Option<&Number>,
    grouping: Option<&Grouping>,
) -> Result<(), String> {
    let name = op.as_str();
    let grouped = grouping.is_some_and(|grouping| !grouping.labels.is_empty());
    match op {
        VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk => {
            let Some(param) = param else {
                return Err(format!("{name} needs a number: {name}(5, …)"));
            };
            if !param.text.parse::<i64>().is_ok_and(|k| k > 0) {
                return Err(format!("{name} needs a whole number greater than 0"));
            }
            if op == VectorOp::ApproxTopk && grouping.is_some() {
                return Err(format!("{name} can't be grouped"));
            }
            return Ok(());
        }
        VectorOp::Sort | VectorOp::SortDesc if grouped => {
            return Err(format!("{name} can't be grouped"));
        }
        VectorOp::Sum
        | VectorOp::Avg
        | VectorOp::Count
        | VectorOp::Max
        | VectorOp::Min
        | VectorOp::Stddev
        | VectorOp::Stdvar
        | VectorOp::Sort
        | VectorOp::SortDesc => {}
    }
    if param.is_some() {
        return Err(format!("{name} takes no parameter"));
    }
    Ok(())
}

/// The pattern of `| pattern`: at least one name, no name twice, no two captures side by side.
pub(super) fn pattern(pattern: &[u8]) -> Result<(), String> {
    let mut names: Vec<&[u8]> = Vec::new();
    let mut rest = pattern;
    let mut after_capture = false;
    while let Some((_, tail)) = rest.split_first() {
        let Some((name, behind)) = capture(rest) else {
            after_capture = false;
            rest = tail;
            continue;
        };
        if after_capture {
            return Err("two captures need text between them".to_owned());
        }
        after_capture = true;
        rest = behind;
        if name != b"_" {
            names.push(name);
        }
    }
    distinct(names, "a pattern needs a capture, as in <status>")
}

/// `<name>` at the start: the name, and what stands behind.
fn capture(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"<")?;
    // Only as far as a name goes: a text full of `<` is not searched to its end each time.
    let (name, behind) = text.split_at_checked(word::length(text))?;
    let named = name.first().is_some_and(|byte| !byte.is_ascii_digit());
    named.then_some((name, behind.strip_prefix(b">")?))
}

/// The expression of `| regexp`: at least one named group, no name twice.
pub(super) fn regexp(regexp: &[u8]) -> Result<(), String> {
    let mut names: Vec<&[u8]> = Vec::new();
    regex::scan(regexp, |name| names.push(name))?;
    distinct(
        names,
        "regexp needs a named group, as in (?P<status>[0-9]+)",
    )
}

/// The pattern of a matcher.
pub(super) fn matcher(op: MatchOp, value: &Text) -> Result<(), String> {
    match op {
        MatchOp::Equal | MatchOp::NotEqual => {}
        MatchOp::Regex | MatchOp::NotRegex => regex::scan(value.as_bytes(), |_| ())?,
    }
    Ok(())
}

/// The expression of `label_replace`, which Loki anchors before it looks at it.
pub(super) fn label_replace(text: &Text) -> Result<(), String> {
    let anchored = [b"^(?:", text.as_bytes(), b")$"].concat();
    Ok(regex::scan(&anchored, |_| ())?)
}

fn distinct(mut names: Vec<&[u8]>, none: &str) -> Result<(), String> {
    names.sort_unstable();
    if names.is_empty() {
        return Err(none.to_owned());
    }
    let twice = names.windows(2).find(|pair| pair.first() == pair.last());
    match twice.and_then(|pair| pair.first()) {
        Some(name) => Err(format!(
            "the name {} stands for two captures",
            name.escape_ascii()
        )),
        None => Ok(()),
    }
}

/// The function whose name is nearest to `name`, if one is near.
pub(super) fn similar_function(name: &str) -> Option<&'static str> {
    let range = RangeOp::ALL.iter().map(|op| op.as_str());
    let vector = VectorOp::ALL.iter().map(|op| op.as_str());
    nearest(name, range.chain(vector).chain(["vector", "label_replace"]))
}

/// The pipeline stage whose name is nearest to `name`, if one is near.
pub(super) fn similar_stage(name: &str) -> Option<&'static str> {
    let stages = [
        "json",
        "logfmt",
        "regexp",
        "pattern",
        "unpack",
        "unwrap",
        "decolorize",
        "line_format",
        "label_format",
        "drop",
        "keep",
    ];
    nearest(name, stages)
}

/// The one of `known` that is at most two changes away from `name`, and less than half of itself.
fn nearest(name: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    const FURTHEST: usize = 2;
    const LONGEST: usize = 32;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_ascii_lowercase();
    known
        .into_iter()
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), known))
        .min()
        .filter(|(distance, known)| *distance <= FURTHEST && *distance * 2 < known.len())
        .map(|(_, known)| known)
}

/// How many bytes must be added, removed or changed to make `a` of `b`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = changed.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
