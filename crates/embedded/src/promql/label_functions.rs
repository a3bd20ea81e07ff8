//! `label_replace` and `label_join`.

use query::promql::ast::Call;
use regex::Captures;

use super::call::{argument, text};
use super::evaluator::Evaluator;
use super::series::{METRIC_NAME, Series, cost_of, merge};
use crate::limits::EvalError;
use crate::ticker::Ticker;

impl Evaluator<'_> {
    /// `label_replace(vector, dst, replacement, src, regex)`
    pub(super) fn label_replace(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let (dst, replacement) = (text(call, 1)?, text(call, 2)?);
        let (src, pattern) = (text(call, 3)?, text(call, 4)?);
        let mut series = self.vector(argument(call, 0)?)?;
        let regex = self.patterns().compile(pattern);
        let regex = regex.map_err(|error| match error {
            EvalError::Invalid(_) => EvalError::Execution(format!(
                "invalid regular expression in label_replace(): {pattern}"
            )),
            EvalError::Unsupported(_)
            | EvalError::Execution(_)
            | EvalError::Limit(_)
            | EvalError::Timeout
            | EvalError::NoPlace
            | EvalError::TooManyWaiting
            | EvalError::Canceled
            | EvalError::Unreadable
            | EvalError::Internal => error,
        })?;
        if dst.is_empty() {
            return Err(EvalError::Execution(format!(
                "invalid destination label name in label_replace(): {dst}"
            )));
        }
        let mut ticker = self.ticker();
        for one in &mut series {
            let value = one.labels.get(src);
            ticker.tick(1 + value.len())?;
            if let Some(captures) = regex.captures(value) {
                let value = expand(replacement, &captures)?;
                self.set_label(one, dst, &value, &mut ticker)?;
            }
        }
        merge(series, &mut ticker)
    }

    /// `label_join(vector, dst, separator, src, …)`
    pub(super) fn label_join(&self, call: &Call) -> Result<Vec<Series>, EvalError> {
        let (dst, separator) = (text(call, 1)?, text(call, 2)?);
        let sources: Vec<&str> = (3..call.args.len())
            .map(|index| text(call, index))
            .collect::<Result<_, _>>()?;
        if let Some(src) = sources.iter().find(|src| src.is_empty()) {
            return Err(EvalError::Execution(format!(
                "invalid source label name in label_join(): {src}"
            )));
        }
        if dst.is_empty() {
            return Err(EvalError::Execution(format!(
                "invalid destination label name in label_join(): {dst}"
            )));
        }
        let mut series = self.vector(argument(call, 0)?)?;
        let mut ticker = self.ticker();
        for one in &mut series {
            ticker.tick(sources.len())?;
            let mut joined = String::new();
            for (at, src) in sources.iter().enumerate() {
                let between = if at == 0 { "" } else { separator };
                append(&mut joined, &[between, one.labels.get(src)])?;
            }
            self.set_label(one, dst, &joined, &mut ticker)?;
        }
        merge(series, &mut ticker)
    }

    fn set_label(
        &self,
        series: &mut Series,
        name: &str,
        value: &str,
        ticker: &mut Ticker,
    ) -> Result<(), EvalError> {
        let before = cost_of(&series.labels);
        // All labels are copied.
        ticker.tick(before + value.len() / 16)?;
        series.labels = series.labels.with(name, value);
        self.budget.take(cost_of(&series.labels))?;
        self.budget.give_back(before);
        // A name that was given on purpose stays.
        if name == METRIC_NAME {
            series.drop_name = false;
        }
        Ok(())
    }
}

/// Bytes that a label made by a function may have. Nested calls could double a value each.
const LONGEST_VALUE: usize = 64 << 10;

/// Appends to a label's value, as long as it may be.
fn append(value: &mut String, texts: &[&str]) -> Result<(), EvalError> {
    for text in texts {
        if text.len() > LONGEST_VALUE.saturating_sub(value.len()) {
            return Err(EvalError::Limit(format!(
                "a label would get a value of more than {LONGEST_VALUE} bytes"
            )));
        }
        value.push_str(text);
    }
    Ok(())
}

/// Fills a template as Go's `Regexp.Expand` does: `$1`, `${1}`, `$name`, `${name}`, `$$`; a group
/// that does not exist or did not match is empty, and a `$` that begins none of these stays.
fn expand(template: &str, captures: &Captures) -> Result<String, EvalError> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        append(&mut out, &[before])?;
        rest = behind;
        if let Some(behind) = rest.strip_prefix('$') {
            out.push('$');
            rest = behind;
            continue;
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let named = if let Some(inner) = rest.strip_prefix('{') {
            inner
                .split_once('}')
                .filter(|(name, _)| !name.is_empty() && name.chars().all(is_name))
        } else {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            rest.split_at_checked(end)
                .filter(|(name, _)| !name.is_empty())
        };
        let Some((name, behind)) = named else {
            out.push('$');
            continue;
        };
        rest = behind;
        let group = match name.parse::<usize>() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        append(&mut out, &[group.map_or("", |group| group.as_str())])?;
    }
    append(&mut out, &[rest])?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regexes;

    #[test]
    fn templates_are_filled_as_go_fills_them() {
        let regex = regexes::anchored("(?P<first>[a-z]+)-([0-9]+)(x)?").unwrap();
        let captures = regex.captures("ab-12").unwrap();
        for (template, wanted) in [
            ("$1", "ab"),
            ("${1}x", "abx"),
            ("$1x", ""),
            ("$2-$first", "12-ab"),
            ("$3", ""),
            ("$9", ""),
            ("$$1", "$1"),
            ("a$", "a$"),
            ("${", "${"),
            ("$-", "$-"),
            ("${first}", "ab"),
        ] {
            assert_eq!(expand(template, &captures).unwrap(), wanted, "{template}");
        }
    }
}
