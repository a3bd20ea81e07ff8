//! From Go's regular expressions (RE2 syntax) to the regex crate's.
//!
//! The two are nearly one language. Here are the differences that would change what a pattern
//! means: `\d`, `\w`, `\s` and `\b` are ASCII in Go; `{` is a literal unless it begins a
//! repetition; `\Q…\E` quotes; every ASCII punctuation may be escaped, `\<` being a plain `<`; and
//! within brackets `[`, `&&`, `--` and `~~` mean themselves. Brackets are balanced here, so that a
//! pattern can be put between others.

use std::iter::Peekable;
use std::str::Chars;

use super::invalid;
use crate::limits::EvalError;

/// The pattern in the regex crate's syntax, or an error where Go would not take it.
pub(super) fn from_go(pattern: &str) -> Result<String, EvalError> {
    let mut translation = Translation {
        pattern,
        chars: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 8),
    };
    translation.run()?;
    Ok(translation.out)
}

struct Translation<'a> {
    pattern: &'a str,
    chars: Peekable<Chars<'a>>,
    out: String,
}

impl Translation<'_> {
    fn run(&mut self) -> Result<(), EvalError> {
        let mut depth = 0_usize;
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '{' => self.brace(),
                '(' => {
                    depth += 1;
                    self.out.push('(');
                    self.group_flags()?;
                }
                ')' => {
                    depth = depth
                        .checked_sub(1)
                        .ok_or_else(|| invalid(self.pattern, "unexpected )"))?;
                    self.out.push(')');
                }
                _ => self.out.push(c),
            }
        }
        if depth > 0 {
            return Err(invalid(self.pattern, "missing closing )"));
        }
        Ok(())
    }

    /// What stands behind a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), EvalError> {
        let Some(c) = self.chars.next() else {
            return Err(invalid(
                self.pattern,
                "trailing backslash at end of expression",
            ));
        };
        let ranges = match c.to_ascii_lowercase() {
            'd' => Some("0-9"),
            'w' => Some("0-9A-Za-z_"),
            's' => Some(r"\t\n\x0C\r "),
            _ => None,
        };
        match (c, ranges) {
            ('d' | 'w' | 's', Some(ranges)) if in_class => self.out.push_str(ranges),
            ('d' | 'w' | 's', Some(ranges)) => {
                self.out.push('[');
                self.out.push_str(ranges);
                self.out.push(']');
            }
            (_, Some(ranges)) => {
                self.out.push_str("[^");
                self.out.push_str(ranges);
                self.out.push(']');
            }
            ('b', None) if !in_class => self.out.push_str(r"(?-u:\b)"),
            ('B', None) if !in_class => {
                return Err(EvalError::Unsupported(format!(
                    r"\B in a regular expression is not supported by the embedded backend: `{}`",
                    self.pattern
                )));
            }
            ('Q', None) if !in_class => self.quoted(),
            (_, None) if c.is_ascii_punctuation() => self.literal(c),
            (_, None) => {
                self.out.push('\\');
                self.out.push(c);
                // `\x{10FFFF}`, `\p{Greek}`: what is in the braces belongs to the escape.
                if matches!(c, 'x' | 'p' | 'P') && self.chars.peek() == Some(&'{') {
                    for c in self.chars.by_ref() {
                        self.out.push(c);
                        if c == '}' {
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn quoted(&mut self) {
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.peek() == Some(&'E') {
                self.chars.next();
                return;
            }
            self.literal(c);
        }
    }

    /// A `{`: of a repetition (`{2}`, `{2,}`, `{2,5}`), or itself.
    fn brace(&mut self) {
        let mut ahead = self.chars.clone();
        let mut text = String::new();
        for c in ahead.by_ref() {
            if c == '}' {
                break;
            }
            text.push(c);
        }
        let closed = text.len() < self.chars.clone().map(char::len_utf8).sum();
        let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let (least, most) = text.split_once(',').unwrap_or((&text, ""));
        if closed && is_number(least) && (most.is_empty() || is_number(most)) {
            self.out.push('{');
            self.out.push_str(&text);
            self.out.push('}');
            self.chars = ahead;
        } else {
            self.out.push_str(r"\{");
        }
    }

    /// What may stand behind `(`: a name, or flags that Go knows.
    fn group_flags(&mut self) -> Result<(), EvalError> {
        if self.chars.peek() != Some(&'?') {
            return Ok(());
        }
        let known = |c: &char| matches!(c, '?' | 'i' | 'm' | 's' | 'U' | '-');
        while let Some(c) = self.chars.next_if(known) {
            self.out.push(c);
        }
        match self.chars.peek() {
            Some(':' | ')' | '<' | 'P') => Ok(()),
            Some(_) | None => Err(invalid(self.pattern, "invalid or unsupported Perl syntax")),
        }
    }

    /// A class, behind its `[`.
    fn class(&mut self) -> Result<(), EvalError> {
        self.out.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let Some(c) = self.chars.next() else {
                return Err(invalid(self.pattern, "missing closing ]"));
            };
            match c {
                ']' if !is_first => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' if self.chars.peek() == Some(&':') => {
                    // `[:alpha:]`
                    self.out.push('[');
                    for c in self.chars.by_ref() {
                        self.out.push(c);
                        if c == ']' {
                            break;
                        }
                    }
                }
                '\\' => {
                    self.escape(true)?;
                    self.range_end()?;
                }
                _ => {
                    self.literal(c);
                    self.range_end()?;
                }
            }
            is_first = false;
        }
    }

    /// The `-z` of a range `a-z`, if there is one.
    fn range_end(&mut self) -> Result<(), EvalError> {
        let mut ahead = self.chars.clone();
        if ahead.next() != Some('-') || matches!(ahead.next(), Some(']') | None) {
            return Ok(());
        }
        self.chars.next();
        self.out.push('-');
        match self.chars.next() {
            Some('\\') => self.escape(true)?,
            Some(c) => self.literal(c),
            None => {}
        }
        Ok(())
    }
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
