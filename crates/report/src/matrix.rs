//! The matrix of a run: clients by scenarios, in each of its forms.

mod columns;
mod html;
mod markdown;
mod terminal;

pub(crate) use html::page;
pub(crate) use markdown::markdown;
pub use terminal::clients;
pub(crate) use terminal::{matrix as table, skipped};

use crate::words::{gained_by, mark_of, symbol};
use wirelab_model::{ArmRecord, ClientRecord, Matrix, MatrixCell, MatrixRow, RunRecord, Transport};

/// The matrix of a run.
pub(crate) fn of(record: &RunRecord) -> Matrix {
    let (skipped, clients): (Vec<ClientRecord>, Vec<ClientRecord>) =
        record.clients.iter().cloned().partition(|client| client.skipped.is_some());
    let mut rows = Vec::new();
    for scenario in &record.scenarios {
        for arm in crate::columns(record) {
            let cell = |client: &ClientRecord| {
                let of = |one: &&ArmRecord| {
                    one.client == client.name && one.scenario == scenario.id && one.arm == arm
                };
                record.arms.iter().find(of).map(|arm| MatrixCell {
                    verdict: arm.verdict,
                    got: arm.got.clone(),
                    expected: arm.expected.clone(),
                    as_expected: arm.as_expected,
                    exception: arm.exception.clone(),
                    why: arm.why.clone(),
                    evidence: arm.evidence.clone(),
                })
            };
            let cells: Vec<Option<MatrixCell>> = clients.iter().map(cell).collect();
            if cells.iter().any(Option::is_some) {
                let (scenario, title) = (scenario.id.clone(), scenario.title.clone());
                rows.push(MatrixRow { scenario, title, arm, cells });
            }
        }
    }
    Matrix {
        version: record.version.clone(),
        outcome: record.outcome,
        started: record.started.clone(),
        duration_ms: record.duration_ms,
        setup: record.setup.clone(),
        clients,
        skipped,
        rows,
    }
}

/// `✗!`: symbol and mark.
fn short(cell: &MatrixCell, transport: Transport) -> String {
    let mark = mark_of(cell.as_expected, cell.exception.as_ref(), transport.is_verified(), cell.verdict);
    format!("{}{mark}", symbol(cell.verdict)).trim_end().to_owned()
}

/// `✗ password, data !`: symbol, what the attacker got, and mark.
fn long(cell: &MatrixCell, transport: Transport) -> String {
    let mark = mark_of(cell.as_expected, cell.exception.as_ref(), transport.is_verified(), cell.verdict);
    format!("{} {} {mark}", symbol(cell.verdict), gained_by(cell.verdict, &cell.got)).trim_end().to_owned()
}

/// Id of the scenario, with its transport unless it is the usual one.
fn title(row: &MatrixRow) -> String {
    if row.arm == Transport::Tls { row.scenario.clone() } else { format!("{} ({})", row.scenario, row.arm) }
}

/// Library with its version, and what it runs on.
fn made_of(client: &ClientRecord) -> String {
    let runtime = client.runtime.as_ref().map(|runtime| format!(", {runtime}")).unwrap_or_default();
    format!("{} {}{runtime}", client.library, client.version)
}
