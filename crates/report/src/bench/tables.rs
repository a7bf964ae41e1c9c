//! Which numbers stand where.

use super::numbers::{change, kib, pair, short, whole};
use super::table::Table;
use wirelab_model::{BenchConnecting, BenchRecord};

/// What was measured, on what, and how.
pub(crate) fn setup(record: &BenchRecord) -> Vec<(&'static str, String)> {
    let setup = &record.setup;
    vec![
        ("server", setup.server.clone()),
        ("TLS", format!("{}, {}, {}, key {}", setup.tls, setup.cipher, setup.group, setup.key)),
        ("client", setup.client.clone()),
        (
            "machine",
            format!("{}, {} cores, {}; client and server on loopback", setup.cpu, setup.cores, setup.system),
        ),
        ("processors", setup.processors.clone()),
        ("rounds", rounds(record)),
        ("begun", format!("{}, {} s in all", record.started, whole(record.duration_ms as f64 / 1e3))),
    ]
}

/// How many rounds, of what, and until when.
fn rounds(record: &BenchRecord) -> String {
    let setup = &record.setup;
    let all = record.cells.iter().map(|cell| cell.plain.rounds.len());
    let (fewest, most) = (all.clone().min().unwrap_or(0), all.max().unwrap_or(0));
    let number = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
    let until = setup.precision.map_or_else(String::new, |percent| {
        format!(", until the interval is no wider than {percent} % of the ratio or the time is over")
    });
    let slots = record.cells.iter().map(|cell| cell.slot_ms).filter(|slot| *slot > setup.slot_ms).max();
    let longest = slots.map_or_else(String::new, |slot| format!(" (up to {slot} ms for large loads)"));
    format!(
        "{number} of each load{until}; each is plain, TLS, TLS, plain: {} ms{longest} after {} ms of warm-up",
        setup.slot_ms, setup.warmup_ms
    )
}

pub(crate) fn loads(record: &BenchRecord) -> Table {
    let rows = record.cells.iter().map(|cell| {
        vec![
            cell.load(),
            whole(cell.plain.rate),
            whole(cell.tls.rate),
            change(cell.throughput.as_ref()),
            pair(short(cell.plain.latency.p50), &short(cell.tls.latency.p50)),
            pair(short(cell.plain.latency.p99), &short(cell.tls.latency.p99)),
            pair(short(cell.plain.latency.p999), &short(cell.tls.latency.p999)),
        ]
    });
    Table {
        head: vec!["load", "plain op/s", "TLS op/s", "throughput with TLS", "p50 µs", "p99 µs", "p99.9 µs"],
        rows: rows.collect(),
    }
}

fn known(value: Option<f64>, show: fn(f64) -> String) -> String {
    value.map_or_else(|| "?".into(), show)
}

pub(crate) fn costs(record: &BenchRecord) -> Table {
    let rows = record.cells.iter().map(|cell| {
        vec![
            cell.load(),
            pair(known(cell.plain.server_cpu, short), &known(cell.tls.server_cpu, short)),
            change(cell.server_cpu.as_ref()),
            pair(short(cell.plain.client_cpu), &short(cell.tls.client_cpu)),
            pair(short(cell.plain.sent), &short(cell.tls.sent)),
            pair(short(cell.plain.received), &short(cell.tls.received)),
        ]
    });
    Table {
        head: vec![
            "processor seconds for a million operations",
            "server",
            "with TLS",
            "client",
            "bytes sent each",
            "bytes received each",
        ],
        rows: rows.collect(),
    }
}

pub(crate) fn connections(record: &BenchRecord) -> Option<Table> {
    let handshakes = record.handshakes.as_ref()?;
    let row = |name: &str, kind: Option<&BenchConnecting>| {
        let of = |of: fn(&BenchConnecting) -> String| kind.map_or_else(|| "–".into(), of);
        vec![
            name.to_owned(),
            of(|kind| whole(kind.rate)),
            of(|kind| short(kind.latency.p50)),
            of(|kind| short(kind.latency.p99)),
            of(|kind| known(kind.server_cpu_us, short)),
            of(|kind| short(kind.client_cpu_us)),
            of(|kind| pair(whole(kind.sent), &whole(kind.received))),
        ]
    };
    let resumed =
        if handshakes.resumed.is_some() { "TLS, resumed" } else { "TLS, resumed (not by this server)" };
    Some(Table {
        head: vec![
            "new connections, with login and PING",
            "per second",
            "p50 µs",
            "p99 µs",
            "server µs each",
            "client µs each",
            "bytes sent → received",
        ],
        rows: vec![
            row("TCP", Some(&handshakes.plain)),
            row("TLS, whole handshake", Some(&handshakes.full)),
            row(resumed, handshakes.resumed.as_ref()),
        ],
    })
}

pub(crate) fn memory(record: &BenchRecord) -> Option<String> {
    let memory = record.memory.as_ref()?;
    Some(format!(
        "Memory of the server for an idle connection: {} without TLS, {} with (growth of VmRSS over {} each)",
        kib(memory.plain),
        kib(memory.tls),
        memory.connections
    ))
}

pub(crate) fn baseline(record: &BenchRecord) -> Option<Table> {
    let baseline = record.baseline.as_ref()?;
    let rows = baseline.changes.iter().map(|one| {
        vec![
            one.load.clone(),
            one.before.as_ref().map_or_else(|| "not measured".into(), |before| change(Some(before))),
            change(one.now.as_ref()),
            change(one.ratio.as_ref()),
        ]
    });
    Some(Table {
        head: vec!["beside the earlier run", "throughput with TLS then", "now", "difference"],
        rows: rows.collect(),
    })
}
