use super::{long, made_of, title};
use crate::words::{LEGEND, outcome_of};
use askama::Template;
use wirelab_model::Matrix;

#[derive(Template)]
#[template(path = "matrix.html")]
struct Page<'a> {
    matrix: &'a Matrix,
    outcome: &'static str,
    legend: &'static str,
    clients: Vec<Client<'a>>,
    rows: Vec<Row<'a>>,
}

struct Client<'a> {
    name: &'a str,
    language: &'a str,
    made_of: String,
    configuration: &'a str,
    /// Its page; empty where it has none.
    page: String,
    skipped: Option<&'a str>,
}

struct Row<'a> {
    title: String,
    words: &'a str,
    cells: Vec<Option<Cell<'a>>>,
}

struct Cell<'a> {
    text: String,
    class: String,
    bad: bool,
    link: String,
    /// Why the verdict, and why it is expected.
    why: &'a str,
    known: String,
}

/// `matrix.html`: one self-contained page, with links to the page of each client.
pub(crate) fn page(matrix: &Matrix, page_name: impl Fn(&str) -> String) -> Result<String, askama::Error> {
    let clients = matrix.clients.iter().chain(&matrix.skipped).map(|client| Client {
        name: &client.name,
        language: &client.language,
        made_of: made_of(client),
        configuration: &client.configuration,
        page: if client.skipped.is_none() { page_name(&client.name) } else { String::new() },
        skipped: client.skipped.as_deref(),
    });
    let rows = matrix.rows.iter().map(|row| {
        let cells = row.cells.iter().zip(&matrix.clients).map(|(cell, client)| {
            cell.as_ref().map(|cell| Cell {
                text: long(cell, row.arm),
                class: cell.verdict.to_string(),
                bad: !cell.as_expected,
                link: format!("{}#{}/{}", page_name(&client.name), row.scenario, row.arm),
                why: &cell.why,
                known: cell.exception.as_ref().map_or_else(String::new, |exception| {
                    let until = exception.until.as_ref().map(|day| format!("; waived until {day}"));
                    format!("; known: {}{}", exception.reason, until.unwrap_or_default())
                }),
            })
        });
        Row { title: title(row), words: &row.title, cells: cells.collect() }
    });
    Page {
        matrix,
        outcome: outcome_of(matrix),
        legend: LEGEND,
        clients: clients.collect(),
        rows: rows.collect(),
    }
    .render()
}
