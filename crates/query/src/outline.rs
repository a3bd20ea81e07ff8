//! A tree drawn for a person: a line for each node, indented by its depth.

/// Lines, each indented by its depth.
#[derive(Default)]
pub(crate) struct Outline {
    text: String,
}

impl Outline {
    /// The deepest indentation. Deeper nodes are no longer moved to the right, so that the drawing
    /// grows with the query and not with its square.
    const DEEPEST: usize = 32;

    /// Adds a line for a node of this depth, the root's being 0.
    pub(crate) fn line(&mut self, depth: usize, line: &str) {
        for _ in 0..depth.min(Self::DEEPEST) {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// All lines, each with a newline at its end.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}
