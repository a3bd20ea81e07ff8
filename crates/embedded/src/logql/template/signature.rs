//! Which functions there are, and what arguments they take.

use super::tree::{Arg, Located};
use super::value::{Named, Value};

/// What a function takes as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Float,
    Time,
    /// Nanoseconds, as times are added to.
    Duration,
    Any,
}

/// What is wrong with arguments.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault<'a> {
    /// There are too many or too few.
    Count,
    /// This one does not fit; `None` is the piped value.
    Argument(Option<&'a Located>),
}

/// A function's arguments, and the kind of any number of further ones.
type Signature = (&'static str, &'static [Kind], Option<Kind>);

const TEXT: &[Kind] = &[Kind::Text];
const TEXT_2: &[Kind] = &[Kind::Text, Kind::Text];
const TEXT_3: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text];
const INT_TEXT: &[Kind] = &[Kind::Int, Kind::Text];
const ANY: &[Kind] = &[Kind::Any];
const ANY_2: &[Kind] = &[Kind::Any, Kind::Any];
const TIME: &[Kind] = &[Kind::Time];
const MORE: Option<Kind> = Some(Kind::Any);

/// All functions. The order of sprig's arguments makes the last one the piped one; Go's own
/// functions, with capitals, have theirs.
const FUNCTIONS: &[Signature] = &[
    ("__line__", &[], None),
    ("__timestamp__", &[], None),
    ("ToLower", TEXT, None),
    ("ToUpper", TEXT, None),
    (
        "Replace",
        &[Kind::Text, Kind::Text, Kind::Text, Kind::Int],
        None,
    ),
    ("Trim", TEXT_2, None),
    ("TrimLeft", TEXT_2, None),
    ("TrimRight", TEXT_2, None),
    ("TrimPrefix", TEXT_2, None),
    ("TrimSuffix", TEXT_2, None),
    ("TrimSpace", TEXT, None),
    ("regexReplaceAll", TEXT_3, None),
    ("regexReplaceAllLiteral", TEXT_3, None),
    ("count", TEXT_2, None),
    ("urldecode", TEXT, None),
    ("urlencode", TEXT, None),
    ("bytes", TEXT, None),
    ("duration", TEXT, None),
    ("duration_seconds", TEXT, None),
    ("now", &[], None),
    ("unixEpoch", TIME, None),
    ("unixEpochMillis", TIME, None),
    ("unixEpochNanos", TIME, None),
    ("toDateInZone", TEXT_3, None),
    ("unixToTime", TEXT, None),
    ("alignLeft", INT_TEXT, None),
    ("alignRight", INT_TEXT, None),
    ("b64enc", TEXT, None),
    ("b64dec", TEXT, None),
    ("lower", TEXT, None),
    ("upper", TEXT, None),
    ("title", TEXT, None),
    ("trunc", INT_TEXT, None),
    ("substr", &[Kind::Int, Kind::Int, Kind::Text], None),
    ("contains", TEXT_2, None),
    ("hasPrefix", TEXT_2, None),
    ("hasSuffix", TEXT_2, None),
    ("indent", INT_TEXT, None),
    ("nindent", INT_TEXT, None),
    ("replace", TEXT_3, None),
    ("repeat", INT_TEXT, None),
    ("trim", TEXT, None),
    ("trimAll", TEXT_2, None),
    ("trimSuffix", TEXT_2, None),
    ("trimPrefix", TEXT_2, None),
    ("int", ANY, None),
    ("float64", ANY, None),
    ("add", &[], MORE),
    ("sub", ANY_2, None),
    ("mul", ANY, MORE),
    ("div", ANY_2, None),
    ("mod", ANY_2, None),
    ("addf", &[], MORE),
    ("subf", ANY, MORE),
    ("mulf", ANY, MORE),
    ("divf", ANY, MORE),
    ("max", ANY, MORE),
    ("min", ANY, MORE),
    ("maxf", ANY, MORE),
    ("minf", ANY, MORE),
    ("ceil", ANY, None),
    ("floor", ANY, None),
    ("round", &[Kind::Any, Kind::Int], Some(Kind::Float)),
    ("fromJson", TEXT, None),
    ("date", &[Kind::Text, Kind::Any], None),
    ("toDate", TEXT_2, None),
    ("default", ANY, MORE),
    ("and", ANY, MORE),
    ("or", ANY, MORE),
    ("not", ANY, None),
    ("eq", ANY, MORE),
    ("ne", ANY_2, None),
    ("lt", ANY_2, None),
    ("le", ANY_2, None),
    ("gt", ANY_2, None),
    ("ge", ANY_2, None),
    ("len", ANY, None),
    ("index", ANY, MORE),
    ("slice", ANY, MORE),
    ("print", &[], MORE),
    ("printf", TEXT, MORE),
    ("println", &[], MORE),
    ("html", &[], MORE),
    ("urlquery", &[], MORE),
    ("js", &[], MORE),
    ("call", ANY, MORE),
];

