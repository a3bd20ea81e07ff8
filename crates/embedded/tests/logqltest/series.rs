//! Series with their values in short notation: `{a="b"} 1 2+3x2 _`.

/// The labels of a series, sorted by name. Empty values count: a label may be there without one.
pub(crate) type Pairs = Vec<(String, String)>;

/// A series with its values step by step.
pub(crate) struct Series {
    pub(crate) labels: Pairs,
    pub(crate) values: Vec<Option<f64>>,
}

pub(crate) fn parse(line: &str) -> Series {
    let (labels, values) = line.split_at(line.find('}').unwrap() + 1);
    let values: Vec<_> = values.split_whitespace().flat_map(expand).collect();
    assert!(!values.is_empty(), "{line}");
    Series {
        labels: self::labels(labels),
        values,
    }
}

/// `{name="value", …}`, without escapes.
pub(crate) fn labels(text: &str) -> Pairs {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    let mut rest = inner.unwrap_or_else(|| panic!("{text}")).trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=').unwrap_or_else(|| panic!("{text}"));
        let behind = behind.trim_start().strip_prefix('"');
        let (value, behind) = behind.and_then(|text| text.split_once('"')).unwrap();
        assert!(!value.contains('\\'), "{text}");
        pairs.push((name.trim().to_owned(), value.to_owned()));
        rest = behind.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    pairs.sort();
    pairs
}

/// A number as Go writes it.
pub(crate) fn number(text: &str) -> Option<f64> {
    let starts_a_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    let is_named = matches!(text, "NaN" | "Inf" | "+Inf" | "-Inf");
    if !is_named && !text.starts_with(starts_a_number) {
        return None;
    }
    text.parse().ok()
}

/// `_`, a number, or `<first>[±<step>]x<count>`, which are `count` values more than one.
fn expand(item: &str) -> Vec<Option<f64>> {
    let read = |text: &str| number(text).unwrap_or_else(|| panic!("{item}"));
    if item == "_" {
        return vec![None];
    }
    let Some((head, count)) = item.split_once('x') else {
        return vec![Some(read(item))];
    };
    let count: u32 = count.parse().unwrap();
    let (first, step) = match head.rfind(['+', '-']) {
        Some(at) if at > 0 => (read(&head[..at]), read(&head[at..])),
        _ => (read(head), 0.0),
    };
    (0..=count)
        .map(|index| Some(first + f64::from(index) * step))
        .collect()
}
