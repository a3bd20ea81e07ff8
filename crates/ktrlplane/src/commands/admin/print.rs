//! Tables for people.

use std::io;

use crate::output;

/// A table whose columns are as wide as their widest cell.
pub(super) struct Table {
    titles: &'static [&'static str],
}

impl Table {
    pub(super) const fn new(titles: &'static [&'static str]) -> Self {
        Self { titles }
    }

    /// Prints rows, below the titles or without them.
    pub(super) fn rows(&self, rows: &[Vec<String>], with_titles: bool) -> io::Result<()> {
        let titles: Vec<String> = self
            .titles
            .iter()
            .map(|title| title.to_uppercase())
            .collect();
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| harmless(cell)).collect())
            .collect();
        let head = with_titles.then_some(&titles);
        let lines: Vec<&Vec<String>> = head.into_iter().chain(&rows).collect();
        let widths: Vec<usize> = (0..self.titles.len())
            .map(|column| {
                let cells = lines.iter().filter_map(|line| line.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for line in lines {
            let cells = line.iter().zip(&widths);
            let padded: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            output::line(padded.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// Prints one record, a line for each of its columns.
    pub(super) fn record(&self, cells: &[String]) -> io::Result<()> {
        let widest = self
            .titles
            .iter()
            .map(|title| title.len())
            .max()
            .unwrap_or(0);
        for (title, cell) in self.titles.iter().zip(cells) {
            output::line(format_args!("{title:widest$}  {}", harmless(cell)))?;
        }
        Ok(())
    }
}

/// Names in a database that somebody else fills may hold anything, also what moves a terminal's
/// cursor.
fn harmless(text: &str) -> String {
    let shown = |char: char| if char.is_control() { '\u{fffd}' } else { char };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2J\nb"), "a\u{fffd}[2J\u{fffd}b");
    }
}
