//! Types, arities and names: what the grammar lets through and Prometheus refuses all the same.
//!
//! Each check gives what is wrong as a sentence; where, the grammar knows.

use std::collections::BTreeSet;

use super::ast::{AggregateOp, Binary, BinaryOp, Fill, UnaryOp, ValueType};
use super::functions::Function;
use crate::matcher::Matcher;
use crate::small_str::SmallStr;

type Check = Result<(), String>;

/// The function of this name.
pub(super) fn function(name: &str) -> Result<Function, String> {
    match Function::from_name(name) {
        Some(Function::Info) => Err(
            "info() is not allowed: it joins target_info by instance and job alone, \
             and so would reach series of other resources; \
             join the labels that are needed with group_left"
                .to_owned(),
        ),
        Some(function) => Ok(function),
        None => Err(match nearest(name) {
            Some(near) => format!("unknown function {name:?}, did you mean {near:?}?"),
            None => format!("unknown function {:?}", name.get(..64).unwrap_or(name)),
        }),
    }
}

/// A label in a selector. Those in double underscores are the backend's own: no stored series has
/// one, but for the three of [`STORED`]. Mimir's query frontend rewrites queries it takes apart into
/// selectors such as `__embedded_queries__{__queries__="…"}`, and runs whatever text it finds in such
/// a label: one that a caller wrote would be run as it is, past every matcher beside it.
pub(super) fn label(matcher: &Matcher) -> Check {
    /// What describes a series and is stored with it.
    const STORED: [&str; 3] = ["__name__", "__type__", "__unit__"];
    let name = &matcher.name;
    let is_stored = || STORED.iter().any(|stored| *name == **stored);
    // Compared with nothing, as Grafana does in `{__ignore_usage__=""}`, it hands nothing over.
    if !name.as_bytes().starts_with(b"__") || is_stored() || matcher.value.as_bytes().is_empty() {
        return Ok(());
    }
    Err(format!(
        "the label {name:?} is not allowed in a selector: labels that begin with __ are the \
         backend's own, which may take their value for a query and run it without its scope"
    ))
}

pub(super) fn arity(function: Function, count: usize) -> Check {
    let signature = function.signature();
    let (min, max) = (signature.min_args(), signature.max_args());
    if count >= min && max.is_none_or(|max| count <= max) {
        return Ok(());
    }
    let wanted = match max {
        Some(max) if max == min => arguments(min),
        Some(max) if count > max => format!("at most {}", arguments(max)),
        Some(_) | None => format!("at least {}", arguments(min)),
    };
    Err(format!("{}() takes {wanted}, got {count}", signature.name))
}

pub(super) fn aggregate_arity(op: AggregateOp, count: usize) -> Check {
    let wanted = 1 + usize::from(op.param_type().is_some());
    if count == wanted {
        return Ok(());
    }
    let name = op.as_str();
    Err(format!("{name} takes {}, got {count}", arguments(wanted)))
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        _ => format!("{count} arguments"),
    }
}

pub(super) fn wrong_type(wanted: ValueType, found: ValueType, place: &str) -> String {
    let hint = match (wanted, found) {
        (ValueType::RangeVector, ValueType::InstantVector) => ", did you forget a range like [5m]?",
        _ => "",
    };
    let (wanted, found) = (wanted.as_str(), found.as_str());
    format!("expected {wanted} {place}, got {found}{hint}")
}

pub(super) fn sign(op: UnaryOp, kind: ValueType) -> Check {
    match kind {
        ValueType::Scalar | ValueType::InstantVector => Ok(()),
        ValueType::String | ValueType::RangeVector => Err(format!(
            "{} must stand in front of a scalar or an instant vector, got {}",
            op.as_str(),
            kind.as_str()
        )),
    }
}

