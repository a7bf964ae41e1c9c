//! `matrix.json`: clients by scenarios.

use crate::{ClientRecord, Exception, Expect, Got, Outcome, Setup, Transport, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Clients by scenarios, of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Matrix {
    /// Version of wirelab that wrote it.
    pub version: String,
    /// What the run amounts to.
    pub outcome: Outcome,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// From start to end in milliseconds.
    pub duration_ms: u64,
    /// What was run where.
    pub setup: Setup,
    /// The clients that ran, in the order of the cells.
    pub clients: Vec<ClientRecord>,
    /// The clients that did not, with the reason.
    pub skipped: Vec<ClientRecord>,
    /// The scenarios.
    pub rows: Vec<MatrixRow>,
}

/// One scenario in one transport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixRow {
    /// Id of the scenario.
    pub scenario: String,
    /// One line for people.
    pub title: String,
    /// Its transport.
    pub arm: Transport,
    /// By client; none where the run has no such arm.
    pub cells: Vec<Option<MatrixCell>>,
}

/// One client in one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCell {
    /// What the evidence amounts to.
    pub verdict: Verdict,
    /// What the attacker got, where it is `compromised`.
    pub got: Vec<Got>,
    /// The verdict that is asked for, or the verdicts that are allowed.
    pub expected: Expect,
    /// Whether it is as expected.
    pub as_expected: bool,
    /// Where the expectation is the client's own and not the scenario's.
    pub exception: Option<Exception>,
    /// One sentence for people.
    pub why: String,
    /// Folder of its evidence, relative to the run's folder. Empty where it was not run.
    pub evidence: String,
}
