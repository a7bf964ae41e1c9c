//! The files under `clients/`: which clients there are, and what is expected of them.

use crate::{Expect, Topology, Weakness};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `clients/registry.toml`: the clients that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryFile {
    /// The clients, at least one.
    #[serde(rename = "client")]
    pub clients: Vec<RegistryEntry>,
}

/// One version of a library in one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryEntry {
    /// What it is called: `a-z`, `0-9`, `.` and `-`, such as `redis-py-8.1.0`.
    pub name: String,
    /// Programming language.
    pub language: String,
    /// Name of the library as its package manager knows it.
    pub library: String,
    /// Version of the library, or how it begins: `7` stands for `7.0.15` too. The adapter must report it.
    pub version: String,
    /// How the library is configured, in words.
    pub configuration: String,
    /// Folder of the adapter, beside this file. Commands are run in it.
    pub folder: String,
    /// Program and arguments of its set-up, to be run once. None: it needs none.
    pub setup: Option<Vec<String>>,
    /// Program and arguments of the adapter.
    pub run: Vec<String>,
    /// Programs that must be on the PATH, such as `python3`.
    pub needs: Vec<String>,
    /// How to get them, in words.
    pub get: String,
    /// What it can connect to: the scenarios of others are not for it.
    #[serde(default = "one_server")]
    pub topologies: Vec<Topology>,
}

fn one_server() -> Vec<Topology> {
    vec![Topology::Standalone]
}

/// `clients/expectations.toml`: where a client is expected to be other than a scenario says, over
/// verified TLS. Where several entries fit, the last one holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectationFile {
    /// The entries.
    #[serde(default, rename = "expectation")]
    pub expectations: Vec<Expectation>,
}

/// What is expected of some clients in some scenarios, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Name of a client, in which one `*` stands for any text; or a list of such names.
    pub client: Names,
    /// Only these versions of its library, such as `<6` or `>=2.6, <2.7.33`.
    pub versions: Option<String>,
    /// Ids of scenarios, in which one `*` stands for any text, such as `certificate/name-*`.
    #[serde(default)]
    pub scenarios: Vec<String>,
    /// And all scenarios that need one of these weaknesses, and expect clients in general to be secure.
    #[serde(default)]
    pub weaknesses: Vec<Weakness>,
    /// But not these, written as in `scenarios`.
    #[serde(default)]
    pub except: Vec<String>,
    /// The verdict that is expected, or the verdicts: `secure`, `compromised`, `hung`. Or `skipped` alone: the arm
    /// cannot be decided, as where the client refuses the rogue without its flaw too.
    pub expect: Expect,
    /// With `skipped`, and only there: words of the lab's own reason why the arm cannot be decided. Where it gives another one,
    /// such as a hole in the capture, the arm stays inconclusive.
    pub doubt: Option<String>,
    /// Why.
    pub reason: String,
    /// Where to read on.
    pub link: String,
    /// Makes the entry a waiver: the last day on which it holds, UTC, as `2027-03-31`. From the next
    /// day on the cell fails, whatever its verdict is.
    pub until: Option<String>,
}

/// One name, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name, or a list of names")]
pub enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Names {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}
