//! A recorded run in, something to read out. Everything that comes here is masked already.

mod html;
mod terminal;
mod words;

pub use html::page;
pub use terminal::{arm_line, table};
pub use words::gained;

use wirelab_model::{RunRecord, Transport};

/// The transports that a run has arms in, in the order of the columns of every table.
pub(crate) fn columns(record: &RunRecord) -> Vec<Transport> {
    let mut columns: Vec<Transport> = record.arms.iter().map(|arm| arm.arm).collect();
    columns.sort();
    columns.dedup();
    columns
}

/// `run.json`.
///
/// # Errors
/// Never for a record that wirelab made.
pub fn run_json(record: &RunRecord) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(record).map(|text| text + "\n")
}
