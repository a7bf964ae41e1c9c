//! How an environment, such as staging or production, keeps its Redis, and what that is worth.

use crate::{Got, Transport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The environment that a scenario stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name, made of a-z, 0-9 and `-`. Scenarios of one name make up one row of the report.
    pub name: String,
    /// How clients talk to Redis there: the arm that counts. It is run with the client under test; the others
    /// show that the attack is live.
    pub transport: Transport,
}

/// Whether an environment has something, as the evidence says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Has {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The evidence does not say.
    Unknown,
}

impl fmt::Display for Has {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        })
    }
}

/// How much is at stake in an environment as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Somebody on the wire gets something.
    High,
    /// Somebody who has the password gets in, and nobody on the wire gets anything.
    Medium,
    /// None of the attacks got anything.
    Low,
    /// The lab could not tell.
    Unknown,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
        })
    }
}

/// One environment with one client: what it has, what an attacker gets, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentRecord {
    /// Its name.
    pub name: String,
    /// Client: `builtin`, the command, or a name of the registry.
    pub client: String,
    /// Whether the wire shows TLS and nothing but TLS.
    pub tls: Has,
    /// Whether the server turned away who had the password and no certificate.
    pub client_certificates: Has,
    /// What an attacker got on the wire.
    pub on_the_wire: Vec<Got>,
    /// What an attacker with the password got.
    pub with_the_password: Vec<Got>,
    /// How much is at stake.
    pub risk: Risk,
    /// One sentence for people.
    pub why: String,
    /// What to do.
    pub recommendation: String,
    /// Ids of the scenarios that it rests on.
    pub scenarios: Vec<String>,
}
