//! What `wirelab bench plan` computes.

use crate::BenchOperation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fleet does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchFleet {
    /// Connections that are open.
    pub connections: f64,
    /// Connections that are opened anew, per second.
    pub reconnects: f64,
    /// Commands per second.
    pub operations: f64,
    /// Processors that there are for it; none for as many as are needed where every reconnection resumes.
    pub cores: Option<f64>,
    /// Share of each processor that may be used.
    pub utilisation: f64,
}

/// What the fleet needs, for one load of the saved run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchPlanRow {
    /// Command.
    pub operation: BenchOperation,
    /// Length of the value, in bytes.
    pub payload: usize,
    /// Depth of the pipeline.
    pub pipeline: usize,
    /// Connections that were busy in the saved run.
    pub connections: usize,
    /// Processors without TLS.
    pub plain: f64,
    /// Processors with TLS where no reconnection resumes.
    pub full: f64,
    /// And where all do; none where the server resumes none.
    pub resumed: Option<f64>,
    /// Processors that the needed share is computed for.
    pub cores: f64,
    /// Share of reconnections that must resume for that, from 0 to 1; none where no share is enough.
    pub needed: Option<f64>,
}

/// What a fleet needs, computed from a saved run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchPlan {
    /// The fleet.
    pub fleet: BenchFleet,
    /// The server of the saved run.
    pub server: String,
    /// Processor of the saved run.
    pub cpu: String,
    /// Processor time of the server for a new connection in microseconds, without TLS.
    pub plain_connect_us: f64,
    /// And with a whole handshake.
    pub full_connect_us: f64,
    /// And with a resumed one; none where the server resumes none.
    pub resumed_connect_us: Option<f64>,
    /// For each load of the saved run.
    pub rows: Vec<BenchPlanRow>,
    /// Memory of all connections without TLS, in bytes.
    pub plain_memory: Option<f64>,
    /// And with TLS.
    pub tls_memory: Option<f64>,
    /// Seconds of one processor until all connections are back after a restart, without TLS.
    pub plain_restart: f64,
    /// With TLS, every handshake a whole one: a session outlives a restart only where the ticket keys do.
    pub full_restart: f64,
}
