//! Numbers and texts that stand in a template.

use super::{Fault, Parser, invalid};
use crate::logql::template::tree::Arg;

impl Parser<'_> {
    pub(super) fn number(&mut self) -> Result<Arg, Fault> {
        let rest = self.rest();
        let is_part = |(at, c): &(usize, char)| {
            let sign = matches!(c, '+' | '-')
                && (*at == 0
                    || rest
                        .get(..*at)
                        .is_some_and(|before| before.ends_with(['e', 'E'])));
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || sign
        };
        let end = rest
            .char_indices()
            .find(|one| !is_part(one))
            .map_or(rest.len(), |(at, _)| at);
        let text = &rest[..end];
        self.at += end;
        let plain = text.replace('_', "");
        let bad = || invalid(format!("bad number syntax: {text:?}"));
        let unsigned = plain.trim_start_matches(['+', '-']);
        let negative = plain.starts_with('-');
        let radix = match unsigned.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => Some((16, 2)),
            Some("0b") => Some((2, 2)),
            Some("0o") => Some((8, 2)),
            _ if unsigned.len() > 1
                && unsigned.starts_with('0')
                && unsigned.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Some((8, 1))
            }
            _ => None,
        };
        if let Some((radix, skip)) = radix {
            let digits = unsigned.get(skip..).unwrap_or_default();
            let value = i64::from_str_radix(digits, radix).map_err(|_| bad())?;
            return Ok(Arg::Int(if negative { -value } else { value }));
        }
        if let Ok(int) = plain.parse::<i64>() {
            return Ok(Arg::Int(int));
        }
        if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(bad());
        }
        plain.parse().map(Arg::Float).map_err(|_| bad())
    }

    /// A string in quotes or back quotes, or a character.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        self.at += 1;
        let unterminated = || invalid("unterminated quoted string");
        let rest = self.rest();
        if quote == '`' {
            let end = rest.find('`').ok_or_else(unterminated)?;
            self.at += end + 1;
            return Ok(rest[..end].replace('\r', ""));
        }
        let mut out = String::new();
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += at + 1;
                    return Ok(out);
                }
                '\n' => return Err(unterminated()),
                '\\' => {
                    let (_, kind) = chars.next().ok_or_else(unterminated)?;
                    let count = match kind {
                        'x' | '0'..='7' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    let digits: String = chars.by_ref().take(count).map(|(_, c)| c).collect();
                    let code = match kind {
                        'x' | 'u' | 'U' => u32::from_str_radix(&digits, 16).ok(),
                        '0'..='7' => u32::from_str_radix(&format!("{kind}{digits}"), 8).ok(),
                        _ => None,
                    };
                    out.push(match (kind, code.and_then(char::from_u32)) {
                        (_, Some(c)) => c,
                        ('a', _) => '\u{7}',
                        ('b', _) => '\u{8}',
                        ('f', _) => '\u{c}',
                        ('n', _) => '\n',
                        ('r', _) => '\r',
                        ('t', _) => '\t',
                        ('v', _) => '\u{b}',
                        ('\\', _) => '\\',
                        (kind, _) if kind == quote => quote,
                        _ => return Err(invalid(format!("invalid escape \\{kind} in string"))),
                    });
                }
                c => out.push(c),
            }
        }
        Err(unterminated())
    }
}
