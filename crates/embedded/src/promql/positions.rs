//! Where in the text of a query its expressions begin.
//!
//! The tree does not know, for nothing else asks. So the text is walked once more beside the tree,
//! which tells what has to come; where they do not fit, which only another text than the query's
//! brings about, the place is the beginning.

use std::collections::HashMap;

use query::promql::ast::{Aggregate, Binary, Call, Expr, VectorSelector};

/// The places of a query's expressions.
#[derive(Debug)]
pub(super) struct Positions<'a> {
    text: &'a str,
    starts: HashMap<usize, usize>,
}

/// A word (a name, a keyword, a number), a text in quotes, or an operator or bracket.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    start: usize,
    text: &'a str,
}

#[derive(Debug)]
struct Walk<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    starts: HashMap<usize, usize>,
}

impl<'a> Positions<'a> {
    /// What tells an expression of a tree from the others.
    pub(super) fn key(expr: &Expr) -> usize {
        std::ptr::from_ref(expr).addr()
    }

    pub(super) fn of(text: &'a str, query: &Expr) -> Self {
        let mut walk = Walk {
            tokens: tokens(text),
            next: 0,
            starts: HashMap::new(),
        };
        walk.expr(query);
        Self {
            text,
            starts: walk.starts,
        }
    }

    /// Line and column, from 1, the column in bytes.
    pub(super) fn line_and_column(&self, key: usize) -> String {
        let start = self.starts.get(&key).copied().unwrap_or_default();
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        format!("{line}:{column}")
    }
}

