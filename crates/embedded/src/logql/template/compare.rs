//! Comparisons of values in templates: `eq`, `lt` and the like.

use super::value::Value;

/// Compares the first value with the others, as the function of this name does.
pub(super) fn compare(name: &str, args: &[Value]) -> Result<bool, String> {
    let [first, others @ ..] = args else {
        return Err("missing argument for comparison".to_owned());
    };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    if let "eq" | "ne" = name {
        let mut equal = false;
        for other in others {
            equal |= equals(first, other)?;
        }
        return Ok(equal == (name == "eq"));
    }
    let Some(second) = others.first() else {
        return Ok(false);
    };
    let is_basic = |value: &Value| {
        matches!(
            value,
            Value::Text(_)
                | Value::Int(_)
                | Value::Long(_)
                | Value::Named(..)
                | Value::Float(_)
                | Value::Bool(_)
        )
    };
    let order = match (first, second) {
        (Value::Text(a), Value::Text(b)) => a.partial_cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (
            Value::Int(a) | Value::Long(a) | Value::Named(_, a),
            Value::Int(b) | Value::Long(b) | Value::Named(_, b),
        ) => a.partial_cmp(b),
        (Value::Bool(_), Value::Bool(_)) => return Err("invalid type for comparison".to_owned()),
        (a, b) if is_basic(a) && is_basic(b) => return Err(incompatible(a, b)),
        _ => return Err("invalid type for comparison".to_owned()),
    };
    Ok(match name {
        "lt" => order.is_some_and(std::cmp::Ordering::is_lt),
        "le" => order.is_some_and(std::cmp::Ordering::is_le),
        "gt" => order.is_some_and(std::cmp::Ordering::is_gt),
        _ => order.is_some_and(std::cmp::Ordering::is_ge),
    })
}

#[allow(clippy::float_cmp)] // as Go compares
fn equals(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (
            Value::Int(a) | Value::Long(a) | Value::Named(_, a),
            Value::Int(b) | Value::Long(b) | Value::Named(_, b),
        ) => Ok(a == b),
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        (Value::Nil, Value::Nil) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        (a, b) => Err(incompatible(a, b)),
    }
}

fn incompatible(a: &Value, b: &Value) -> String {
    let (a, b) = (a.type_name(), b.type_name());
    format!("incompatible types for comparison: {a} and {b}")
}
