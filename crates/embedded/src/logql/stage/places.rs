//! Where the values of a line of JSON are.

use std::collections::HashMap;

use super::json::{self, End, Value};
use super::parse::{MAX_LABELS, MAX_NAME, TOO_LONG, append_key};
use crate::logql::work::{STEP, Work};

/// The keys on the way to the values of a line, by the labels that are made of them; where several
/// make the same, to the first.
pub(crate) fn json_paths(line: &str, work: &Work) -> HashMap<String, Vec<String>> {
    let mut paths = Paths {
        found: HashMap::new(),
        path: Vec::new(),
        name: String::new(),
        work,
    };
    // What comes behind a fault is no label either.
    let _ = paths.collect(line);
    paths.found
}

struct Paths<'w> {
    found: HashMap<String, Vec<String>>,
    /// Where the search is, and the label there.
    path: Vec<String>,
    name: String,
    work: &'w Work,
}

impl Paths<'_> {
    fn collect(&mut self, text: &str) -> Result<(), End> {
        json::check_depth(self.path.len())?;
        let prefix = self.name.len();
        json::each(text, &mut |key, value| {
            let counted = self.work.spend(STEP / 16 + key.len());
            counted.map_err(|_| End::Enough)?;
            append_key(&mut self.name, key);
            // Keys of space are in no name.
            if self.name.len() > MAX_NAME || key.len() > MAX_NAME {
                return Err(End::Malformed(TOO_LONG));
            }
            self.path.push(key.to_owned());
            match value {
                Value::Object(object) => self.collect(object)?,
                Value::String(_) | Value::Number(_) | Value::Boolean(_) => {
                    if self.found.len() >= 2 * MAX_LABELS {
                        return Err(End::Enough);
                    }
                    if !self.found.contains_key(&self.name) {
                        let bytes = self.path.iter().map(|key| STEP / 16 + key.len());
                        let counted = self.work.spend(bytes.sum());
                        counted.map_err(|_| End::Enough)?;
                        self.found.insert(self.name.clone(), self.path.clone());
                    }
                }
                Value::Null | Value::Array(_) => {}
            }
            self.path.pop();
            self.name.truncate(prefix);
            Ok(())
        })
    }
}
