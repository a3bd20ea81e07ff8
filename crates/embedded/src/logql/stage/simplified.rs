//! Patterns that Loki runs without a regular expression, and what they mean then.
//!
//! Loki turns simple patterns of line and label filters into searches for text: `a|b`, `x.*`,
//! `x(a|b)`. Not all of them mean the same afterwards. A label filter `a=~"x.*"` passes what
//! contains `x`, wherever; and of alternatives, those that any line passes go away beside others:
//! `|~ "x|"` is `|~ "x"`. So it is here, for the same lines are to pass.

mod node;

use node::Node;

use crate::logql::go;

/// What a simple pattern asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Simple {
    /// Nothing: every text passes.
    Anything,
    /// One of these.
    OneOf(Vec<Wanted>),
}

/// Something that a text may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    NotEmpty,
    Literal {
        text: String,
        /// Whatever its case; the text is in lower case then.
        folded: bool,
        /// It has to be the whole text.
        whole: bool,
    },
}

impl Wanted {
    /// Whether the text is as asked.
    pub(super) fn passes(&self, text: &str) -> bool {
        match self {
            Self::NotEmpty => !text.is_empty(),
            Self::Literal { whole: true, .. } if text.len() != self.len() => false,
            Self::Literal {
                text: wanted,
                folded: false,
                ..
            } => text.contains(wanted.as_str()),
            Self::Literal { text: wanted, .. } => contains_folded(text, wanted),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::NotEmpty => 0,
            Self::Literal { text, .. } => text.len(),
        }
    }
}

/// Whether `wanted`, which is in lower case, is in the text in any case.
fn contains_folded(text: &str, wanted: &str) -> bool {
    let Some(first) = wanted.bytes().next() else {
        return true;
    };
    let most = text.len().checked_sub(wanted.len());
    text.char_indices().any(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        // Loki looks for the first byte first, and so misses what has another one in upper case.
        if most.is_none_or(|most| at > most)
            || rest
                .bytes()
                .next()
                .is_none_or(|byte| byte.to_ascii_lowercase() != first)
        {
            return false;
        }
        let mut chars = rest.chars();
        wanted
            .chars()
            .all(|wanted| chars.next().is_some_and(|c| lower(c) == wanted))
    })
}

fn lower(c: char) -> char {
    let mut buffer = [0; 4];
    go::to_lower(c.encode_utf8(&mut buffer))
        .chars()
        .next()
        .unwrap_or(c)
}

/// What a pattern asks for; `None` where only the regular expression says it.
pub(super) fn simplify(pattern: &str, is_label: bool) -> Option<Simple> {
    // Captures mean nothing here, and fall at each step as Loki lets them fall.
    simple(&node::read(pattern)?, is_label)
}

fn simple(node: &Node, is_label: bool) -> Option<Simple> {
    match node {
        Node::Alternate(legs) => {
            let mut found = Simple::Anything;
            for leg in legs {
                found = either(found, simple(leg, is_label)?);
            }
            Some(found)
        }
        Node::Concat(parts) => concatenated(parts, None),
        Node::Capture(inner) => simple(inner, is_label),
        Node::Literal(text, folded) => Some(literal(text, *folded, is_label)),
        Node::Star(inner) if **inner == Node::Dot => Some(Simple::Anything),
        Node::Plus(inner) if **inner == Node::Dot => Some(Simple::OneOf(vec![Wanted::NotEmpty])),
        Node::Empty => Some(Simple::Anything),
        Node::Star(_) | Node::Plus(_) | Node::Dot | Node::Class | Node::Other => None,
    }
}

/// One or the other; what everything passes goes away beside what not everything passes.
pub(super) fn either(a: Simple, b: Simple) -> Simple {
    match (a, b) {
        (Simple::Anything, other) | (other, Simple::Anything) => other,
        (Simple::OneOf(mut a), Simple::OneOf(b)) => {
            a.extend(b);
            Simple::OneOf(a)
        }
    }
}

fn literal(text: &str, folded: bool, whole: bool) -> Simple {
    if text.is_empty() {
        return Simple::Anything;
    }
    let text = if folded {
        go::to_lower(text)
    } else {
        text.to_owned()
    };
    Simple::OneOf(vec![Wanted::Literal {
        text,
        folded,
        whole,
    }])
}

/// Parts one after the other, behind a literal that stands before all of them.
fn concatenated(parts: &[Node], before: Option<(&str, bool)>) -> Option<Simple> {
    let parts: Vec<&Node> = parts
        .iter()
        .map(|part| {
            if let Node::Capture(inner) = part {
                inner
            } else {
                part
            }
        })
        .filter(|part| **part != Node::Empty)
        .collect();
    if parts.len() > 3 {
        return None;
    }
    let mut base = before.map(|(text, _)| text.to_owned());
    let mut folded = false;
    let mut literals = 0;
    let mut found: Option<Simple> = None;
    for part in parts {
        match (part, &base) {
            (Node::Literal(text, fold), _) => {
                literals += 1;
                if literals > 1 {
                    return None;
                }
                base.get_or_insert_default().push_str(text);
                folded = *fold;
            }
            (Node::Alternate(legs), Some(base)) => {
                for leg in legs {
                    let leg = multiplied(leg, base, folded)?;
                    found = Some(match found {
                        Some(found) => either(found, leg),
                        None => leg,
                    });
                }
            }
            (Node::Star(inner), _) if **inner == Node::Dot => {}
            _ => return None,
        }
    }
    found.or_else(|| base.map(|base| literal(&base, folded, false)))
}

/// An alternative behind a literal.
fn multiplied(leg: &Node, base: &str, folded: bool) -> Option<Simple> {
    match leg {
        Node::Empty => Some(literal(base, folded, false)),
        Node::Literal(_, true) if !folded => None,
        Node::Literal(text, _) => Some(literal(&format!("{base}{text}"), folded, false)),
        Node::Concat(parts) => concatenated(parts, Some((base, folded))),
        Node::Star(inner) if **inner == Node::Dot => Some(literal(base, folded, false)),
        Node::Star(_)
        | Node::Plus(_)
        | Node::Dot
        | Node::Class
        | Node::Other
        | Node::Capture(_)
        | Node::Alternate(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(pattern: &str, text: &str) -> Option<bool> {
        Some(match simplify(pattern, true)? {
            Simple::Anything => true,
            Simple::OneOf(wanted) => wanted.iter().any(|wanted| wanted.passes(text)),
        })
    }

    #[test]
    fn simple_patterns_of_label_filters_mean_what_they_mean_to_loki() {
        let cases = [
            ("err.*", "myerror", Some(true)),
            ("err(.*)", "myerror", Some(true)),
            ("err", "myerror", Some(false)),
            ("err.*|warn", "mywarn", Some(false)),
            ("err.*|zz|", "mywarn", Some(false)),
            (".*|zz", "mywarn", Some(false)),
            ("(?i)ERR.*", "myerror", Some(true)),
            ("err(or|x)", "myerror", Some(true)),
            ("(err).*x?", "myerror", None),
            ("foo|fob|", "x", None),
            ("a.c", "abc", None),
            (".+", "", Some(false)),
            (".*", "", Some(true)),
            ("x{0}", "", Some(true)),
        ];
        for (pattern, text, wanted) in cases {
            assert_eq!(passes(pattern, text), wanted, "{pattern} on {text}");
        }
    }
}
