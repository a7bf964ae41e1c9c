//! `run.json`: what a run leaves for machines.

use crate::{
    Attack, EnvironmentRecord, ExitCode, Expect, Got, Importance, Topology, Transport, TrialKind, Verdict,
    Weakness,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A finished run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Version of wirelab that wrote it.
    pub version: String,
    /// What it amounts to.
    pub outcome: Outcome,
    /// When it began, RFC 3339, UTC.
    pub started: String,
    /// From start to end in milliseconds.
    pub duration_ms: u64,
    /// What was run where.
    pub setup: Setup,
    /// Secrets are shown as they are.
    pub revealed: bool,
    /// The clients of the registry that were asked for; none where the built-in client or a command ran.
    pub clients: Vec<ClientRecord>,
    /// The scenarios of the arms below.
    pub scenarios: Vec<ScenarioInfo>,
    /// The arms in the order in which they ran.
    pub arms: Vec<ArmRecord>,
    /// How each environment keeps its Redis, where scenarios stand for one.
    #[serde(default)]
    pub environments: Vec<EnvironmentRecord>,
    /// The runs that show that the set-up works.
    pub controls: Vec<ControlRecord>,
}

/// What a run amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every arm has its expected verdict.
    AsExpected,
    /// At least one arm has a verdict that was not expected.
    Unexpected,
    /// No arm is unexpected, but at least one could not be told.
    Inconclusive,
}

impl Outcome {
    /// Sums up the arms: an unexpected verdict outranks one that could not be told. No arm at all
    /// is inconclusive.
    pub fn of(arms: &[ArmRecord]) -> Self {
        let told = |arm: &&ArmRecord| !matches!(arm.verdict, Verdict::Inconclusive | Verdict::Skipped);
        if arms.iter().filter(told).any(|arm| !arm.as_expected) {
            Self::Unexpected
        } else if arms.is_empty() || arms.iter().any(|arm| !arm.as_expected) {
            Self::Inconclusive
        } else {
            Self::AsExpected
        }
    }

    /// What the process returns.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::AsExpected => ExitCode::AsExpected,
            Self::Unexpected => ExitCode::Unexpected,
            Self::Inconclusive => ExitCode::Inconclusive,
        }
    }
}

/// What was run where: every figure of a run holds for this set-up only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setup {
    /// The client under test: `builtin`, the command, or names of the registry.
    pub client: String,
    /// The good server, with its version.
    pub server: String,
    /// Where packets were captured: `lo`, or `lo of a network namespace of its own`.
    pub capture: String,
    /// Version of libpcap.
    pub libpcap: String,
    /// Operating system and kernel.
    pub system: String,
    /// Processor cores.
    pub cores: usize,
    /// What was broken on purpose by `--sabotage`.
    pub sabotage: Option<String>,
}

/// A client of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientRecord {
    /// What it is called.
    pub name: String,
    /// Programming language.
    pub language: String,
    /// Name of its library.
    pub library: String,
    /// Version of its library.
    pub version: String,
    /// How the library is configured, in words.
    pub configuration: String,
    /// What it ran on, as its adapter says.
    pub runtime: Option<String>,
    /// Why it was not run.
    pub skipped: Option<String>,
}

/// An expectation that is the client's own and not the scenario's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exception {
    /// Why it is expected.
    pub reason: String,
    /// Where to read on.
    pub link: String,
    /// Last day on which it is waived, where it is a waiver.
    pub until: Option<String>,
    /// That day is over, so the arm is not as expected, whatever its verdict is.
    pub expired: bool,
}

/// What a report needs of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioInfo {
    /// Its id.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What an attacker gains, and how clients get it wrong.
    pub description: String,
    /// Where to read on.
    pub references: Vec<String>,
    /// How much is lost where it succeeds.
    pub importance: Importance,
    /// What is weak about a client or server that it succeeds against.
    pub weakness: Weakness,
    /// What the attacker does.
    pub attack: Attack,
}

/// One arm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArmRecord {
    /// Id of the scenario.
    pub scenario: String,
    /// Its transport.
    pub arm: Transport,
    /// Client: `builtin`, the command, or a name of the registry.
    pub client: String,
    /// Good server.
    pub server: String,
    /// What the evidence amounts to.
    pub verdict: Verdict,
    /// What the attacker got, where it is `compromised`.
    pub got: Vec<Got>,
    /// The verdict that is asked for, or the verdicts that are allowed.
    pub expected: Expect,
    /// What the attacker must have got at least.
    pub expected_got: Vec<Got>,
    /// What the attacker must not have got.
    pub expected_not_got: Vec<Got>,
    /// The arm is there to show that the attack works.
    pub liveness: bool,
    /// Whether the arm is as the scenario asks, or the exception.
    pub as_expected: bool,
    /// Where the expectation is the client's own and not the scenario's.
    pub exception: Option<Exception>,
    /// One sentence for people.
    pub why: String,
    /// Folder of its evidence, relative to the run's folder. Empty where the arm was not run.
    pub evidence: String,
    /// Processes that the client left running, which were then killed: `pid name`.
    pub left_behind: Vec<String>,
    /// How long it took in milliseconds.
    pub duration_ms: u64,
}

/// One control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ControlRecord {
    /// Which.
    pub kind: TrialKind,
    /// Rogue that was run with its flaw removed: `impostor`, `relay`, `corrupter`, `redirector-..`; for impostors also what
    /// their certificate is like, such as `impostor-intermediate`.
    pub rogue: Option<String>,
    /// Its transport.
    pub arm: Transport,
    /// What the client was told that it connects to.
    #[serde(default)]
    pub topology: Topology,
    /// Client: `builtin`, or the command.
    pub client: String,
    /// Whether it worked.
    pub passed: bool,
    /// One sentence for people.
    pub why: String,
    /// Folder of its evidence, relative to the run's folder.
    pub evidence: String,
}
