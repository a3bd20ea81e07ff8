//! Regular expressions in Go's RE2 syntax, for the `regex` crate.
//!
//! Both engines are of one family; they differ in what is a digit (`\d` is ASCII in Go), in
//! `\Q…\E`, in what an unclosed brace means (`{"level":` is literal text in Go), in octal escapes
//! and inside of brackets. See <https://github.com/google/re2/wiki/Syntax>.

use std::fmt::Write as _;

use crate::limits::EvalError;

/// Why a pattern is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
struct PatternError(String);

/// The pattern in the syntax of the `regex` crate.
///
/// # Errors
/// The pattern is not valid in Go. What the translation lets pass, the `regex` crate checks.
pub(super) fn from_go(pattern: &str) -> Result<String, EvalError> {
    translate(pattern).map_err(|error| EvalError::Invalid(error.to_string()))
}

fn translate(pattern: &str) -> Result<String, PatternError> {
    let mut translation = Translation {
        rest: pattern,
        out: String::new(),
        repeated: false,
        open: 0,
    };
    translation.run()?;
    Ok(translation.out)
}

struct Translation<'a> {
    rest: &'a str,
    out: String,
    /// The last thing was a repetition: another one is an error.
    repeated: bool,
    /// Groups that are open. They are balanced, so that a pattern can be put between others.
    open: usize,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        while let Some(c) = self.next() {
            let repetition = match c {
                '*' | '+' | '?' => {
                    self.repetition(c)?;
                    true
                }
                '{' => self.brace()?,
                '}' => {
                    self.out.push_str("\\}");
                    false
                }
                ']' => {
                    self.out.push_str("\\]");
                    false
                }
                '[' => {
                    self.class()?;
                    false
                }
                '\\' => {
                    self.escape(false)?;
                    false
                }
                '(' => {
                    self.group()?;
                    false
                }
                ')' => {
                    let outer = self.open.checked_sub(1);
                    self.open = outer.ok_or_else(|| PatternError("unexpected )".to_owned()))?;
                    self.out.push(')');
                    false
                }
                other => {
                    self.out.push(other);
                    false
                }
            };
            self.repeated = repetition;
        }
        if self.open > 0 {
            return Err(PatternError("missing closing )".to_owned()));
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn repetition(&mut self, operator: char) -> Result<(), PatternError> {
        if self.repeated {
            return Err(PatternError(format!(
                "invalid nested repetition operator: `{operator}`"
            )));
        }
        self.out.push(operator);
        if self.eat('?') {
            self.out.push('?');
        }
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`; anything else is a brace.
    fn brace(&mut self) -> Result<bool, PatternError> {
        let close = self.rest.find('}');
        let inner = close
            .map(|at| &self.rest[..at])
            .filter(|inner| is_counts(inner));
        let Some(inner) = inner else {
            self.out.push_str("\\{");
            return Ok(false);
        };
        let too_many = inner
            .split(',')
            .filter(|count| !count.is_empty())
            .any(|count| count.parse::<u32>().map_or(true, |count| count > 1_000));
        if too_many {
            return Err(PatternError(format!("invalid repeat count: `{{{inner}}}`")));
        }
        if self.repeated {
            return Err(PatternError(format!(
                "invalid nested repetition operator: `{{{inner}}}`"
            )));
        }
        let _ = write!(self.out, "{{{inner}}}");
        self.rest = &self.rest[inner.len() + 1..];
        if self.eat('?') {
            self.out.push('?');
        }
        Ok(true)
    }

    /// A group's opening; flags that only the `regex` crate knows are refused.
    fn group(&mut self) -> Result<(), PatternError> {
        self.out.push('(');
        self.open += 1;
        let Some(after) = self.rest.strip_prefix('?') else {
            return Ok(());
        };
        if let Some(named) = after.strip_prefix("P<").or_else(|| after.strip_prefix('<')) {
            if named.starts_with(['=', '!']) {
                return Err(PatternError(
                    "invalid or unsupported Perl syntax: `(?<`".to_owned(),
                ));
            }
            let end = named
                .find('>')
                .ok_or_else(|| PatternError(format!("invalid named capture: `(?{after}`")))?;
            let name = &named[..end];
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(PatternError(format!(
                    "invalid named capture: `(?P<{name}>`"
                )));
            }
            let _ = write!(self.out, "?P<{name}>");
            self.rest = &named[end + 1..];
            return Ok(());
        }
        let end = after.find([':', ')']).unwrap_or(after.len());
        let flags = &after[..end];
        if end == after.len() || !flags.bytes().all(|flag| b"imsU-".contains(&flag)) {
            let shown: String = after.chars().take(2).collect();
            return Err(PatternError(format!(
                "invalid or unsupported Perl syntax: `(?{shown}`"
            )));
        }
        self.out.push('?');
        self.out.push_str(&after[..=end]);
        if after[end..].starts_with(')') {
            self.open -= 1;
        }
        self.rest = &after[end + 1..];
        Ok(())
    }

    /// What follows a backslash, outside of brackets or within.
    fn escape(&mut self, in_class: bool) -> Result<(), PatternError> {
        let Some(c) = self.next() else {
            return Err(PatternError(
                "trailing backslash at end of expression: ``".to_owned(),
            ));
        };
        match c {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.push_str("[\\t\\n\\x0C\\r ]"),
            'S' => self.out.push_str("[^\\t\\n\\x0C\\r ]"),
            'b' if !in_class => self.out.push_str("(?-u:\\b)"),
            'B' | 'A' | 'z' if !in_class => {
                self.out.push('\\');
                self.out.push(c);
            }
            'Q' if !in_class => {
                let end = self.rest.find("\\E");
                let (literal, rest) = match end {
                    Some(at) => (&self.rest[..at], &self.rest[at + 2..]),
                    None => (self.rest, ""),
                };
                self.out.push_str(&regex::escape(literal));
                self.rest = rest;
            }
            'E' if !in_class => {}
            'p' | 'P' => self.property(c)?,
            '0'..='7' => self.octal(c)?,
            'x' => self.hexadecimal()?,
            'a' => self.literal('\u{7}'),
            'f' => self.literal('\u{c}'),
            't' => self.literal('\t'),
            'n' => self.literal('\n'),
            'r' => self.literal('\r'),
            'v' => self.literal('\u{b}'),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => self.literal(c),
            c => return Err(PatternError(format!("invalid escape sequence: `\\{c}`"))),
        }
        Ok(())
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, "\\x{:02X}", c as u32);
        }
    }

    fn property(&mut self, p: char) -> Result<(), PatternError> {
        let name = match self.next() {
            Some('{') => {
                let end = self.rest.find('}');
                let end = end.ok_or_else(|| {
                    PatternError(format!("invalid character class range: `\\{p}{{`"))
                })?;
                let name = &self.rest[..end];
                self.rest = &self.rest[end + 1..];
                name.to_owned()
            }
            Some(c) => c.to_string(),
            None => {
                return Err(PatternError(format!(
                    "invalid character class range: `\\{p}`"
                )));
            }
        };
        let _ = write!(self.out, "\\{p}{{{name}}}");
        Ok(())
    }

    fn octal(&mut self, first: char) -> Result<(), PatternError> {
        let is_octal = |c: &char| ('0'..='7').contains(c);
        // A single digit but zero would be a back-reference, which the language has not.
        if first != '0' && !self.rest.chars().next().is_some_and(|c| is_octal(&c)) {
            return Err(PatternError(format!(
                "invalid escape sequence: `\\{first}`"
            )));
        }
        let mut value = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().filter(is_octal) else {
                break;
            };
            value = value * 8 + digit.to_digit(8).unwrap_or_default();
            self.next();
        }
        let _ = write!(self.out, "\\x{{{value:X}}}");
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<(), PatternError> {
        let fail = || PatternError("invalid escape sequence: `\\x`".to_owned());
        let digits = if self.eat('{') {
            let end = self.rest.find('}').ok_or_else(fail)?;
            let digits = &self.rest[..end];
            self.rest = &self.rest[end + 1..];
            digits
        } else {
            let digits = self.rest.get(..2).ok_or_else(fail)?;
            self.rest = &self.rest[2..];
            digits
        };
        let value = u32::from_str_radix(digits, 16)
            .ok()
            .and_then(char::from_u32);
        let value = value.ok_or_else(fail)?;
        let _ = write!(self.out, "\\x{{{:X}}}", value as u32);
        Ok(())
    }

    /// A bracket expression. What the `regex` crate gives a meaning there and Go does not is
    /// escaped.
    fn class(&mut self) -> Result<(), PatternError> {
        let missing = || PatternError("missing closing ]".to_owned());
        self.out.push('[');
        if self.eat('^') {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or_else(missing)?;
            match c {
                ']' if !first => break,
                '[' if self.rest.starts_with(':') => {
                    let end = self.rest.find(":]").ok_or_else(missing)?;
                    let _ = write!(self.out, "[{}", &self.rest[..end + 2]);
                    self.rest = &self.rest[end + 2..];
                }
                '\\' => self.escape(true)?,
                // A hyphen is a range between two things and itself at either end.
                '-' if !first && !self.rest.starts_with(']') => {
                    self.out.push('-');
                    if self.rest.starts_with('-') {
                        self.next();
                        self.out.push_str("\\x2D");
                    }
                }
                c => self.literal(c),
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }
}

fn is_counts(inner: &str) -> bool {
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

#[cfg(test)]
mod tests {
    use crate::regexes::{anchored, unanchored};

    #[test]
    fn patterns_mean_what_they_mean_in_go() {
        for (pattern, matching, others) in [
            (r"\d+", &["12"][..], &["", "١٢", "a"][..]),
            (r"[\d.]+", &["1.2"], &["a"]),
            (r"[^\d]", &["a", "١"], &["1"]),
            (r"[\D]", &["a", "١"], &["1"]),
            (r"\w+", &["aB_9"], &["é", ""]),
            (r"\S", &["é"], &[" "]),
            (r"a.b", &["a\nb"], &[]),
            (r#"{"level":.*"#, &[r#"{"level":1}"#], &[]),
            (r"a{2}", &["aa"], &["a{2}"]),
            (r"a{1,}", &["aaa"], &[]),
            (r"a{,2}", &["a{,2}"], &["aa"]),
            (r"a{x}", &["a{x}"], &[]),
            (r"\Qa.b[\Ec", &["a.b[c"], &["axb[c"]),
            (r"\<a\>\-\_", &["<a>-_"], &["a"]),
            (r"[[]", &["["], &["]"]),
            (r"[]a]", &["]", "a"], &[]),
            (r"[a&&b]+", &["a&b"], &[]),
            (r"[a~~b]+", &["a~b"], &[]),
            (r"[+--]", &["+", ",", "-"], &["."]),
            (r"[a-]", &["a", "-"], &["b"]),
            (r"[[:alpha:]-]+", &["a-b"], &["1"]),
            (r"\x{41}\pL", &["Aé"], &[]),
            (r"(?i)ab|c", &["AB", "C"], &["xc"]),
            ("a|b", &["a", "b"], &["ab", "xb"]),
        ] {
            let regex = anchored(pattern).unwrap();
            for text in matching {
                assert!(regex.is_match(text), "{pattern} {text}");
            }
            for text in others {
                assert!(!regex.is_match(text), "{pattern} {text}");
            }
        }
        assert!(unanchored(r"\bfoo\b").unwrap().is_match("a foo b"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in ["(", ")", "a)|(b", "[a", "\\", "(?x)a", "(?=a)", "*", r"\1"] {
            assert!(anchored(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_that_would_take_much_memory_is_refused() {
        assert!(anchored(r"((a{1000}){1000}){1000}").is_err());
    }
}
