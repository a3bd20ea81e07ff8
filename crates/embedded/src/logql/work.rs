//! What one query works with: its clock, its regular expressions, and counts of what it made.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use crate::limits::{EvalError, Stop};
use crate::regexes::{Costed, Fault, Form};

/// Bytes that are read or made between two looks at whether the query has to end.
const CHECK_EVERY: usize = 64 << 10;

/// What a step of a loop counts for, in bytes, whatever it does.
pub(crate) const STEP: usize = 1 << 10;

/// Regular expressions that one query may have.
const MAX_PATTERNS: usize = 64;

/// Bytes that all of them may take together.
const MAX_COMPILED: usize = 32 << 20;

/// Patterns that a template makes while it runs, which are kept in case they come again, and the bytes
/// that each of them may take.
const MAX_MADE: usize = 16;
const MAX_MADE_SIZE: usize = 1 << 20;

/// The work of one query.
///
/// Whatever takes time or memory in proportion to something counts it here, and ends with the error
/// if there is one. The error stays: code that can only fail a line may return what it likes, as long
/// as its caller looks at [`Self::outcome`].
#[derive(Debug)]
pub(crate) struct Work {
    stop: Stop,
    /// Bytes since the stop was asked.
    spent: Cell<usize>,
    samples: Cell<usize>,
    has_failed: Cell<bool>,
    failure: RefCell<Option<EvalError>>,
    patterns: RefCell<Patterns>,
}

#[derive(Debug, Default)]
struct Patterns {
    count: usize,
    size: usize,
    within: HashMap<(Form, String), Arc<Costed<regex::Regex>>>,
    in_lines: HashMap<String, Arc<Costed<regex::bytes::Regex>>>,
    made: HashMap<String, Arc<Costed<regex::Regex>>>,
}

impl Work {
    /// The work of a query that ends with `stop`.
    pub(crate) fn new(stop: &Stop) -> Self {
        Self {
            stop: stop.clone(),
            spent: Cell::new(0),
            samples: Cell::new(0),
            has_failed: Cell::new(false),
            failure: RefCell::default(),
            patterns: RefCell::default(),
        }
    }

    /// The same work, which ends with another stop from now on.
    pub(crate) fn until(&mut self, stop: Stop) {
        self.stop = stop;
        self.spent.set(0);
    }

    /// Counts bytes that were read or made; an error if the query has to end.
    #[inline]
    pub(crate) fn spend(&self, bytes: usize) -> Result<(), EvalError> {
        let spent = self.spent.get().saturating_add(bytes);
        self.spent.set(spent);
        if spent < CHECK_EVERY {
            return Ok(());
        }
        self.check()
    }

