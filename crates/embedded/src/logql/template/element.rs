//! Elements and parts of values in templates: `index` and `slice`.

use super::value::Value;
use crate::logql::go;

/// The element of the first value that the others lead to.
pub(super) fn index(args: &[Value], fields: &[(String, String)]) -> Result<Value, String> {
    let [first, keys @ ..] = args else {
        return Ok(Value::Nil);
    };
    if let Value::Nil = first {
        return Err("index of untyped nil".to_owned());
    }
    let mut value = first.clone();
    for key in keys {
        value = match (value, key) {
            (Value::Labels, Value::Text(key)) => {
                let found = fields.iter().find(|(own, _)| own == key);
                Value::Text(found.map_or_else(String::new, |(_, value)| value.clone()))
            }
            (Value::Map(mut map), Value::Text(key)) => map.remove(key).unwrap_or(Value::Nil),
            (Value::List(list), Value::Int(at) | Value::Long(at)) => {
                let found = usize::try_from(*at)
                    .ok()
                    .and_then(|at| list.get(at).cloned());
                found.ok_or_else(|| format!("index out of range: {at}"))?
            }
            (Value::Text(text), Value::Int(at) | Value::Long(at)) => {
                let byte = usize::try_from(*at)
                    .ok()
                    .and_then(|at| text.as_bytes().get(at).copied());
                Value::Int(
                    byte.ok_or_else(|| format!("index out of range: {at}"))?
                        .into(),
                )
            }
            (Value::Nil, _) => return Err("index of untyped nil".to_owned()),
            (Value::List(_) | Value::Text(_), key) => {
                return Err(bad_index(key));
            }
            (value @ (Value::Labels | Value::Map(_)), key) => {
                let (kind, wanted) = (key.type_name(), value.type_name());
                return Err(format!("cannot index {wanted} with type {kind}"));
            }
            (other, _) => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(value)
}

fn bad_index(index: &Value) -> String {
    if let Value::Nil = index {
        return "cannot index slice/array with nil".to_owned();
    }
    format!("cannot index slice/array with type {}", index.type_name())
}

/// The part of the first value between the bounds that follow.
pub(super) fn slice(args: &[Value]) -> Result<Value, String> {
    let bound = |at: usize, default: usize| match args.get(at) {
        Some(value) if !matches!(value, Value::Int(_) | Value::Long(_)) => Err(bad_index(value)),
        Some(value) => usize::try_from(value.to_integer())
            .map_err(|_| format!("index out of range: {}", value.to_integer())),
        None => Ok(default),
    };
    let out_of_range = |at: usize| format!("index out of range: {at}");
    match args.first() {
        Some(Value::Text(text)) if args.len() <= 3 => {
            let (start, end) = (bound(1, 0)?, bound(2, text.len())?);
            let bytes = text
                .as_bytes()
                .get(start..end)
                .ok_or_else(|| out_of_range(end))?;
            Ok(Value::Text(go::lossy(bytes)))
        }
        Some(Value::List(list)) if args.len() <= 3 => {
            let (start, end) = (bound(1, 0)?, bound(2, list.len())?);
            let part = list.get(start..end).ok_or_else(|| out_of_range(end))?;
            Ok(Value::List(part.to_vec()))
        }
        Some(Value::Text(_)) => Err("cannot 3-index slice a string".to_owned()),
        Some(Value::List(_)) => Err("slices with three bounds are not supported".to_owned()),
        Some(Value::Nil) => Err("slice of untyped nil".to_owned()),
        Some(other) => Err(format!("can't slice item of type {}", other.type_name())),
        None => Ok(Value::Nil),
    }
}
