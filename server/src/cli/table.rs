//! Tables for people: aligned columns, a bold heading on a terminal.

use super::output::{BOLD, paint, printable};

/// Rows under a heading.
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Spaces between columns.
const GAP: usize = 2;

impl Table {
    /// An empty table with these columns.
    pub fn new(heading: impl Into<Vec<&'static str>>) -> Self {
        Self { heading: heading.into(), rows: Vec::new() }
    }

    /// Adds a row; its cells lose their control characters.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// The table as text, with a line break at its end.
    pub fn render(&self, colours: bool) -> String {
        let widths = self.widths();
        let heading: Vec<_> = self.heading.iter().map(|cell| (*cell).to_owned()).collect();
        let first = line(&heading, &widths);
        let mut text = if colours { paint(&first, BOLD) } else { first };
        text.push('\n');
        for row in &self.rows {
            text += &line(row, &widths);
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<_> = self.heading.iter().map(|cell| cell.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, &width)| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["NAME", "VERSION"]);
        table.row(["приток".to_owned(), "1".to_owned()]);
        table.row(["a".to_owned(), "-".to_owned()]);
        assert_eq!(table.render(false), "NAME    VERSION\nприток  1\na       -\n");
    }

    #[test]
    fn a_cell_cannot_move_the_cursor() {
        let mut table = Table::new(["NAME"]);
        table.row(["a\x1b[2Jb\nc".to_owned()]);
        assert_eq!(table.render(false), "NAME\na\u{fffd}[2Jb\u{fffd}c\n");
    }
}