    /// An error if the query has to end.
    #[cold]
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        self.outcome()?;
        self.keep(self.stop.check())?;
        self.spent.set(0);
        Ok(())
    }

    /// The error that the query has to end with, if there was one.
    #[inline]
    pub(crate) fn outcome(&self) -> Result<(), EvalError> {
        if self.has_failed.get() {
            return Err(self.failure());
        }
        Ok(())
    }

    #[cold]
    fn failure(&self) -> EvalError {
        let failure = self.failure.borrow();
        failure.as_ref().map_or(EvalError::Internal, Clone::clone)
    }

    /// Keeps the error of a result as the query's.
    fn keep<T>(&self, result: Result<T, EvalError>) -> Result<T, EvalError> {
        if let Err(error) = &result {
            self.has_failed.set(true);
            // Whatever is counted from now on fails, too.
            self.spent.set(CHECK_EVERY);
            self.failure
                .borrow_mut()
                .get_or_insert_with(|| error.clone());
        }
        result
    }

    /// Counts a log line that was read.
    pub(crate) fn read(&self, line: &str) -> Result<(), EvalError> {
        self.stop.count(line.len())?;
        self.spend(line.len() + STEP / 8)
    }

    /// Counts samples that were read or made; an error if they are more than `most` over all parts of
    /// the query.
    pub(crate) fn take_samples(&self, samples: usize, most: usize) -> Result<(), EvalError> {
        let taken = self.samples.get().saturating_add(samples);
        self.samples.set(taken);
        if taken > most {
            return Err(EvalError::Limit(format!(
                "the query would load more than {most} samples; narrow its selectors or its time"
            )));
        }
        Ok(())
    }

    /// The expression of a pattern that stands in the query.
    pub(crate) fn regex(
        &self,
        form: Form,
        pattern: &str,
    ) -> Result<Arc<Costed<regex::Regex>>, EvalError> {
        let key = (form, pattern.to_owned());
        if let Some(known) = self.patterns.borrow().within.get(&key) {
            return Ok(Arc::clone(known));
        }
        let room = self.room()?;
        let regex = Costed::new(form, pattern, room).map_err(told)?;
        let regex = Arc::new(regex);
        let mut patterns = self.patterns.borrow_mut();
        patterns.count += 1;
        patterns.size += regex.size();
        patterns.within.insert(key, Arc::clone(&regex));
        Ok(regex)
    }

    /// Likewise, of a pattern that is looked for in lines.
    pub(crate) fn in_lines(
        &self,
        pattern: &str,
    ) -> Result<Arc<Costed<regex::bytes::Regex>>, EvalError> {
        if let Some(known) = self.patterns.borrow().in_lines.get(pattern) {
            return Ok(Arc::clone(known));
        }
        let room = self.room()?;
        let regex = Costed::in_lines(pattern, room).map_err(told)?;
        let regex = Arc::new(regex);
        let mut patterns = self.patterns.borrow_mut();
        patterns.count += 1;
        patterns.size += regex.size();
        patterns
            .in_lines
            .insert(pattern.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }

    /// Bytes that one more expression may take.
    fn room(&self) -> Result<usize, EvalError> {
        self.check()?;
        let patterns = self.patterns.borrow();
        if patterns.count >= MAX_PATTERNS {
            return Err(EvalError::Limit(format!(
                "the query has more than {MAX_PATTERNS} regular expressions"
            )));
        }
        Ok(MAX_COMPILED.saturating_sub(patterns.size))
    }

    /// The expression of a pattern that a template made. A pattern that is none fails the line.
    pub(crate) fn made(&self, pattern: &str) -> Result<Arc<Costed<regex::Regex>>, String> {
        if let Some(known) = self.patterns.borrow().made.get(pattern) {
            return Ok(Arc::clone(known));
        }
        self.check().map_err(|error| error.to_string())?;
        let regex = Costed::new(Form::Within, pattern, MAX_MADE_SIZE);
        let regex = regex.map_err(|fault| match fault {
            Fault::NoRoom => "error parsing regexp: the expression is too large".to_owned(),
            Fault::Invalid(error) => error.to_string(),
        })?;
        let regex = Arc::new(regex);
        let mut patterns = self.patterns.borrow_mut();
        if patterns.made.len() >= MAX_MADE {
            patterns.made.clear();
        }
        patterns.made.insert(pattern.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }

    /// Whether an expression is in a text. Where that may take for ever, the query fails.
    pub(crate) fn is_match(&self, regex: &Costed<regex::Regex>, text: &str) -> bool {
        self.searching(regex, text.len())
            .is_some_and(|regex| regex.is_match(text))
    }

    /// An expression to search a text of this length with; `None` where the query has to end.
    #[inline]
    pub(crate) fn searching<'r, R>(&self, regex: &'r Costed<R>, length: usize) -> Option<&'r R> {
        // What is short was counted with its line.
        if let Some(regex) = regex.cheap(length) {
            return Some(regex);
        }
        self.spend(regex.work(length)).ok()?;
        self.keep(regex.over(length)).ok()
    }
}

fn told(fault: Fault) -> EvalError {
    match fault {
        Fault::NoRoom => EvalError::Limit(format!(
            "the regular expressions of the query would take more than {MAX_COMPILED} bytes"
        )),
        Fault::Invalid(error) => error,
    }
}
