use super::columns::Columns;
use super::{made_of, title};
use crate::words::LEGEND;
use std::collections::BTreeMap;
use wirelab_model::{Exception, Matrix, MatrixCell};

/// `matrix.md`.
pub(crate) fn markdown(matrix: &Matrix) -> String {
    let setup = &matrix.setup;
    let mut out = format!(
        "# What the attacker got\n\nwirelab {}, {}, server: {}, {} with {} cores, {} s for everything. Over verified TLS, unless a row says otherwise.\n\n",
        matrix.version,
        matrix.started,
        safe(&setup.server),
        safe(&setup.system),
        setup.cores,
        matrix.duration_ms / 1000
    );
    if let Some(sabotage) = &setup.sabotage {
        out += &format!("The lab was broken on purpose: --sabotage {}\n\n", safe(sabotage));
    }
    let columns = Columns::of(matrix);
    let heading = if columns.shared { "| column " } else { "" };
    out += &format!("{heading}| client | language | library and runtime | configuration |\n");
    out += if columns.shared { "|---|---|---|---|---|\n" } else { "|---|---|---|---|\n" };
    let place = |column: String| columns.shared.then_some(column);
    for (index, client) in matrix.clients.iter().enumerate() {
        let cells = [&client.name, &client.language, &made_of(client), &client.configuration];
        out += &row(place(columns.of_client(index)).into_iter().chain(cells.map(|cell| safe(cell))));
    }
    for client in &matrix.skipped {
        let why = format!("skipped: {}", client.skipped.as_deref().unwrap_or_default());
        let cells = [&client.name, &client.language, &made_of(client), &why];
        out += &row(place(String::new()).into_iter().chain(cells.map(|cell| safe(cell))));
    }
    out += "\n";
    let headings = columns.headings(matrix);
    let count = headings.len();
    out += &row(std::iter::once("attack".to_owned()).chain(headings.iter().map(|name| safe(name))));
    out += &format!("|---|{}\n", "---|".repeat(count));
    for one in &matrix.rows {
        let cells = columns.cells(one);
        out += &row(std::iter::once(safe(&title(one))).chain(cells.iter().map(|cell| safe(cell))));
    }
    out += &format!("\n{}\n", LEGEND.replace('\n', "  \n"));
    out += &notes(matrix);
    out
}

/// Where a client is other than a scenario says: what is neither known nor waived, one by one, and then what is, by its
/// reason.
fn notes(matrix: &Matrix) -> String {
    let mut out = String::new();
    let mut known: BTreeMap<(&str, &str), Cells<'_>> = BTreeMap::new();
    for row in &matrix.rows {
        for (cell, client) in row.cells.iter().zip(&matrix.clients) {
            let Some(cell) = cell else { continue };
            match &cell.exception {
                Some(exception) if cell.as_expected => {
                    let by_client = known.entry((&exception.reason, &exception.link)).or_default();
                    by_client.entry(client.name.as_str()).or_default().push((title(row), cell));
                }
                _ if cell.as_expected => {}
                exception => {
                    let exception = exception.as_ref();
                    let known = exception.map(|exception| format!(" {}", because(exception)));
                    out += &format!(
                        "- **not as expected** {} / {}: expected {}, is {}.{} {}\n",
                        safe(&client.name),
                        safe(&title(row)),
                        cell.expected,
                        cell.verdict,
                        safe(&known.unwrap_or_default()),
                        safe(&cell.why)
                    );
                }
            }
        }
    }
    for by_client in known.into_values() {
        out += &alike(by_client);
    }
    if out.is_empty() { out } else { format!("\n## Where a client is other than the scenario says\n\n{out}") }
}

/// By client: title and cell of each row in which it is other than the scenario says for one reason.
type Cells<'a> = BTreeMap<&'a str, Vec<(String, &'a MatrixCell)>>;

/// A line for each set of clients that one reason makes other in the same rows.
fn alike(by_client: Cells<'_>) -> String {
    let mut by_rows: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (client, cells) in by_client {
        let mut rows: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for (title, cell) in cells {
            let because = cell.exception.as_ref().map(because).unwrap_or_default();
            rows.entry((cell.verdict.to_string(), because)).or_default().push(title);
        }
        for ((verdict, because), titles) in rows {
            let line = format!("{verdict} in {}. {because}", titles.join(", "));
            by_rows.entry(line).or_default().push(client);
        }
    }
    by_rows.into_iter().fold(String::new(), |out, (rows, clients)| {
        out + &format!("- {}: {}\n", safe(&clients.join(", ")), safe(&rows))
    })
}

/// `reason (link, waived until 2027-03-31)`.
fn because(exception: &Exception) -> String {
    let until = exception.until.as_ref().map(|day| format!(", waived until {day}"));
    format!("{} ({}{})", exception.reason, exception.link, until.unwrap_or_default())
}

fn row(cells: impl IntoIterator<Item = String>) -> String {
    cells.into_iter().fold("|".to_owned(), |line, cell| line + " " + &cell + " |") + "\n"
}

/// Text from outside stays one cell of text.
fn safe(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '<' => out += "&lt;",
            '&' => out += "&amp;",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
