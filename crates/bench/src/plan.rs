//! From one machine to a fleet, on paper.

use thiserror::Error;
use wirelab_model::{BenchFleet, BenchPlan, BenchPlanRow, BenchRecord};

/// Why nothing can be computed.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// The run has nothing to compute from.
    #[error(
        "the saved run has no {0}: measure a server that wirelab starts (`wirelab bench --server redis --save FILE`), with handshakes"
    )]
    Missing(&'static str),
}

/// Computes it.
///
/// # Errors
/// The run knows nothing of the server's processor time, or has no handshakes.
pub fn plan(record: &BenchRecord, fleet: &BenchFleet) -> Result<BenchPlan, PlanError> {
    let handshakes = record.handshakes.as_ref().ok_or(PlanError::Missing("new connections"))?;
    let time = || PlanError::Missing("processor time of the server");
    let seconds = |micros: Option<f64>| micros.map(|micros| micros / 1e6);
    let plain_connect = seconds(handshakes.plain.server_cpu_us).ok_or_else(time)?;
    let full_connect = seconds(handshakes.full.server_cpu_us).ok_or_else(time)?;
    let resumed_connect = seconds(handshakes.resumed.as_ref().and_then(|resumed| resumed.server_cpu_us));
    let mut rows = Vec::new();
    for cell in &record.cells {
        let (Some(plain), Some(tls)) = (cell.plain.server_cpu, cell.tls.server_cpu) else { continue };
        let cores = |operation: f64, connect: f64| {
            (fleet.operations * operation / 1e6 + fleet.reconnects * connect) / fleet.utilisation
        };
        let full = cores(tls, full_connect);
        let resumed = resumed_connect.map(|connect| cores(tls, connect));
        let least = resumed.unwrap_or(full);
        let there = fleet.cores.unwrap_or_else(|| least.ceil());
        rows.push(BenchPlanRow {
            operation: cell.operation,
            payload: cell.payload,
            pipeline: cell.pipeline,
            connections: cell.connections,
            plain: cores(plain, plain_connect),
            full,
            resumed,
            cores: there,
            needed: needed(there, full, resumed),
        });
    }
    if rows.is_empty() {
        return Err(time());
    }
    let memory = record.memory.as_ref();
    Ok(BenchPlan {
        fleet: *fleet,
        server: record.setup.server.clone(),
        cpu: record.setup.cpu.clone(),
        plain_connect_us: plain_connect * 1e6,
        full_connect_us: full_connect * 1e6,
        resumed_connect_us: resumed_connect.map(|seconds| seconds * 1e6),
        rows,
        plain_memory: memory.map(|memory| memory.plain * fleet.connections),
        tls_memory: memory.map(|memory| memory.tls * fleet.connections),
        plain_restart: fleet.connections * plain_connect,
        full_restart: fleet.connections * full_connect,
    })
}

/// The share that must resume so that so many processors are enough: what they need falls from `full` to
/// `resumed` in proportion to it.
fn needed(there: f64, full: f64, resumed: Option<f64>) -> Option<f64> {
    if full <= there {
        return Some(0.0);
    }
    let resumed = resumed.filter(|resumed| *resumed <= there)?;
    Some((full - there) / (full - resumed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn fleet(cores: Option<f64>) -> BenchFleet {
        BenchFleet {
            connections: 10_000.0,
            reconnects: 1000.0,
            operations: 100_000.0,
            cores,
            utilisation: 0.5,
        }
    }

    #[test]
    fn processors_are_those_of_the_commands_and_of_the_handshakes() {
        // 8 and 12 µs a command; 100, 1100 and 600 µs a connection; 10,000 and 50,000 bytes.
        let plan = plan(&fixture::record(), &fleet(None)).unwrap();
        let row = plan.rows.first().unwrap();
        let near = |real: f64, expected: f64| (real - expected).abs() < 1e-9;
        assert!(near(row.plain, (0.8 + 0.1) / 0.5), "{row:?}");
        assert!(near(row.full, (1.2 + 1.1) / 0.5), "{row:?}");
        assert!(near(row.resumed.unwrap(), (1.2 + 0.6) / 0.5), "{row:?}");
        // 3.6 processors if all resume: 4 are there, and 4.6 would be needed if none did.
        assert!(near(row.cores, 4.0) && near(row.needed.unwrap(), 0.6), "{row:?}");
        assert!(near(plan.plain_memory.unwrap(), 1e8) && near(plan.tls_memory.unwrap(), 5e8));
        assert!(near(plan.plain_restart, 1.0) && near(plan.full_restart, 11.0));
    }

    #[test]
    fn with_enough_processors_none_must_resume_and_with_too_few_none_is_enough() {
        for (cores, needed) in [(5.0, Some(0.0)), (4.6, Some(0.0)), (3.6, Some(1.0)), (3.0, None)] {
            let plan = plan(&fixture::record(), &fleet(Some(cores))).unwrap();
            let real = plan.rows.first().unwrap().needed;
            let same =
                real.zip(needed).is_some_and(|(real, needed): (f64, f64)| (real - needed).abs() < 1e-6);
            assert!(same || real == needed, "{cores}: {real:?}");
        }
    }

    #[test]
    fn what_was_not_measured_is_not_made_up() {
        let mut record = fixture::record();
        record.handshakes.as_mut().unwrap().resumed = None;
        let row = plan(&record, &fleet(None)).unwrap().rows.remove(0);
        assert_eq!((row.resumed, row.needed), (None, Some(0.0)));
        assert!((row.cores - 5.0).abs() < 1e-9, "rounded up from {}", row.full);
        record.cells.clear();
        assert!(plan(&record, &fleet(None)).is_err());
        record.handshakes = None;
        let error = plan(&record, &fleet(None)).unwrap_err();
        assert!(error.to_string().contains("--server redis"), "{error}");
    }
}
