//! What `wirelab bench` records: plain and TLS side by side, with the set-up in full.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A whole run of `wirelab bench`, as `--json` prints it and `--save` keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchRecord {
    /// Version of wirelab.
    pub version: String,
    /// When it began: RFC 3339, UTC.
    pub started: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What was measured, on what, and how.
    pub setup: BenchSetup,
    /// One for each operation, payload, pipeline and number of connections.
    pub cells: Vec<BenchCell>,
    /// New connections, with one PING each; none where they were not measured.
    pub handshakes: Option<BenchHandshakes>,
    /// Memory that the server needs for idle connections; none where it cannot be told.
    pub memory: Option<BenchMemory>,
    /// How the cost changed from an earlier run, where that was asked for.
    pub baseline: Option<BenchBaseline>,
    /// What makes the numbers less than they seem.
    pub warnings: Vec<String>,
}

/// What was measured, on what, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchSetup {
    /// The server, with its version where that is known.
    pub server: String,
    /// Version of TLS.
    pub tls: String,
    /// Cipher suite.
    pub cipher: String,
    /// Key exchange group.
    pub group: String,
    /// Kind of the server's key.
    pub key: String,
    /// The client: program, TLS library, and how it was built.
    pub client: String,
    /// Operating system and its version.
    pub system: String,
    /// Processor.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Where client and server ran: on processors of their own, or where the system put them.
    pub processors: String,
    /// Width of the interval, in percent of the ratio, that rounds were added for; none where their number
    /// was given.
    pub precision: Option<f64>,
    /// Time of each of the four parts of a round that is measured, in milliseconds: at least this.
    pub slot_ms: u64,
    /// Time before each of them that is not measured, in milliseconds: at least this.
    pub warmup_ms: u64,
}

/// Command of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BenchOperation {
    /// `SET key value`
    Set,
    /// `GET key`
    Get,
}

impl fmt::Display for BenchOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set => "SET",
            Self::Get => "GET",
        })
    }
}

/// One load, without and with TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchCell {
    /// Command.
    pub operation: BenchOperation,
    /// Length of the value, in bytes.
    pub payload: usize,
    /// Commands that are sent before the first reply is read.
    pub pipeline: usize,
    /// Connections, all busy all the time.
    pub connections: usize,
    /// Time of each of the four parts of a round that was measured, in milliseconds: large values need more.
    pub slot_ms: u64,
    /// Without TLS.
    pub plain: BenchSide,
    /// With TLS.
    pub tls: BenchSide,
    /// Operations per second, TLS to plain: 1 is no cost.
    pub throughput: Option<BenchEstimate>,
    /// Median latency, TLS to plain.
    pub latency: Option<BenchEstimate>,
    /// Processor time of the server for an operation, TLS to plain.
    pub server_cpu: Option<BenchEstimate>,
    /// Processors that other programs of the machine kept busy meanwhile, on average; none where the
    /// server is one of those programs.
    pub others_cores: Option<f64>,
}

impl BenchCell {
    /// The load, for people.
    pub fn load(&self) -> String {
        let Self { operation, payload, pipeline, connections, .. } = self;
        let plural = if *connections == 1 { "" } else { "s" };
        format!("{operation} {payload} B, pipeline {pipeline}, {connections} connection{plural}")
    }
}

/// One side of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchSide {
    /// Operations per second in each round.
    pub rounds: Vec<f64>,
    /// Their median.
    pub rate: f64,
    /// Operations that were measured.
    pub operations: u64,
    /// From sending a pipeline to the reply, all rounds together.
    pub latency: BenchLatency,
    /// Processor time of the client, in seconds for a million operations.
    pub client_cpu: f64,
    /// Share of one processor that the client used.
    pub client_busy: f64,
    /// Processor time of the server, in seconds for a million operations; none for a server that wirelab
    /// did not start.
    pub server_cpu: Option<f64>,
    /// Share of one processor that the server used.
    pub server_busy: Option<f64>,
    /// Bytes from client to server for an operation, counted at the socket: TLS records included, TCP and
    /// IP headers not.
    pub sent: f64,
    /// Bytes from server to client for an operation.
    pub received: f64,
}

/// Latency in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchLatency {
    /// 50th percentile.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// The longest.
    pub max: f64,
    /// Percentile and latency, rising.
    pub distribution: Vec<(f64, f64)>,
}

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchEstimate {
    /// Geometric mean of the ratios of the rounds, without the fifth of them at either end.
    pub ratio: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Standard error of the logarithm of the ratio; larger where neighbouring rounds resemble each other.
    pub error: f64,
    /// Rounds that it comes from.
    pub rounds: usize,
}

/// New connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchHandshakes {
    /// Connections that are opened at once.
    pub parallel: usize,
    /// TCP alone.
    pub plain: BenchConnecting,
    /// TLS with the whole handshake.
    pub full: BenchConnecting,
    /// TLS with a session of an earlier connection; none where the server resumes none.
    pub resumed: Option<BenchConnecting>,
}

/// New connections of one kind, each with one PING.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchConnecting {
    /// Connections per second in each round.
    pub rounds: Vec<f64>,
    /// Their median.
    pub rate: f64,
    /// Connections that were measured.
    pub connections: u64,
    /// From opening to the reply.
    pub latency: BenchLatency,
    /// Processor time of the client for a connection, in microseconds.
    pub client_cpu_us: f64,
    /// Share of one processor that the client used.
    pub client_busy: f64,
    /// Processor time of the server for a connection, in microseconds.
    pub server_cpu_us: Option<f64>,
    /// Bytes from client to server for a connection.
    pub sent: f64,
    /// Bytes from server to client for a connection.
    pub received: f64,
}

/// Memory of the server for idle connections: by how much its resident memory (VmRSS) grew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchMemory {
    /// Connections of each kind that were opened for it.
    pub connections: usize,
    /// Bytes for a connection without TLS.
    pub plain: f64,
    /// Bytes for a connection with TLS.
    pub tls: f64,
}

/// An earlier run beside this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchBaseline {
    /// When the earlier run began.
    pub started: String,
    /// Parts of the set-up that are not the same.
    pub differences: Vec<String>,
    /// For each load of this run.
    pub changes: Vec<BenchChange>,
}

/// How much the cost of TLS changed from an earlier run, for one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchChange {
    /// The load, for people.
    pub load: String,
    /// Throughput then, TLS to plain; none where the load was not measured then.
    pub before: Option<BenchEstimate>,
    /// Throughput now, TLS to plain.
    pub now: Option<BenchEstimate>,
    /// The second by the first: below 1, TLS costs more than it did.
    pub ratio: Option<BenchEstimate>,
}
