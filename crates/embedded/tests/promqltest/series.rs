//! Series with their values in short notation: `m{a="b"} 1 2+3x2 _ stale {{count:1}}`.

use std::sync::Arc;

use embedded::store::STALE_NAN;
use embedded::{Histogram, Labels};
use query::promql::Expr;

use crate::histograms;

/// A value of a series, or none.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    None,
    Float(f64),
    /// And whether its reset hint was written.
    Histogram(Arc<Histogram>, bool),
}

/// A number as Go reads it.
pub(crate) fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let first = digits.chars().next()?;
    if !first.is_ascii_digit()
        && first != '.'
        && !matches!(digits.to_lowercase().as_str(), "nan" | "inf")
    {
        return None;
    }
    digits.parse::<f64>().ok().map(|value| sign * value)
}

/// The labels, and the values in their order.
pub(crate) fn parse(line: &str) -> (Labels, Vec<Item>) {
    let end = metric_end(line);
    let (metric, rest) = line.split_at(end);
    let items = split(rest).into_iter().flat_map(expand).collect();
    (labels(metric), items)
}

fn metric_end(line: &str) -> usize {
    let name = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    if !line[name..].starts_with('{') {
        return name;
    }
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices().skip_while(|(at, _)| *at < name) {
        match quote {
            Some(q) => {
                if c == q && !escaped {
                    quote = None;
                }
                escaped = c == '\\' && !escaped;
            }
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == '}' => return at + 1,
            None => {}
        }
    }
    panic!("{line}")
}

/// The labels of a selector that names them all. It is not parsed as a query, for some of the tests
/// have labels that no query may ask for.
pub(crate) fn labels(metric: &str) -> Labels {
    let (name, inner) = metric.split_once('{').unwrap_or((metric, "}"));
    let mut rest = inner.strip_suffix('}').unwrap().trim();
    let mut pairs = Vec::new();
    if !name.is_empty() {
        pairs.push(("__name__".to_owned(), name.to_owned()));
    }
    while !rest.is_empty() {
        let (label, behind) = if rest.starts_with(['"', '\'', '`']) {
            quoted(rest)
        } else {
            let (label, behind) = rest.split_at(rest.find('=').unwrap());
            (label.trim().to_owned(), behind)
        };
        let behind = behind.trim_start();
        if let Some(value) = behind.strip_prefix('=') {
            let (value, behind) = quoted(value.trim_start());
            pairs.push((label, value));
            rest = behind;
        } else {
            pairs.push(("__name__".to_owned(), label));
            rest = behind;
        }
        rest = rest.trim_start().trim_start_matches(',').trim_start();
    }
    Labels::new(pairs)
}

/// A string in quotes at the beginning of the text, and what is behind it.
fn quoted(text: &str) -> (String, &str) {
    let quote = text.chars().next().unwrap();
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped && quote != '`';
        ends
    });
    let (literal, rest) = text.split_at(end.unwrap_or_else(|| panic!("{text}")).0 + 1);
    let Ok(Expr::String(value)) = query::promql::parse(literal) else {
        panic!("{literal}");
    };
    (value.to_string_lossy().into_owned(), rest)
}

/// The items between blanks; a histogram has blanks in it.
fn split(text: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut begin) = (0, None);
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && c.is_whitespace() {
            items.extend(begin.take().map(|begin| &text[begin..at]));
        } else {
            begin.get_or_insert(at);
        }
    }
    items.extend(begin.map(|begin| &text[begin..]));
    items
}

fn expand(item: &str) -> Vec<Item> {
    if item.starts_with("{{") {
        return histograms::expand(item);
    }
    let (item, times) = match item.rsplit_once('x') {
        Some((item, times)) if !item.is_empty() => (item, Some(times.parse::<usize>().unwrap())),
        Some(_) | None => (item, None),
    };
    if item == "_" {
        return vec![Item::None; times.unwrap_or(1)];
    }
    if item == "stale" {
        let stale = Item::Float(f64::from_bits(STALE_NAN));
        return vec![stale; times.map_or(1, |times| times + 1)];
    }
    if let Some(value) = number(item) {
        return vec![Item::Float(value); times.map_or(1, |times| times + 1)];
    }
    // The sign of the change, which is not that of an exponent.
    let sign = item
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !item[..*at].ends_with(['e', 'E']));
    let (at, _) = sign.unwrap_or_else(|| panic!("{item}"));
    let (start, change) = item.split_at(at);
    let (mut value, change) = (number(start).unwrap(), number(change).unwrap());
    (0..=times.unwrap())
        .map(|_| {
            let item = Item::Float(value);
            value += change;
            item
        })
        .collect()
}
