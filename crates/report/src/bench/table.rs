/// Rows of cells. The first column is words, the others are numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// In columns as wide as their widest cell.
    pub(crate) fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|title| (*title).to_owned()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for line in lines {
            let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            text += cells.collect::<Vec<_>>().join("   ").trim_end();
            text += "\n";
        }
        text
    }

    /// A table of Markdown.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            cells.fold("|".to_owned(), |line, cell| line + " " + cell + " |") + "\n"
        };
        let mut text = line(&mut self.head.iter().copied());
        text += &line(
            &mut self.head.iter().enumerate().map(|(column, _)| if column == 0 { "---" } else { "---:" }),
        );
        for row in &self.rows {
            text += &line(&mut row.iter().map(String::as_str));
        }
        text
    }
}
