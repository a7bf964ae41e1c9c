use crate::matrix;
use std::collections::BTreeMap;
use wirelab_model::{ArmEvidence, Outcome, RunRecord};

/// All reports of a run.
pub struct Reports {
    /// For the terminal.
    pub terminal: String,
    /// Name and text of each file, or why it could not be made. The first is the one to look at.
    pub files: Vec<(String, Result<String, String>)>,
}

/// Makes all reports of a run: of one client its table and page, of several their matrix and a page each.
pub fn reports(record: &RunRecord, evidence: &BTreeMap<String, ArmEvidence>, color: bool) -> Reports {
    let page = |record: &RunRecord| crate::page(record, evidence).map_err(|error| error.to_string());
    let run = ("run.json".to_owned(), crate::run_json(record).map_err(|error| error.to_string()));
    if record.clients.is_empty() {
        let files = vec![("index.html".to_owned(), page(record)), run];
        return Reports { terminal: crate::table(record, color), files };
    }
    let matrix = matrix::of(record);
    let single = matrix.clients.len() == 1;
    let page_name = |client: &str| {
        if single { "index.html".to_owned() } else { format!("{client}.html") }
    };
    let pages =
        matrix.clients.iter().map(|client| (page_name(&client.name), page(&only(record, &client.name))));
    let json = serde_json::to_string_pretty(&matrix).map(|text| text + "\n");
    let mut files = vec![
        ("matrix.html".to_owned(), matrix::page(&matrix, page_name).map_err(|error| error.to_string())),
        ("matrix.md".to_owned(), Ok(matrix::markdown(&matrix))),
        ("matrix.json".to_owned(), json.map_err(|error| error.to_string())),
        run,
    ];
    files.extend(pages);
    if !single {
        return Reports { terminal: matrix::table(record, &matrix, color), files };
    }
    files.rotate_right(1);
    // The run may amount to less than this client: another one that was named is missing.
    let one = RunRecord { outcome: record.outcome, ..only(record, &record.setup.client) };
    let terminal = matrix::skipped(&matrix) + &crate::table(&one, color);
    Reports { terminal, files }
}

/// The run as if it had been of one client alone: its arms, and those of the built-in client that show the
/// attacks live.
fn only(record: &RunRecord, client: &str) -> RunRecord {
    let mut only = record.clone();
    only.setup.client = client.to_owned();
    only.clients.retain(|one| one.name == client);
    only.environments.retain(|row| row.client == client);
    only.controls.retain(|control| control.client == client || control.client == "builtin");
    let own: Vec<_> = record.arms.iter().filter(|arm| arm.client == client).collect();
    only.arms.retain(|arm| {
        let shadowed = own.iter().any(|one| one.scenario == arm.scenario && one.arm == arm.arm);
        arm.client == client || (arm.client == "builtin" && !shadowed)
    });
    only.outcome = Outcome::of(&only.arms);
    only
}
