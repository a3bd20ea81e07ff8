//! The tree of a pattern, as Go builds it: as far as it takes to know which patterns are simple.

/// Groups within groups, and alternatives within alternatives, that are looked into.
const MAX_DEPTH: usize = 50;

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// The empty pattern.
    Empty,
    /// A text, and whether its case does not matter.
    Literal(String, bool),
    /// Any character but a newline.
    Dot,
    Star(Box<Node>),
    Plus(Box<Node>),
    /// One of several characters.
    Class,
    Capture(Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    /// What is never simple.
    Other,
}

/// Reads a valid pattern; `None` where it has something that makes it no simple one.
pub(super) fn read(pattern: &str) -> Option<Node> {
    let mut reader = Reader {
        rest: pattern,
        folded: false,
        depth: 0,
    };
    let node = reader.alternatives()?;
    reader.rest.is_empty().then_some(node)
}

struct Reader<'a> {
    rest: &'a str,
    folded: bool,
    depth: usize,
}

impl Reader<'_> {
    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn alternatives(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut legs = vec![self.concatenation()?];
        while self.eat("|") {
            legs.push(self.concatenation()?);
        }
        self.depth -= 1;
        alternate(legs, 0)
    }

    fn concatenation(&mut self) -> Option<Node> {
        let mut parts: Vec<Node> = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let c = self.rest.chars().next()?;
            if matches!(c, '*' | '+' | '?' | '{') {
                let last = parts.pop()?;
                parts.push(self.repeated(last, c)?);
            } else if let Some(part) = self.part(c)? {
                parts.push(part);
            }
        }
        Some(concat(parts))
    }

    fn repeated(&mut self, last: Node, operator: char) -> Option<Node> {
        self.rest = self.rest.get(1..)?;
        let node = match operator {
            '*' => Node::Star(Box::new(last)),
            '+' => Node::Plus(Box::new(last)),
            '?' => Node::Other,
            _ => {
                // Counts; a brace that begins none is a rare literal.
                let (counts, rest) = self.rest.split_once('}')?;
                self.rest = rest;
                match counts {
                    "0" | "0,0" => Node::Empty,
                    "1" | "1,1" => last,
                    "0," => Node::Star(Box::new(last)),
                    "1," => Node::Plus(Box::new(last)),
                    _ if counts.bytes().all(|b| b.is_ascii_digit() || b == b',') => Node::Other,
                    _ => return None,
                }
            }
        };
        // Whether it is greedy makes no difference.
        self.eat("?");
        if let Node::Star(inner) | Node::Plus(inner) = &node
            && **inner == Node::Empty
        {
            return Some(Node::Empty);
        }
        Some(node)
    }

    /// The next part; `Some(None)` where it is only a flag.
    #[allow(clippy::option_option)] // nothing to read, and nothing of what was read
    fn part(&mut self, c: char) -> Option<Option<Node>> {
        self.rest = self.rest.get(c.len_utf8()..)?;
        Some(Some(match c {
            '.' => Node::Dot,
            '^' | '$' => Node::Other,
            '[' => {
                // A class in brackets is never simple, and rarely worth to be read.
                return None;
            }
            '(' => {
                let folded = self.folded;
                let captures = if self.eat("?:") {
                    false
                } else if self.eat("?i)") {
                    self.folded = true;
                    return Some(None);
                } else if self.eat("?i:") {
                    self.folded = true;
                    false
                } else if self.eat("?P<") || self.eat("?<") {
                    self.rest = self.rest.split_once('>')?.1;
                    true
                } else if self.rest.starts_with('?') {
                    return None;
                } else {
                    true
                };
                let inner = self.alternatives()?;
                if !self.eat(")") {
                    return None;
                }
                self.folded = folded;
                if captures {
                    Node::Capture(Box::new(inner))
                } else {
                    inner
                }
            }
            '\\' => {
                let c = self.rest.chars().next()?;
                self.rest = self.rest.get(c.len_utf8()..)?;
                match c {
                    'd' | 'D' | 'w' | 'W' | 's' | 'S' => Node::Class,
                    'b' | 'B' | 'A' | 'z' => Node::Other,
                    'n' => self.literal('\n'),
                    't' => self.literal('\t'),
                    'r' => self.literal('\r'),
                    c if c.is_ascii_punctuation() => self.literal(c),
                    _ => return None,
                }
            }
            c => self.literal(c),
        }))
    }

    fn literal(&self, c: char) -> Node {
        if !self.folded {
            return Node::Literal(c.to_string(), false);
        }
        // Characters that are one but for their case have one representative.
        let c = match c {
            'ſ' => 's',
            'K' => 'k',
            'Å' => 'å',
            'ς' => 'σ',
            c => c.to_lowercase().next().unwrap_or(c),
        };
        Node::Literal(c.to_string(), true)
    }
}

