//! How values are printed: `{{ .x }}`, `print` and `printf`.

use std::collections::BTreeMap;

use super::run::MAX_OUTPUT;
use super::value::Value;
use crate::logql::go;

/// Appends the value of an action.
pub(super) fn action(out: &mut String, value: &Value, fields: &[(String, String)]) {
    if matches!(value, Value::Nil) {
        out.push_str("<no value>");
    } else {
        out.push_str(&shown(value, fields));
    }
}

/// A value as `%v` prints it.
pub(super) fn shown(value: &Value, fields: &[(String, String)]) -> String {
    match value {
        Value::Nil => "<nil>".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Int(int) | Value::Long(int) => int.to_string(),
        Value::Float(float) => go::format_float(*float),
        Value::Bool(bool) => bool.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Named(kind, number) => kind.show(*number),
        Value::List(list) => {
            let items: Vec<String> = list.iter().map(|item| shown(item, fields)).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Map(map) => {
            let pair = |(key, value): (&String, &Value)| format!("{key}:{}", shown(value, fields));
            format!(
                "map[{}]",
                map.iter().map(pair).collect::<Vec<_>>().join(" ")
            )
        }
        Value::Labels => {
            let sorted: BTreeMap<&str, &str> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let pair = |(name, value): (&&str, &&str)| format!("{name}:{value}");
            format!(
                "map[{}]",
                sorted.iter().map(pair).collect::<Vec<_>>().join(" ")
            )
        }
    }
}

/// Values as `print` joins them: a space between two of which neither is a text.
pub(super) fn joined(values: &[Value], fields: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !is_text && !after_text {
            out.push(' ');
        }
        after_text = is_text;
        out.push_str(&shown(value, fields));
    }
    out
}

/// Values as `html`, `js` and `urlquery` take them: `nil` alone is no value.
pub(super) fn plain(values: &[Value], fields: &[(String, String)]) -> String {
    match values {
        [Value::Nil] => "<no value>".to_owned(),
        values => joined(values, fields),
    }
}

/// Flags, width and precision of a verb.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // flags, which come in any combination
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// Values as `printf` prints them.
pub(super) fn formatted(
    format: &str,
    values: &[Value],
    fields: &[(String, String)],
) -> Result<String, String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut spec = Spec::default();
        while let Some(flag) = rest.chars().next() {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                '#' => spec.sharp = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => break,
            }
            rest = &rest[1..];
        }
        spec.width = size(&mut rest, &mut values)?;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            spec.precision = Some(size(&mut rest, &mut values)?.unwrap_or(0));
        }
        let Some(verb) = rest.chars().next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        rest = &rest[verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        if let Some(value) = values.next() {
            out.push_str(&one(verb, spec, value, fields)?);
        } else {
            out.push_str("%!");
            out.push(verb);
            out.push_str("(MISSING)");
        }
        if out.len() > MAX_OUTPUT {
            return Err("the text is too long".to_owned());
        }
    }
    out.push_str(rest);
    let extra: Vec<String> = values
        .map(|value| {
            if matches!(value, Value::Nil) {
                "<nil>".to_owned()
            } else {
                format!("{}={}", value.type_name(), shown(value, fields))
            }
        })
        .collect();
    if !extra.is_empty() {
        out.push_str("%!(EXTRA ");
        out.push_str(&extra.join(", "));
        out.push(')');
    }
    Ok(out)
}

/// A width or precision: digits, or `*` for the next value.
fn size<'a>(
    rest: &mut &str,
    values: &mut impl Iterator<Item = &'a Value>,
) -> Result<Option<usize>, String> {
    let size = if let Some(after) = rest.strip_prefix('*') {
        *rest = after;
        let size = values.next().map_or(0, Value::to_integer);
        Some(usize::try_from(size).unwrap_or(0))
    } else {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = &rest[..end];
        *rest = &rest[end..];
        if digits.is_empty() {
            None
        } else {
            Some(digits.parse().unwrap_or(usize::MAX))
        }
    };
    if size.is_some_and(|size| size > 10_000) {
        return Err("a width or precision is too large".to_owned());
    }
    Ok(size)
}

