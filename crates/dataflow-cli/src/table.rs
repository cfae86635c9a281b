//! Tables for people and for documents, and the facts above them.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, Table as Grid, presets};

/// A table of texts; the first column is left-aligned, all others are numbers unless told otherwise.
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The row worth looking at, if any.
    marked: Option<usize>,
    /// Columns of texts besides the first.
    left: Vec<usize>,
}

impl Table {
    pub(crate) fn new(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new(), marked: None, left: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: &[String]) {
        self.rows.push(row.to_vec());
    }

    /// Marks a row, from 0.
    pub(crate) fn mark(&mut self, row: Option<usize>) {
        self.marked = row;
    }

    /// Aligns a column, from 0, as text.
    pub(crate) fn align_left(&mut self, column: usize) {
        self.left.push(column);
    }

    /// For a terminal, with colours that are dropped where there is none.
    pub(crate) fn text(&self) -> String {
        let grid = self.grid(presets::NOTHING);
        let (bold, green) = (Style::new().bold(), AnsiColor::Green.on_default());
        let mut text = String::new();
        for (index, line) in grid.lines().enumerate() {
            let style = match index.checked_sub(1) {
                None => bold,
                row if row == self.marked => green,
                Some(_) => Style::new(),
            };
            let _ = writeln!(text, "{style}{}{style:#}", line.trim_end());
        }
        text
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = self.grid(presets::ASCII_MARKDOWN).to_string();
        text.push('\n');
        text
    }

    fn grid(&self, preset: comfy_table::TableStyle) -> Grid {
        let mut grid = Grid::new();
        grid.load_style(preset).set_header(&self.header).add_rows(&self.rows);
        for (index, column) in grid.column_iter_mut().enumerate().skip(1) {
            let is_text = self.left.contains(&index);
            column.set_cell_alignment(if is_text { CellAlignment::Left } else { CellAlignment::Right });
        }
        grid
    }
}
