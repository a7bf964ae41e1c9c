use super::{long, made_of, short, title};
use crate::terminal::{code, foot, paint};
use crate::words::LEGEND;
use wirelab_model::{ClientRecord, Matrix, RunRecord, Verdict};

/// With more clients there is no room for words.
const MOST_WITH_WORDS: usize = 3;

/// The clients of the registry and what can run: `wirelab clients`.
pub fn clients(clients: &[ClientRecord]) -> String {
    let width = clients.iter().map(|client| client.name.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for client in clients {
        let ClientRecord { name, language, configuration, skipped, .. } = client;
        let mark = if skipped.is_some() { '–' } else { '✓' };
        out += &format!("{mark} {name:<width$}  {language}: {}; {configuration}\n", made_of(client));
        if let Some(why) = skipped {
            out += &format!("  {:<width$}  cannot run: {why}\n", "");
        }
    }
    let can = clients.iter().filter(|client| client.skipped.is_none()).count();
    out + &format!("\n{can} of {} can run here\n", clients.len())
}

/// The clients that were not run, with the reason.
pub(crate) fn skipped(matrix: &Matrix) -> String {
    matrix.skipped.iter().fold(String::new(), |text, client| {
        let why = client.skipped.as_deref().unwrap_or_default();
        text + &format!("– {} ({}) was skipped: {why}\n", client.name, made_of(client))
    })
}

/// Scenarios by clients, with what is below the table of any run.
pub(crate) fn matrix(record: &RunRecord, matrix: &Matrix, color: bool) -> String {
    let mut out = String::new();
    for (index, client) in matrix.clients.iter().enumerate() {
        out += &format!("{:>3}  {}: {}\n", index + 1, client.name, made_of(client));
    }
    out += &skipped(matrix);
    out += "\n";
    let words = matrix.clients.len() <= MOST_WITH_WORDS;
    let column = if words { 33 } else { 4 };
    let width = matrix.rows.iter().map(|row| title(row).chars().count()).max().unwrap_or(0).max(21) + 1;
    let mut heading = format!("{:<width$}", "What the attacker got");
    for (index, client) in matrix.clients.iter().enumerate() {
        let name = if words { client.name.clone() } else { (index + 1).to_string() };
        heading += &format!(" {name:<column$}");
    }
    out += &(paint(heading.trim_end(), "1", color) + "\n");
    for row in &matrix.rows {
        let mut line = format!("{:<width$}", title(row));
        for cell in &row.cells {
            let text =
                cell.as_ref().map(|cell| if words { long(cell, row.arm) } else { short(cell, row.arm) });
            let padded = format!("{:<column$}", text.unwrap_or_default());
            line += " ";
            line += &cell
                .as_ref()
                .map_or_else(|| padded.clone(), |cell| paint(&padded, code(cell.verdict), color));
        }
        out += line.trim_end();
        out += "\n";
    }
    out += "\n";
    for verdict in
        [Verdict::Secure, Verdict::Compromised, Verdict::Hung, Verdict::Inconclusive, Verdict::Skipped]
    {
        let mut line = format!("{:<width$}", verdict.to_string());
        for index in 0..matrix.clients.len() {
            let of = |cell: &&Option<wirelab_model::MatrixCell>| {
                cell.as_ref().is_some_and(|cell| cell.verdict == verdict)
            };
            let count = matrix.rows.iter().filter_map(|row| row.cells.get(index)).filter(of).count();
            line += &format!(" {count:<column$}");
        }
        out += line.trim_end();
        out += "\n";
    }
    out + "\n" + LEGEND + "\n" + &foot(record, color)
}
