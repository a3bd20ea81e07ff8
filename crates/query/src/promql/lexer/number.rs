//! Where a number or a duration ends.

use super::{Kind, Lexer, Token};
use crate::error::Parsed;

impl Lexer<'_> {
    /// A number or a duration, by the rules of Prometheus's lexer; the value is made elsewhere.
    pub(super) fn number(&mut self) -> Parsed<Token> {
        let start = self.at;
        if self.scan_number() {
            return Ok(self.since(Kind::Number, start));
        }
        if self.scan_duration() {
            return Ok(self.since(Kind::Duration, start));
        }
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
        let text = self.text(self.since(Kind::Number, start));
        Err(self.error(
            start,
            format!("{text:?} is neither a number nor a duration"),
        ))
    }

    fn accept(&mut self, holds: impl Fn(u8) -> bool) -> bool {
        let accepted = self.at < self.query.len() && holds(self.peek(0));
        self.at += usize::from(accepted);
        accepted
    }

    /// Reads as much as belongs to a number; whether that is one, and ends like one.
    fn scan_number(&mut self) -> bool {
        let mut hexadecimal = false;
        if self.accept(|byte| byte == b'0') && self.accept(|byte| matches!(byte, b'x' | b'X')) {
            self.accept(|byte| byte == b'_');
            hexadecimal = true;
        }
        let digit = |byte: u8| byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit());
        let exponent = |byte: u8| matches!(byte, b'e' | b'E');
        self.accept(|byte| byte == b'.');
        self.accept(digit);
        let mut dot = false;
        let mut raised = false;
        loop {
            let byte = self.peek(0);
            if byte == b'.' {
                self.at += 1;
                // A second dot, a dot before an underscore, or one in a hexadecimal number.
                if dot || hexadecimal || self.accept(|byte| matches!(byte, b'_' | b'.')) {
                    return false;
                }
                dot = true;
            } else if exponent(byte) {
                // In a hexadecimal number, too: Prometheus reads 0x1e+5 as one piece.
                self.at += 1;
                if raised {
                    return false;
                }
                raised = true;
                self.accept(|byte| matches!(byte, b'+' | b'-'));
                if self.not_more() {
                    return false;
                }
            } else if byte == b'_' {
                self.at += 1;
                if self.not_more() {
                    return false;
                }
            } else if digit(byte) {
                self.skip_while(digit);
            } else {
                return !(byte.is_ascii_alphanumeric() || byte == b'_');
            }
        }
    }

    /// Whether what follows cannot continue a number after an exponent or an underscore.
    fn not_more(&mut self) -> bool {
        self.at >= self.query.len() || self.accept(|byte| matches!(byte, b'.' | b'_' | b'e' | b'E'))
    }

    /// Reads the rest of a duration behind its first digits; whether it ends like one.
    fn scan_duration(&mut self) -> bool {
        if !self.accept(|byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w' | b'y')) {
            return false;
        }
        self.accept(|byte| byte == b's');
        while self.peek(0).is_ascii_digit() {
            self.skip_while(|byte| byte.is_ascii_digit());
            if !self.accept(|byte| matches!(byte, b's' | b'm' | b'h' | b'd' | b'w')) {
                return false;
            }
            self.accept(|byte| byte == b's');
        }
        !(self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_')
    }
}
