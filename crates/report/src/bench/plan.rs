//! What a fleet needs, in words.

use super::numbers::{kib, short, whole};
use super::table::Table;
use wirelab_model::BenchPlan;

fn facts(plan: &BenchPlan) -> Vec<String> {
    let fleet = &plan.fleet;
    let resumed = plan.resumed_connect_us.map(|micros| format!(", {} µs resumed", short(micros)));
    let mut facts = vec![
        format!(
            "{} connections, {} reconnections and {} commands per second, {} % of each core in use at most",
            whole(fleet.connections),
            whole(fleet.reconnects),
            whole(fleet.operations),
            whole(fleet.utilisation * 100.0)
        ),
        format!("measured with {} on {}", plan.server, plan.cpu),
        format!(
            "a new connection takes {} µs of the server without TLS, {} µs with a whole handshake{}",
            short(plan.plain_connect_us),
            short(plan.full_connect_us),
            resumed.unwrap_or_else(|| "; this server resumes none".into())
        ),
    ];
    if let (Some(plain), Some(tls)) = (plan.plain_memory, plan.tls_memory) {
        let (plain, tls) = (kib(plain), kib(tls));
        facts.push(format!("memory of all idle connections: {plain} without TLS, {tls} with"));
    }
    facts.push(format!(
        "after a restart, until all are connected again: {} s of one core without TLS, {} s with",
        short(plan.plain_restart),
        short(plan.full_restart)
    ));
    facts
}

fn table(plan: &BenchPlan) -> Table {
    let rows = plan.rows.iter().map(|row| {
        vec![
            format!(
                "{} {} B, pipeline {}, {} connections",
                row.operation, row.payload, row.pipeline, row.connections
            ),
            short(row.plain),
            row.resumed.map_or_else(|| "–".into(), short),
            short(row.full),
            row.needed.map_or_else(
                || format!("more than {} cores", short(row.cores)),
                |needed| format!("{} % on {} cores", short(needed * 100.0), short(row.cores)),
            ),
        ]
    });
    Table {
        head: vec![
            "if all commands were",
            "cores without TLS",
            "with TLS, all resumed",
            "with TLS, none resumed",
            "must resume",
        ],
        rows: rows.collect(),
    }
}

/// For a terminal.
pub fn bench_plan_text(plan: &BenchPlan) -> String {
    let facts = facts(plan).into_iter().fold(String::new(), |text, fact| text + &fact + "\n");
    format!("{facts}\n{}", table(plan).text())
}

/// For a document.
pub fn bench_plan_markdown(plan: &BenchPlan) -> String {
    let facts = facts(plan).into_iter().fold(String::new(), |text, fact| text + "- " + &fact + "\n");
    format!("{facts}\n{}", table(plan).markdown())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelab_model::{BenchFleet, BenchOperation, BenchPlanRow};

    #[test]
    fn a_plan_is_read_as_text_and_in_documents() {
        let row = BenchPlanRow {
            operation: BenchOperation::Set,
            payload: 256,
            pipeline: 1,
            connections: 50,
            plain: 1.8,
            full: 4.6,
            resumed: Some(3.6),
            cores: 4.0,
            needed: Some(0.6),
        };
        let too_few = BenchPlanRow { pipeline: 16, cores: 3.0, needed: None, resumed: None, ..row.clone() };
        let plan = BenchPlan {
            fleet: BenchFleet {
                connections: 10_000.0,
                reconnects: 1000.0,
                operations: 100_000.0,
                cores: None,
                utilisation: 0.5,
            },
            server: "redis-server 7".into(),
            cpu: "a processor".into(),
            plain_connect_us: 100.0,
            full_connect_us: 1100.0,
            resumed_connect_us: Some(600.0),
            rows: vec![row, too_few],
            plain_memory: Some(1e8),
            tls_memory: Some(5e8),
            plain_restart: 1.0,
            full_restart: 11.0,
        };
        insta::assert_snapshot!("bench-plan-text", bench_plan_text(&plan));
        insta::assert_snapshot!("bench-plan-markdown", bench_plan_markdown(&plan));
    }
}