/// The function of a name.
pub(super) fn known(name: &str) -> Option<&'static str> {
    let found = FUNCTIONS.iter().find(|(own, _, _)| *own == name);
    found.map(|(own, _, _)| *own)
}

/// Checks how many arguments there are and of what types; literals adapt, and errors show them as
/// they stand in the template's `source`.
pub(super) fn check<'a>(
    name: &str,
    args: Vec<(Value, Option<&'a Located>)>,
    source: &str,
) -> Result<Vec<Value>, (Fault<'a>, String)> {
    let signature = FUNCTIONS.iter().find(|(own, _, _)| *own == name);
    let (_, kinds, more) =
        signature.ok_or_else(|| (Fault::Count, format!("{name} is not defined")))?;
    check_kinds(name, (kinds, *more), args, source)
}

/// Checks arguments against kinds, and the kind of any number of further ones.
pub(super) fn check_kinds<'a>(
    name: &str,
    (kinds, more): (&[Kind], Option<Kind>),
    args: Vec<(Value, Option<&'a Located>)>,
    source: &str,
) -> Result<Vec<Value>, (Fault<'a>, String)> {
    if args.len() < kinds.len() || (args.len() > kinds.len() && more.is_none()) {
        let least = if more.is_some() { "at least " } else { "" };
        let (want, got) = (kinds.len(), args.len());
        return Err((
            Fault::Count,
            format!("wrong number of args for {name}: want {least}{want} got {got}"),
        ));
    }
    let kind = |at: usize| kinds.get(at).copied().or(more).unwrap_or(Kind::Any);
    let checked = args.into_iter().enumerate().map(|(at, (value, located))| {
        adapt(kind(at), value, located, source).map_err(|why| (Fault::Argument(located), why))
    });
    checked.collect()
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // checked to be whole
fn adapt(
    kind: Kind,
    value: Value,
    located: Option<&Located>,
    source: &str,
) -> Result<Value, String> {
    let literal = located.is_some_and(|located| {
        matches!(
            located.arg,
            Arg::Int(_) | Arg::Float(_) | Arg::Text(_) | Arg::Pattern(_) | Arg::Bool(_) | Arg::Nil
        )
    });
    let wanted = match (kind, &value) {
        (Kind::Any, _)
        | (Kind::Text, Value::Text(_))
        | (Kind::Int, Value::Int(_))
        | (Kind::Float, Value::Float(_))
        | (Kind::Time, Value::Time(_))
        | (Kind::Duration, Value::Named(Named::Duration, _)) => return Ok(value),
        (Kind::Duration, Value::Int(int)) if literal => {
            return Ok(Value::Named(Named::Duration, *int));
        }
        (Kind::Duration, Value::Float(float)) if literal && float.fract() == 0.0 => {
            return Ok(Value::Named(Named::Duration, *float as i64));
        }
        (Kind::Int, Value::Float(float)) if literal && float.fract() == 0.0 => {
            return Ok(Value::Int(*float as i64));
        }
        (Kind::Float, Value::Int(int)) if literal => return Ok(Value::Float(*int as f64)),
        (Kind::Text, _) => ("string", "string"),
        (Kind::Int, _) => ("integer", "int"),
        (Kind::Float, _) => ("float", "float64"),
        (Kind::Duration, _) => ("integer", "time.Duration"),
        (Kind::Time, _) => ("time.Time", "time.Time"),
    };
    if let Some(located) = located.filter(|_| literal) {
        let (start, end) = located.span;
        let shown = source.get(start..end).unwrap_or_default();
        return Err(match (&located.arg, kind) {
            (Arg::Nil, _) => format!("cannot assign nil to {}", wanted.1),
            (_, Kind::Time) => format!("can't handle {shown} for arg of type time.Time"),
            _ => format!("expected {}; found {shown}", wanted.0),
        });
    }
    if let Value::Nil = value {
        return Err(format!("invalid value; expected {}", wanted.1));
    }
    Err(format!(
        "wrong type for value; expected {}; got {}",
        wanted.1,
        value.type_name()
    ))
}
