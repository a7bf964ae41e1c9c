//! What TLS costs, in words: `wirelab bench`.

mod numbers;
mod page;
mod plan;
mod plot;
mod table;
mod tables;

pub use page::bench_page;
pub use plan::{bench_plan_markdown, bench_plan_text};

use table::Table;
use tables::{baseline, connections, costs, loads, memory, setup};
use wirelab_model::BenchRecord;

/// What the columns are, and what such numbers are not.
const HOW_TO_READ: [&str; 4] = [
    "Throughput with TLS: operations per second with TLS by those without, less one. Each round measures plain, TLS, TLS, plain, and the loads take turns. What stops the machine for some milliseconds hits either side with the same chance, so a fifth of the rounds is left out at either end; of the others it is the geometric mean with its 95 % confidence interval (Yuen's, on logarithms; wider where neighbouring rounds resemble each other). Rates are medians of the rounds.",
    "Latency is from sending a pipeline to its reply, under full load: all connections are busy all the time, so most of it is waiting for the server. It is not the latency of a server that has time.",
    "Processor time is that of the whole process (server) and of the generator's thread (client), what it polls in vain not counted; the system tells that of another process in steps of some milliseconds, so the interval of its ratio is wider. Bytes are counted at the socket, TLS records included, TCP and IP headers not.",
    "All of it is loopback: there is no network whose latency would hide the cost, and client and server share one machine.",
];

/// For a terminal.
pub fn bench_text(record: &BenchRecord) -> String {
    let mut text = String::from("What TLS costs\n\n");
    for (what, value) in setup(record) {
        text += &format!("{what:<10} {value}\n");
    }
    for table in all(record) {
        text += &format!("\n{}", table.text());
    }
    if let Some(memory) = memory(record) {
        text += &format!("\n{memory}\n");
    }
    if let Some(baseline) = baseline(record) {
        text += &format!("\n{}", baseline.text());
    }
    for warning in warnings(record) {
        text += &format!("\nwarning: {warning}");
    }
    text.trim_end().to_owned() + "\n"
}

/// For a document.
pub fn bench_markdown(record: &BenchRecord) -> String {
    let mut text = String::new();
    for (what, value) in setup(record) {
        text += &format!("- {what}: {value}\n");
    }
    for table in all(record) {
        text += &format!("\n{}", table.markdown());
    }
    if let Some(memory) = memory(record) {
        text += &format!("\n{memory}\n");
    }
    if let Some(baseline) = baseline(record) {
        text += &format!("\n{}", baseline.markdown());
    }
    text += "\n";
    for line in HOW_TO_READ {
        text += &format!("- {line}\n");
    }
    for warning in warnings(record) {
        text += &format!("- Warning: {warning}\n");
    }
    text
}

fn all(record: &BenchRecord) -> Vec<Table> {
    [Some(loads(record)), Some(costs(record)), connections(record)].into_iter().flatten().collect()
}

fn warnings(record: &BenchRecord) -> Vec<String> {
    let differs = record.baseline.iter().flat_map(|baseline| &baseline.differences);
    let differs = differs.map(|difference| format!("the earlier run was another set-up: {difference}"));
    record.warnings.iter().cloned().chain(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::bench;

    #[test]
    fn people_and_documents_get_the_same_numbers() {
        insta::assert_snapshot!("bench-text", bench_text(&bench()));
        insta::assert_snapshot!("bench-markdown", bench_markdown(&bench()));
    }

    #[test]
    fn what_was_not_measured_is_not_shown_as_a_number() {
        let mut record = bench();
        record.handshakes = None;
        record.memory = None;
        record.baseline = None;
        for cell in &mut record.cells {
            cell.throughput = None;
            cell.server_cpu = None;
            cell.plain.server_cpu = None;
            cell.tls.server_cpu = None;
        }
        insta::assert_snapshot!("bench-unknown", bench_text(&record));
    }
}