/// Whether `binary` fits the types of its sides, which start at `starts`; else what is wrong, and
/// where.
pub(super) fn operands(
    binary: &Binary,
    (lhs, rhs): (ValueType, ValueType),
    starts: (usize, usize),
    at: usize,
) -> Result<(), (usize, String)> {
    operand(binary.op, lhs).map_err(|message| (starts.0, message))?;
    operand(binary.op, rhs).map_err(|message| (starts.1, message))?;
    operation(binary, lhs, rhs).map_err(|message| (at, message))
}

/// Whether `op` may have an operand of this type on either side.
fn operand(op: BinaryOp, kind: ValueType) -> Check {
    match kind {
        ValueType::Scalar | ValueType::InstantVector => Ok(()),
        ValueType::String | ValueType::RangeVector => Err(format!(
            "{} must stand between scalars and instant vectors, got {}",
            op.as_str(),
            kind.as_str()
        )),
    }
}

/// Whether the modifiers of `op` fit its operands, which are scalars or vectors.
fn operation(binary: &Binary, lhs: ValueType, rhs: ValueType) -> Check {
    let op = binary.op;
    let name = op.as_str();
    let vectors = lhs == ValueType::InstantVector && rhs == ValueType::InstantVector;
    let scalars = lhs == ValueType::Scalar && rhs == ValueType::Scalar;
    let matching = binary.matching.as_ref();
    let group = matching.and_then(|matching| matching.group.as_ref());
    let filled = binary.fill != Fill::default();

    if scalars && op.is_comparison() && !binary.return_bool {
        return Err(format!(
            "a comparison between scalars must be written {name} bool"
        ));
    }
    if !vectors && op.is_set() {
        return Err(format!("{name} must stand between instant vectors"));
    }
    if let (Some(matching), Some(group)) = (matching, group)
        && matching.on
        && let Some(twice) = first_in_both(&matching.labels, &group.include)
    {
        return Err(format!(
            "the label {twice:?} must not be both in on and in a group"
        ));
    }
    if !vectors && matching.is_some_and(|matching| !matching.labels.is_empty()) {
        return Err("on and ignoring are only allowed between instant vectors".to_owned());
    }
    if !vectors && filled {
        return Err("fill is only allowed between instant vectors".to_owned());
    }
    if op.is_set() && group.is_some() {
        return Err(format!(
            "group_left and group_right are not allowed with {name}"
        ));
    }
    if op.is_set() && filled {
        return Err(format!("fill is not allowed with {name}"));
    }
    Ok(())
}

/// The first of `labels` that is in `others`, too. Not one by one: both lists may be long.
fn first_in_both<'a>(labels: &'a [SmallStr], others: &[SmallStr]) -> Option<&'a SmallStr> {
    let others: BTreeSet<&str> = others.iter().map(SmallStr::as_str).collect();
    labels.iter().find(|label| others.contains(label.as_str()))
}

/// The function or aggregation of which the name is most like `name`, if one is like it at all.
fn nearest(name: &str) -> Option<&'static str> {
    const LONGEST: usize = 32;
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let allowed = (name.len() / 3).max(1);
    let functions = Function::ALL
        .iter()
        .filter(|function| **function != Function::Info)
        .map(|function| function.name());
    functions
        .chain(AggregateOp::ALL.iter().map(|op| op.as_str()))
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), known))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, known)| known)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to make
/// `b` of `a`.
fn distance(a: &[u8], b: &[u8]) -> usize {
    /// More than between any two names; small enough to be added to.
    const FAR: usize = 1 << 16;
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(FAR);
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = at(&above, j) + usize::from(from != to);
            let mut best = replaced.min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    at(&above, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested() {
        let cases = [
            ("raet", Some("rate")),
            ("Rate", Some("rate")),
            ("sum_overtime", Some("sum_over_time")),
            ("histogram_quantil", Some("histogram_quantile")),
            ("frobnicate", None),
            ("inf0", None),
        ];
        for (name, near) in cases {
            assert_eq!(nearest(name), near, "{name}");
        }
    }
}
