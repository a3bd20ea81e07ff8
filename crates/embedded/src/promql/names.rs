//! Label names that a query lists: of `by`, `without`, `on` and `ignoring`.

use query::small_str::SmallStr;

/// So many names are compared one by one, which takes least for few.
const FEW: usize = 8;

/// A list of label names that is looked into for every label of every series.
#[derive(Clone, Debug)]
pub(super) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    pub(super) fn new(listed: &'a [SmallStr]) -> Self {
        let mut names: Vec<&str> = listed.iter().map(SmallStr::as_str).collect();
        if names.len() > FEW {
            names.sort_unstable();
        }
        Self(names)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        if self.0.len() <= FEW {
            return self.0.contains(&name);
        }
        self.0.binary_search(&name).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_short_and_long_lists() {
        for count in [0, 1, FEW, FEW + 1, 100] {
            let listed: Vec<String> = (0..count).map(|at| format!("n{at}")).collect();
            let listed: Vec<SmallStr> = listed.iter().map(|name| name.as_str().into()).collect();
            let names = Names::new(&listed);
            assert!(listed.iter().all(|name| names.has(name)), "{count}");
            assert!(!names.has("other"), "{count}");
        }
    }
}
