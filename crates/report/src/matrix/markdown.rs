use super::{long, made_of, title};
use crate::words::LEGEND;
use wirelab_model::Matrix;

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
    out += "| client | language | library and runtime | configuration |\n|---|---|---|---|\n";
    for client in &matrix.clients {
        let cells = [&client.name, &client.language, &made_of(client), &client.configuration];
        out += &row(cells.map(|cell| safe(cell)));
    }
    for client in &matrix.skipped {
        let why = format!("skipped: {}", client.skipped.as_deref().unwrap_or_default());
        out += &row([&client.name, &client.language, &made_of(client), &why].map(|cell| safe(cell)));
    }
    out += "\n";
    let names = matrix.clients.iter().map(|client| safe(&client.name));
    out += &row(std::iter::once("attack".to_owned()).chain(names));
    out += &format!("|---|{}\n", "---|".repeat(matrix.clients.len()));
    for one in &matrix.rows {
        let cells =
            one.cells.iter().map(|cell| cell.as_ref().map_or_else(String::new, |cell| long(cell, one.arm)));
        out += &row(std::iter::once(safe(&title(one))).chain(cells.map(|cell| safe(&cell))));
    }
    out += &format!("\n{}\n", LEGEND.replace('\n', "  \n"));
    out += &notes(matrix);
    out
}

/// Where a client is other than a scenario says: what is known, what is waived, what is neither.
fn notes(matrix: &Matrix) -> String {
    let mut out = String::new();
    for row in &matrix.rows {
        for (cell, client) in row.cells.iter().zip(&matrix.clients) {
            let Some(cell) = cell else { continue };
            if cell.as_expected && cell.exception.is_none() {
                continue;
            }
            let known = cell.exception.as_ref().map(|exception| {
                let until = exception.until.as_ref().map(|day| format!(", waived until {day}"));
                format!(" {} ({}{})", exception.reason, exception.link, until.unwrap_or_default())
            });
            let known = known.unwrap_or_default();
            let mark = if cell.as_expected { "" } else { "**not as expected** " };
            out += &format!(
                "- {mark}{} / {}: expected {}, is {}.{} {}\n",
                safe(&client.name),
                safe(&title(row)),
                cell.expected,
                cell.verdict,
                safe(&known),
                safe(&cell.why)
            );
        }
    }
    if out.is_empty() { out } else { format!("\n## Where a client is other than the scenario says\n\n{out}") }
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
