//! A look at regular expressions (RE2 syntax) that finds the plain mistakes.
//!
//! An expression is never compiled here: that may cost a thousand times its length. This reads it
//! once and finds what is not closed and what is no escape; whatever it does not know it lets
//! through, for the backend to judge.

/// Reads `regex` and calls `name` with the name of every named group, in order.
///
/// # Errors
/// A sentence that says what is wrong with the expression.
pub(crate) fn scan<'r>(
    regex: &'r [u8],
    mut name: impl FnMut(&'r [u8]),
) -> Result<(), &'static str> {
    let mut open = 0_usize;
    // So that an expression full of `[[:` is not searched to its end each time.
    let mut named_classes = true;
    let mut rest = regex;
    while let Some((first, tail)) = rest.split_first() {
        rest = match first {
            b'\\' => match tail.strip_prefix(b"Q") {
                Some(literal) => behind(literal, *b"\\E").unwrap_or(&[]),
                None => escape(tail, false)?,
            },
            b'[' => class(tail, &mut named_classes)?,
            b'(' => {
                open += 1;
                match tail.strip_prefix(b"?P<").or(tail.strip_prefix(b"?<")) {
                    Some(named) => {
                        let end = named.iter().position(|byte| *byte == b'>');
                        let (found, rest) = end
                            .and_then(|end| named.split_at_checked(end))
                            .ok_or("the regular expression does not close a group's name with >")?;
                        name(found);
                        rest
                    }
                    None => tail,
                }
            }
            b')' => {
                open = open
                    .checked_sub(1)
                    .ok_or("the regular expression closes a bracket that is not open")?;
                tail
            }
            _ => tail,
        };
    }
    if open > 0 {
        return Err("the regular expression leaves a bracket open");
    }
    Ok(())
}

/// What follows an escape sequence; `text` is what stands behind its backslash.
fn escape(text: &[u8], in_class: bool) -> Result<&[u8], &'static str> {
    let Some((kind, rest)) = text.split_first() else {
        return Err("the regular expression ends in a backslash");
    };
    let known = match kind {
        b'a'
        | b'f'
        | b'n'
        | b'r'
        | b't'
        | b'v'
        | b'x'
        | b'0'..=b'7'
        | b'p'
        | b'P'
        | b'd'
        | b'D'
        | b's'
        | b'S'
        | b'w'
        | b'W' => true,
        b'A' | b'b' | b'B' | b'z' => !in_class,
        _ => !kind.is_ascii_alphanumeric() && kind.is_ascii(),
    };
    if known {
        Ok(rest)
    } else {
        Err(
            "the regular expression has an escape sequence that there is not (a backslash itself \
             is written as two, and doubled again inside of double quotes)",
        )
    }
}

/// What follows a character class; `text` is what stands behind its `[`. `named_classes` says
/// whether a `:]` may follow, and is set to false where none does.
fn class<'r>(text: &'r [u8], named_classes: &mut bool) -> Result<&'r [u8], &'static str> {
    let mut rest = text.strip_prefix(b"^").unwrap_or(text);
    // A `]` at the start stands for itself.
    rest = rest.strip_prefix(b"]").unwrap_or(rest);
    loop {
        rest = match rest.split_first() {
            None => return Err("the regular expression leaves a character class open"),
            Some((b']', tail)) => return Ok(tail),
            Some((b'\\', tail)) => escape(tail, true)?,
            Some((b'[', tail)) if *named_classes && tail.first() == Some(&b':') => {
                let named = tail.get(1..).and_then(|name| behind(name, *b":]"));
                *named_classes = named.is_some();
                named.unwrap_or(tail)
            }
            Some((_, tail)) => tail,
        };
    }
}

/// What stands behind the first `mark`.
fn behind(text: &[u8], mark: [u8; 2]) -> Option<&[u8]> {
    let at = text.windows(2).position(|pair| pair == mark.as_slice())?;
    text.get(at + 2..)
}

#[cfg(test)]
mod tests {
    use super::scan;

    #[test]
    fn plain_mistakes_are_found_and_nothing_else() {
        let good = [
            r"",
            r".*",
            r"a|(b|c)+",
            r"[]]",
            r"[^]a]",
            r"[[:alpha:]_]",
            r"[[:]",
            r"[(]",
            r"\(\[\)\\",
            r"\Q(\E",
            r"\Q[(",
            r"(?i)a(?:b)(?P<c>d)",
            r"\d\w\.\/\_\-\x41\x{e9}\pN\p{Greek}",
            r"\bfoo\b",
            "\u{e9}+",
        ];
        for regex in good {
            assert_eq!(scan(regex.as_bytes(), |_| ()), Ok(()), "{regex}");
        }
        let bad = [
            r"(", r")", r"a)(b", r"[a-z", r"[]", r"[^]", r"\", r"[\", r"\q", r"\8", r"[\b]",
            r"(?P<a>b", "\\\u{e9}",
        ];
        for regex in bad {
            assert!(scan(regex.as_bytes(), |_| ()).is_err(), "{regex}");
        }
    }
}
