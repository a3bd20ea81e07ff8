//! The functions of templates.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::compare::compare;
use super::decimal::{self, Operation};
use super::element::{index, slice};
use super::print;
use super::run::Input;
use super::text::{
    align, base64_decode, bounded, cut, js_escape, repeat, replace, replace_matches, title,
    unix_to_time, url_decode, url_encode,
};
use super::time::Time;
use super::value::Value;
use crate::logql::go;
use crate::logql::work::STEP;
use crate::regexes::Costed;

/// What functions know beside their arguments.
pub(super) struct Context<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) regexes: &'a HashMap<String, Arc<Costed<regex::Regex>>>,
    pub(super) now_ns: i64,
}

/// Calls a function with arguments that were checked.
#[allow(clippy::too_many_lines)] // one line a function
pub(super) fn call(name: &str, args: &[Value], context: &Context<'_>) -> Result<Value, String> {
    let text = |at: usize| match args.get(at) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    let int = |at: usize| args.get(at).map_or(0, Value::to_integer);
    let float = |at: usize| args.get(at).map_or(0.0, Value::to_float);
    let time = |at: usize| match args.get(at) {
        Some(Value::Time(time)) => *time,
        _ => Time::ZERO,
    };
    let in_set = |set: usize| move |c: char| text(set).contains(c);
    let done = |text: &str| Ok(Value::Text(text.to_owned()));
    let rest = args.get(1..).unwrap_or_default();
    match name {
        "__line__" => done(context.input.line),
        "__timestamp__" => Ok(Value::Time(Time::from_nanos(context.input.time_ns))),
        "ToLower" | "lower" => Ok(Value::Text(go::to_lower(text(0)))),
        "ToUpper" | "upper" => Ok(Value::Text(go::to_upper(text(0)))),
        "title" => Ok(Value::Text(title(text(0)))),
        "Replace" => replace(text(0), text(1), text(2), int(3)),
        "replace" => replace(text(2), text(0), text(1), -1),
        "Trim" => done(text(0).trim_matches(in_set(1))),
        "trimAll" => done(text(1).trim_matches(in_set(0))),
        "TrimLeft" => done(text(0).trim_start_matches(in_set(1))),
        "TrimRight" => done(text(0).trim_end_matches(in_set(1))),
        "TrimPrefix" => done(text(0).strip_prefix(text(1)).unwrap_or(text(0))),
        "TrimSuffix" => done(text(0).strip_suffix(text(1)).unwrap_or(text(0))),
        "trimPrefix" => done(text(1).strip_prefix(text(0)).unwrap_or(text(1))),
        "trimSuffix" => done(text(1).strip_suffix(text(0)).unwrap_or(text(1))),
        "TrimSpace" | "trim" => done(text(0).trim()),
        "regexReplaceAll" | "regexReplaceAllLiteral" | "count" => {
            let work = context.input.work;
            let regex = match context.regexes.get(text(0)) {
                Some(regex) => Arc::clone(regex),
                None => work.made(text(0))?,
            };
            let ended = || "the query has to end".to_owned();
            let regex = work.searching(&regex, text(1).len()).ok_or_else(ended)?;
            match name {
                "count" => {
                    let mut count = 0;
                    for found in regex.find_iter(text(1)) {
                        // The search for the next one may go to the end.
                        let behind = text(1).len().saturating_sub(found.end());
                        let spent = work.spend(STEP / 16 + behind / 64);
                        spent.map_err(|_| ended())?;
                        count += 1;
                    }
                    Ok(Value::Int(count))
                }
                _ => replace_matches(regex, text(1), text(2), name == "regexReplaceAll", work),
            }
        }
        "urldecode" => url_decode(text(0)).map(Value::Text),
        "urlencode" => Ok(Value::Text(url_encode(text(0)))),
        "urlquery" => Ok(Value::Text(url_encode(&print::plain(
            args,
            context.input.fields,
        )?))),
        #[allow(clippy::cast_precision_loss)]
        "bytes" => go::parse_bytes(text(0)).map(|bytes| Value::Float(bytes as f64)),
        #[allow(clippy::cast_precision_loss)]
        "duration" | "duration_seconds" => {
            go::parse_duration(text(0)).map(|nanos| Value::Float(nanos as f64 / 1e9))
        }
        "now" => Ok(Value::Time(Time::from_nanos(context.now_ns))),
        "unixEpoch" => Ok(Value::Text(time(0).seconds.to_string())),
        "unixEpochMillis" => Ok(Value::Text(time(0).millis().to_string())),
        "unixEpochNanos" => Ok(Value::Text(time(0).nanos_since_epoch().to_string())),
        "toDate" => Ok(Value::Time(
            Time::parse(text(0), text(1)).unwrap_or(Time::ZERO),
        )),
        "toDateInZone" => Time::parse_in(text(0), text(1), text(2)).map(Value::Time),
        "unixToTime" => unix_to_time(text(0)).map(Value::Time),
        "date" => {
            let time = match args.get(1) {
                Some(Value::Time(time)) => *time,
                Some(Value::Int(seconds) | Value::Long(seconds)) => Time::from_seconds(*seconds),
                _ => Time::from_nanos(context.now_ns),
            };
            time.format(text(0)).map(Value::Text)
        }
        "alignLeft" => Ok(Value::Text(align(int(0), text(1), true)?)),
        "alignRight" => Ok(Value::Text(align(int(0), text(1), false)?)),
        "b64enc" => Ok(Value::Text(STANDARD.encode(text(0)))),
        "b64dec" => Ok(Value::Text(base64_decode(text(0)))),
        "trunc" => {
            let (count, whole) = (int(0), text(1));
            let size = length(whole.len());
            if count < 0 && size + count > 0 {
                return cut(whole, size + count, size);
            }
            if count >= 0 && size > count {
                cut(whole, 0, count)
            } else {
                done(whole)
            }
        }
        "substr" => {
            let (start, end, whole) = (int(0), int(1), text(2));
            let size = length(whole.len());
            match (start, end) {
                (start, end) if start < 0 => cut(whole, 0, end),
                (start, end) if end < 0 || end > size => cut(whole, start, size),
                (start, end) => cut(whole, start, end),
            }
        }
        "contains" => Ok(Value::Bool(text(1).contains(text(0)))),
        "hasPrefix" => Ok(Value::Bool(text(1).starts_with(text(0)))),
        "hasSuffix" => Ok(Value::Bool(text(1).ends_with(text(0)))),
        "indent" | "nindent" => {
            let pad = repeat(" ", int(0))?;
            let start = if name == "nindent" { "\n" } else { "" };
            bounded(format!(
                "{start}{pad}{}",
                text(1).replace('\n', &format!("\n{pad}"))
            ))
        }
        "repeat" => repeat(text(1), int(0)).map(Value::Text),
        "int" => Ok(Value::Int(int(0))),
        "float64" => Ok(Value::Float(float(0))),
        "add" => Ok(Value::Long(
            args.iter()
                .map(Value::to_integer)
                .fold(0, i64::wrapping_add),
        )),
        "sub" => Ok(Value::Long(int(0).wrapping_sub(int(1)))),
        "mul" => {
            let others = rest.iter().map(Value::to_integer);
            Ok(Value::Long(others.fold(int(0), i64::wrapping_mul)))
        }
        "div" | "mod" if int(1) == 0 => Err("runtime error: integer divide by zero".to_owned()),
        "div" => Ok(Value::Long(int(0).wrapping_div(int(1)))),
        "mod" => Ok(Value::Long(int(0).wrapping_rem(int(1)))),
        "addf" => calculate(Operation::Add, 0.0, args),
        "subf" => calculate(Operation::Sub, float(0), rest),
        "mulf" => calculate(Operation::Mul, float(0), rest),
        "divf" => calculate(Operation::Div, float(0), rest),
        "max" => Ok(Value::Long(
            rest.iter().map(Value::to_integer).fold(int(0), i64::max),
        )),
        "min" => Ok(Value::Long(
            rest.iter().map(Value::to_integer).fold(int(0), i64::min),
        )),
        "maxf" => Ok(Value::Float(extreme(args, f64::max))),
        "minf" => Ok(Value::Float(extreme(args, f64::min))),
        "ceil" => Ok(Value::Float(float(0).ceil())),
        "floor" => Ok(Value::Float(float(0).floor())),
        "round" => {
            let on = args.get(2).map_or(0.5, Value::to_float);
            Ok(Value::Float(round(float(0), int(1), on)))
        }
        "fromJson" => {
            let json = serde_json::from_str(text(0)).ok();
            Ok(json.map_or(Value::Nil, Value::from_json))
        }
        "default" => {
            let given = rest.first().filter(|value| value.is_true());
            Ok(given.or(args.first()).cloned().unwrap_or(Value::Nil))
        }
        "and" | "or" => {
            let stops = args.iter().find(|value| value.is_true() == (name == "or"));
            Ok(stops.or(args.last()).cloned().unwrap_or(Value::Nil))
        }
        "not" => Ok(Value::Bool(!args.first().is_some_and(Value::is_true))),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compare(name, args).map(Value::Bool),
        "len" => match args.first() {
            Some(Value::Text(text)) => Ok(Value::Int(length(text.len()))),
            Some(Value::List(list)) => Ok(Value::Int(length(list.len()))),
            Some(Value::Map(map)) => Ok(Value::Int(length(map.len()))),
            Some(Value::Labels) => Ok(Value::Int(length(context.input.fields.len()))),
            Some(Value::Nil) | None => Err("len of nil pointer".to_owned()),
            Some(other) => Err(format!("len of type {}", other.type_name())),
        },
        "index" => index(args, context.input.fields),
        "slice" => slice(args),
        "print" => bounded(print::joined(args, context.input.fields)?),
        "println" => {
            let mut out = String::new();
            for (at, value) in args.iter().enumerate() {
                if at > 0 {
                    out.push(' ');
                }
                out.push_str(&print::shown(value, context.input.fields));
                print::check(&out)?;
            }
            out.push('\n');
            bounded(out)
        }
        "printf" => bounded(print::formatted(text(0), rest, context.input.fields)?),
        "html" => {
            let plain = print::plain(args, context.input.fields)?;
            let escaped = plain
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            Ok(Value::Text(
                escaped.replace('"', "&#34;").replace('\'', "&#39;"),
            ))
        }
        "js" => bounded(js_escape(&print::plain(args, context.input.fields)?)),
        // No value of a template is a function.
        "call" => Err(match args.first() {
            None | Some(Value::Nil) => "call of nil".to_owned(),
            Some(other) => format!("non-function of type {}", other.type_name()),
        }),
        other => Err(format!("{other} is not supported")),
    }
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn calculate(operation: Operation, first: f64, others: &[Value]) -> Result<Value, String> {
    let others: Vec<f64> = others.iter().map(Value::to_float).collect();
    decimal::calculate(operation, first, &others).map(Value::Float)
}

/// The greatest or smallest number; one that is not a number wins.
fn extreme(values: &[Value], choose: fn(f64, f64) -> f64) -> f64 {
    let choose = |a: f64, b: f64| {
        if a.is_nan() || b.is_nan() {
            f64::NAN
        } else {
            choose(a, b)
        }
    };
    values
        .iter()
        .map(Value::to_float)
        .reduce(choose)
        .unwrap_or_default()
}

fn round(value: f64, places: i64, on: f64) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let power = 10_f64.powf(places as f64);
    let digits = power * value;
    let rounded = if digits.fract() >= on {
        digits.ceil()
    } else {
        digits.floor()
    };
    rounded / power
}