/// One value under a verb.
fn one(
    verb: char,
    spec: Spec,
    value: &Value,
    fields: &[(String, String)],
) -> Result<String, String> {
    let body = match (value, verb) {
        (_, 'T') => value.type_name().to_owned(),
        (Value::Text(text), 's' | 'v') => clipped(text, spec),
        (Value::Text(text), 'q') if spec.sharp && !text.contains('`') => format!("`{text}`"),
        (Value::Text(text), 'q') => go::quote(&clipped(text, spec)),
        (Value::Text(text), 'x' | 'X') => text
            .bytes()
            .map(|byte| {
                if verb == 'x' {
                    format!("{byte:02x}")
                } else {
                    format!("{byte:02X}")
                }
            })
            .collect(),
        (Value::Named(kind, number), 's' | 'v') => clipped(&kind.show(*number), spec),
        (Value::Named(kind, number), 'q') => go::quote(&kind.show(*number)),
        (
            Value::Int(int) | Value::Long(int) | Value::Named(_, int),
            'd' | 'v' | 'b' | 'o' | 'x' | 'X',
        ) => {
            return Ok(padded(
                &integer(*int, verb, spec),
                spec,
                spec.precision.is_none(),
            ));
        }
        (Value::Int(int) | Value::Long(int), 'c' | 'q' | 'U') => {
            let c = u32::try_from(*int)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or('\u{fffd}');
            match verb {
                'c' => c.to_string(),
                'q' => format!("'{c}'"),
                _ => format!("U+{int:04X}"),
            }
        }
        (Value::Float(float), 'v' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G') => {
            return Ok(padded(
                &number(*float, verb, spec)?,
                spec,
                float.is_finite(),
            ));
        }
        (Value::Bool(bool), 't' | 'v') => bool.to_string(),
        (Value::Nil, 'v') => "<nil>".to_owned(),
        (Value::Nil, _) => format!("%!{verb}(<nil>)"),
        (Value::Time(time), 's' | 'v') => time.to_string(),
        (Value::Map(_) | Value::List(_) | Value::Labels, 'v' | 's') => shown(value, fields),
        _ => format!("%!{verb}({}={})", value.type_name(), shown(value, fields)),
    };
    Ok(padded(
        &body,
        Spec {
            zero: spec.zero && !spec.minus,
            ..spec
        },
        true,
    ))
}

fn clipped(text: &str, spec: Spec) -> String {
    text.chars()
        .take(spec.precision.unwrap_or(usize::MAX))
        .collect()
}

fn integer(int: i64, verb: char, spec: Spec) -> String {
    let magnitude = int.unsigned_abs();
    let (prefix, digits) = match verb {
        'b' => (if spec.sharp { "0b" } else { "" }, format!("{magnitude:b}")),
        'o' => (if spec.sharp { "0" } else { "" }, format!("{magnitude:o}")),
        'x' => (if spec.sharp { "0x" } else { "" }, format!("{magnitude:x}")),
        'X' => (if spec.sharp { "0X" } else { "" }, format!("{magnitude:X}")),
        _ => ("", magnitude.to_string()),
    };
    let least = spec.precision.unwrap_or(0);
    format!("{}{prefix}{digits:0>least$}", sign(int < 0, spec))
}

fn sign(negative: bool, spec: Spec) -> &'static str {
    match (negative, spec.plus, spec.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    }
}

fn number(float: f64, verb: char, spec: Spec) -> Result<String, String> {
    let magnitude = float.abs();
    let sign = sign(float.is_sign_negative() && !float.is_nan(), spec);
    if !float.is_finite() {
        let text = if float.is_nan() { "NaN" } else { "Inf" };
        let plus = if sign.is_empty() && float.is_infinite() {
            "+"
        } else {
            sign
        };
        return Ok(format!("{plus}{text}"));
    }
    let body = match verb {
        'f' | 'F' => format!("{magnitude:.*}", spec.precision.unwrap_or(6)),
        'e' | 'E' => {
            let text = format!("{magnitude:.*e}", spec.precision.unwrap_or(6));
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let exponent: i32 = exponent.parse().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            let text = format!("{digits}e{sign}{:02}", exponent.abs());
            if verb == 'E' {
                text.to_uppercase()
            } else {
                text
            }
        }
        _ if spec.precision.is_some() => {
            return Err(format!("a precision of %{verb} is not supported"));
        }
        'G' => go::format_float(magnitude).to_uppercase(),
        _ => go::format_float(magnitude),
    };
    Ok(format!("{sign}{body}"))
}

/// The text in its width; zeros go behind the sign.
fn padded(text: &str, spec: Spec, may_zero: bool) -> String {
    let width = spec.width.unwrap_or(0);
    let size = text.chars().count();
    if size >= width {
        return text.to_owned();
    }
    if spec.minus {
        return format!("{text:<width$}");
    }
    if spec.zero && may_zero {
        let signed = text.starts_with(['-', '+', ' ']);
        let (sign, digits) = text.split_at(usize::from(signed));
        let zeros = "0".repeat(width - size);
        return format!("{sign}{zeros}{digits}");
    }
    format!("{text:>width$}")
}