impl Walk<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.next).map_or("", |token| token.text)
    }

    fn peek_second(&self) -> &str {
        let token = self.tokens.get(self.next + 1);
        token.map_or("", |token| token.text)
    }

    fn skip(&mut self) {
        self.next += 1;
    }

    fn next_is(&self, words: &[&str]) -> bool {
        words
            .iter()
            .any(|word| self.peek().eq_ignore_ascii_case(word))
    }

    /// Skips a pair of brackets and all that is in it, if one begins here.
    fn skip_brackets(&mut self) {
        if !self.next_is(&["(", "[", "{"]) {
            return;
        }
        let mut depth = 0_usize;
        while self.next < self.tokens.len() {
            match self.peek() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.skip();
            if depth == 0 {
                return;
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let start = self.tokens.get(self.next).map_or(0, |token| token.start);
        self.starts.insert(Positions::key(expr), start);
        match expr {
            Expr::Number(_) => {
                // However many signs the number has swallowed.
                while self.next_is(&["+", "-"]) {
                    self.skip();
                }
                self.skip();
            }
            Expr::String(_) => self.skip(),
            Expr::Vector(selector) => {
                self.selector(selector);
                self.modifiers();
            }
            Expr::Matrix(matrix) => {
                self.selector(&matrix.selector);
                self.skip_brackets();
                self.modifiers();
            }
            Expr::Subquery(subquery) => {
                self.expr(&subquery.expr);
                self.skip_brackets();
                self.modifiers();
            }
            Expr::Paren(inner) => {
                self.skip();
                self.expr(inner);
                self.skip();
            }
            Expr::Unary(_, inner) => {
                self.skip();
                self.expr(inner);
            }
            Expr::Binary(binary) => self.binary(binary),
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Call(call) => self.call(call),
        }
    }

    fn selector(&mut self, _: &VectorSelector) {
        if !self.next_is(&["{"]) {
            self.skip();
        }
        if self.next_is(&["{"]) {
            self.skip_brackets();
        }
    }

    /// `offset`, `@`, `anchored` and `smoothed`.
    fn modifiers(&mut self) {
        loop {
            if self.next_is(&["anchored", "smoothed"]) {
                self.skip();
            } else if self.next_is(&["offset", "@"]) {
                self.skip();
                while self.next_is(&["+", "-"]) {
                    self.skip();
                }
                if !self.next_is(&["("]) {
                    self.skip();
                }
                if self.next_is(&["("]) {
                    self.skip_brackets();
                }
            } else {
                return;
            }
        }
    }

    fn binary(&mut self, binary: &Binary) {
        self.expr(&binary.lhs);
        self.skip();
        if binary.return_bool && self.next_is(&["bool"]) {
            self.skip();
        }
        let words = ["on", "ignoring", "fill", "fill_left", "fill_right"];
        loop {
            let is_group =
                binary.matching.is_some() && self.next_is(&["group_left", "group_right"]);
            if is_group || (self.next_is(&words) && self.peek_second() == "(") {
                self.skip();
                self.skip_brackets();
            } else {
                break;
            }
        }
        self.expr(&binary.rhs);
    }

    fn aggregate(&mut self, aggregate: &Aggregate) {
        self.skip();
        self.grouping();
        self.skip();
        if let Some(param) = &aggregate.param {
            self.expr(param);
            self.skip();
        }
        self.expr(&aggregate.expr);
        self.skip();
        self.grouping();
    }

    fn grouping(&mut self) {
        if self.next_is(&["by", "without"]) {
            self.skip();
            self.skip_brackets();
        }
    }

    fn call(&mut self, call: &Call) {
        self.skip();
        self.skip();
        for arg in &call.args {
            self.expr(arg);
            self.skip();
        }
        if call.args.is_empty() {
            self.skip();
        }
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = if first.is_whitespace() {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        } else if first == '#' {
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = rest.get(end..).unwrap_or_default();
            continue;
        } else {
            token_length(rest, first)
        };
        let (token, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
        tokens.push(Token {
            start: text.len() - rest.len(),
            text: token,
        });
        rest = behind;
    }
    tokens
}

fn token_length(rest: &str, first: char) -> usize {
    if matches!(first, '"' | '\'' | '`') {
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == first && !escaped;
            escaped = *c == '\\' && !escaped && first != '`';
            ends
        });
        return end.map_or(rest.len(), |(at, _)| at + 1);
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
    // A colon between the durations of a subquery is skipped with its brackets.
    if is_word(first) && first != ':' {
        let end = |from: usize| {
            let tail = rest.get(from..).unwrap_or_default();
            from + tail.find(|c| !is_word(c)).unwrap_or(tail.len())
        };
        let len = end(0);
        let word = rest.get(..len).unwrap_or_default();
        let is_hex = word.starts_with("0x") || word.starts_with("0X");
        let has_exponent = first.is_ascii_digit() || first == '.';
        if has_exponent && !is_hex && word.ends_with(['e', 'E']) {
            let signed = rest
                .get(len..)
                .is_some_and(|tail| tail.starts_with(['+', '-']));
            if signed {
                return end(len + 1);
            }
        }
        return len;
    }
    let pair = rest.get(..2).unwrap_or_default();
    if ["==", "!=", "<=", ">=", "=~", "!~", "</", ">/"].contains(&pair) {
        return 2;
    }
    first.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where every expression of the query begins, in the order of the tree.
    fn places(text: &str) -> Vec<String> {
        let tree = query::promql::parse(text).unwrap();
        let positions = Positions::of(text, &tree);
        let mut all = Vec::new();
        collect(&tree, &mut |expr| {
            all.push(positions.line_and_column(Positions::key(expr)));
        });
        all
    }

    fn collect(expr: &Expr, found: &mut impl FnMut(&Expr)) {
        found(expr);
        match expr {
            Expr::Number(_) | Expr::String(_) | Expr::Vector(_) | Expr::Matrix(_) => {}
            Expr::Subquery(subquery) => collect(&subquery.expr, found),
            Expr::Paren(inner) | Expr::Unary(_, inner) => collect(inner, found),
            Expr::Binary(binary) => {
                collect(&binary.lhs, found);
                collect(&binary.rhs, found);
            }
            Expr::Aggregate(aggregate) => {
                if let Some(param) = &aggregate.param {
                    collect(param, found);
                }
                collect(&aggregate.expr, found);
            }
            Expr::Call(call) => call.args.iter().for_each(|arg| collect(arg, found)),
        }
    }

    #[test]
    fn every_expression_is_found_where_it_begins() {
        for (text, wanted) in [
            ("1 + 2", &["1:1", "1:1", "1:5"][..]),
            ("sum by (a) (rate(x[5m]))", &["1:1", "1:13", "1:18"]),
            ("sum(x) by (a) / y", &["1:1", "1:1", "1:5", "1:17"]),
            ("a{b=\"(\"} # c (\n == bool b", &["1:1", "1:1", "2:10"]),
            (
                "a * on (b) group_left () (1e-3 * -c)",
                &["1:1", "1:1", "1:26", "1:27", "1:27", "1:34", "1:35"],
            ),
            (
                "topk(3, x offset (1m + 2m) unless {y=~'\\''} @ end())",
                &["1:1", "1:6", "1:9", "1:9", "1:35"],
            ),
            (
                "(max_over_time(x[5m:1m] offset -1m)) and y",
                &["1:1", "1:1", "1:2", "1:16", "1:16", "1:42"],
            ),
            (
                "label_join(x, 'a', `\\`, \"b\") > vector(-.5)",
                &["1:1", "1:1", "1:12", "1:15", "1:20", "1:25", "1:32", "1:39"],
            ),
            ("a + fill(0) b", &["1:1", "1:1", "1:13"]),
        ] {
            assert_eq!(places(text), wanted, "{text}");
        }
    }
}