/// Parts one after the other: literals side by side are one, and what was in a group is so no more.
fn concat(parts: Vec<Node>) -> Node {
    let mut merged: Vec<Node> = Vec::new();
    for part in parts {
        match (merged.last_mut(), part) {
            (Some(Node::Literal(before, a)), Node::Literal(text, b)) if *a == b => {
                before.push_str(&text);
            }
            (_, part) => merged.push(part),
        }
    }
    let mut flat = Vec::new();
    for part in merged {
        if let Node::Concat(inner) = part {
            flat.extend(inner);
        } else {
            flat.push(part);
        }
    }
    match flat.len() {
        0 => Node::Empty,
        1 => flat.pop().unwrap_or(Node::Empty),
        _ => Node::Concat(flat),
    }
}

/// Alternatives: what neighbours begin with alike goes before them, single characters become a
/// class, and there is one empty alternative where there were several.
fn alternate(legs: Vec<Node>, depth: usize) -> Option<Node> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut flat = Vec::new();
    for leg in legs {
        if let Node::Alternate(inner) = leg {
            flat.extend(inner);
        } else {
            flat.push(leg);
        }
    }
    let flat = joined(flat, |node| {
        matches!(node, Node::Class | Node::Dot) || is_character(node)
    });
    let flat = factored(flat, depth)?;
    let flat = joined(flat, |node| {
        matches!(node, Node::Class | Node::Dot) || is_character(node)
    });
    let mut flat = joined(flat, |node| *node == Node::Empty);
    if flat.len() == 1 {
        return flat.pop();
    }
    Some(Node::Alternate(flat))
}

fn is_character(node: &Node) -> bool {
    matches!(node, Node::Literal(text, _) if text.chars().nth(1).is_none())
}

/// Makes neighbours that are `alike` one: empty ones an empty one, characters a class.
fn joined(nodes: Vec<Node>, alike: impl Fn(&Node) -> bool) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::new();
    for node in nodes {
        match out.last_mut() {
            Some(last) if alike(last) && alike(&node) => {
                if *last != Node::Empty {
                    *last = Node::Class;
                }
            }
            _ => out.push(node),
        }
    }
    out
}

fn factored(legs: Vec<Node>, depth: usize) -> Option<Vec<Node>> {
    let mut out = Vec::new();
    let mut run: Vec<Node> = Vec::new();
    let mut prefix: Option<(String, bool)> = None;
    let close = |run: &mut Vec<Node>, prefix: Option<(String, bool)>, out: &mut Vec<Node>| {
        match prefix {
            Some((prefix, folded)) if run.len() > 1 => {
                let legs = run
                    .drain(..)
                    .map(|leg| without(leg, prefix.len()))
                    .collect();
                let rest = alternate(legs, depth + 1)?;
                let mut parts = vec![Node::Literal(prefix, folded)];
                if let Node::Concat(inner) = rest {
                    parts.extend(inner);
                } else {
                    parts.push(rest);
                }
                out.push(Node::Concat(parts));
            }
            _ => out.append(run),
        }
        Some(())
    };
    for leg in legs {
        let leading = leading(&leg);
        let shared = match (&prefix, &leading) {
            (Some((prefix, a)), Some((text, b))) if a == b => {
                let same = prefix.chars().zip(text.chars());
                same.take_while(|(a, b)| a == b)
                    .map(|(a, _)| a.len_utf8())
                    .sum()
            }
            _ => 0,
        };
        if shared > 0 {
            if let Some((prefix, _)) = &mut prefix {
                prefix.truncate(shared);
            }
        } else {
            close(&mut run, prefix.take(), &mut out)?;
            prefix = leading;
        }
        run.push(leg);
    }
    close(&mut run, prefix, &mut out)?;
    Some(out)
}

/// The text that a node begins with.
fn leading(node: &Node) -> Option<(String, bool)> {
    match node {
        Node::Literal(text, folded) => Some((text.clone(), *folded)),
        Node::Concat(parts) => match parts.first() {
            Some(Node::Literal(text, folded)) => Some((text.clone(), *folded)),
            _ => None,
        },
        Node::Empty
        | Node::Dot
        | Node::Star(_)
        | Node::Plus(_)
        | Node::Class
        | Node::Capture(_)
        | Node::Alternate(_)
        | Node::Other => None,
    }
}

/// A node without the first bytes of the text that it begins with.
fn without(node: Node, bytes: usize) -> Node {
    match node {
        Node::Literal(text, folded) => match text.get(bytes..) {
            Some(rest) if !rest.is_empty() => Node::Literal(rest.to_owned(), folded),
            _ => Node::Empty,
        },
        Node::Concat(mut parts) => {
            let first = without(parts.remove(0), bytes);
            if first != Node::Empty {
                parts.insert(0, first);
            }
            if parts.len() == 1 {
                parts.pop().unwrap_or(Node::Empty)
            } else {
                Node::Concat(parts)
            }
        }
        Node::Empty
        | Node::Dot
        | Node::Star(_)
        | Node::Plus(_)
        | Node::Class
        | Node::Capture(_)
        | Node::Alternate(_)
        | Node::Other => node,
    }
}
