//! Reading logfmt: `key=value key="quoted value" flag`.

/// Reads one line, pair after pair.
#[derive(Debug)]
pub(super) struct Decoder<'a> {
    line: &'a str,
    at: usize,
    /// The latest fault, with its place.
    pub(super) error: Option<String>,
}

/// A key with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) key: &'a str,
    pub(super) value: std::borrow::Cow<'a, str>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            line,
            at: 0,
            error: None,
        }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether the line has been read to its end.
    pub(super) fn is_done(&self) -> bool {
        self.at >= self.line.len()
    }

    /// The next pair; `None` where there is a fault (see `error`) or only space.
    pub(super) fn next(&mut self) -> Option<Pair<'a>> {
        let bytes = self.line.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| *byte <= b' ') {
            self.at += 1;
        }
        let start = self.at;
        if self.is_done() {
            return None;
        }
        let stops = |byte: &u8| matches!(*byte, b'=' | b'"') || *byte <= b' ';
        self.at += bytes
            .get(start..)?
            .iter()
            .position(stops)
            .unwrap_or(bytes.len() - start);
        let key = self.line.get(start..self.at)?;
        match bytes.get(self.at) {
            Some(b'"') => return self.unexpected('"'),
            Some(b'=') if key.is_empty() => return self.unexpected('='),
            _ if super::json::has_replacement(key) => {
                self.fault("invalid key");
                // Only behind an equals sign is there a value to pass over.
                if bytes.get(self.at) == Some(&b'=') {
                    self.skip_value();
                }
                return None;
            }
            Some(b'=') => self.at += 1,
            _ => {
                return Some(Pair {
                    key,
                    value: "".into(),
                });
            }
        }
        match bytes.get(self.at) {
            None => Some(Pair {
                key,
                value: "".into(),
            }),
            Some(b'"') => self.quoted(key),
            Some(_) => {
                let from = self.at;
                self.at += bytes
                    .get(from..)?
                    .iter()
                    .position(stops)
                    .unwrap_or(bytes.len() - from);
                match bytes.get(self.at) {
                    Some(b'=') => self.unexpected('='),
                    Some(b'"') => self.unexpected('"'),
                    _ => Some(Pair {
                        key,
                        value: self.line.get(from..self.at)?.into(),
                    }),
                }
            }
        }
    }

    fn quoted(&mut self, key: &'a str) -> Option<Pair<'a>> {
        let Some((inner, rest)) = super::json::split_string(self.line.get(self.at + 1..)?) else {
            self.at = self.line.len();
            self.fault("unterminated quoted value");
            return None;
        };
        self.at = self.line.len() - rest.len();
        if !inner.contains('\\') {
            return Some(Pair {
                key,
                value: inner.into(),
            });
        }
        let Some(value) = unquote(inner) else {
            self.fault("invalid quoted value");
            return None;
        };
        Some(Pair {
            key,
            value: value.into(),
        })
    }

    fn fault(&mut self, what: &str) {
        self.error = Some(format!(
            "logfmt syntax error at pos {} : {what}",
            self.at + 1
        ));
    }

    fn unexpected(&mut self, c: char) -> Option<Pair<'a>> {
        self.fault(&format!("unexpected '{c}'"));
        self.skip_value();
        None
    }

    fn skip_value(&mut self) {
        let rest = self.line.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|byte| *byte <= b' ')
            .unwrap_or(rest.len());
    }
}

/// A quoted value without its escapes: JSON's and `\'`; a lone half of a surrogate pair becomes
/// the replacement character.
fn unquote(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let kind = rest.chars().next()?;
        rest = &rest[kind.len_utf8()..];
        match kind {
            '"' | '\\' | '/' | '\'' => out.push(kind),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let first = unit(rest)?;
                rest = &rest[4..];
                let second = rest.strip_prefix("\\u").and_then(unit);
                let pair = second.map(|second| char::decode_utf16([first, second]).next());
                match (char::from_u32(u32::from(first)), pair) {
                    (Some(c), _) => out.push(c),
                    (None, Some(Some(Ok(c)))) => {
                        out.push(c);
                        rest = &rest[6..];
                    }
                    (None, _) => out.push('\u{fffd}'),
                }
            }
            _ => return None,
        }
    }
    out.push_str(rest);
    Some(out)
}

fn unit(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Vec<(String, String)>, Option<String>) {
        let mut decoder = Decoder::new(line);
        let mut pairs = Vec::new();
        while !decoder.is_done() {
            if let Some(pair) = decoder.next() {
                pairs.push((pair.key.to_owned(), pair.value.into_owned()));
            }
        }
        (pairs, decoder.error)
    }

    #[test]
    fn pairs_are_read_and_faults_are_passed_over() {
        let (pairs, error) = read(r#"a=1 b="x \"y\"" flag c= "bad d=2=3 e=é"#);
        let wanted = [
            ("a", "1"),
            ("b", "x \"y\""),
            ("flag", ""),
            ("c", ""),
            ("e", "é"),
        ];
        let wanted: Vec<_> = wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(pairs, wanted);
        assert_eq!(
            error.unwrap(),
            "logfmt syntax error at pos 33 : unexpected '='"
        );
    }

    #[test]
    fn faults_name_their_place() {
        let unterminated = read("level=warn k=\"unterminated").1.unwrap();
        assert_eq!(
            unterminated,
            "logfmt syntax error at pos 27 : unterminated quoted value"
        );
        let quote = read("{\"a\":1}").1.unwrap();
        assert_eq!(quote, "logfmt syntax error at pos 2 : unexpected '\"'");
    }
}
