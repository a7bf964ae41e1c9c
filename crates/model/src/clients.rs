//! The files under `clients/`: which clients there are, and what is expected of them.

use crate::Expect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `clients/FOLDER/client.toml`: one library, and the versions and configurations to test it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientFile {
    /// Programming language.
    pub language: String,
    /// Name of the library as its package manager knows it.
    pub library: String,
    /// Programs that must be on the PATH, such as `python3`.
    pub needs: Vec<String>,
    /// How to get them, in words.
    pub get: String,
    /// The clients, at least one.
    #[serde(rename = "client")]
    pub clients: Vec<ClientEntry>,
}

/// One version of a library in one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientEntry {
    /// What it is called: `a-z`, `0-9`, `.` and `-`, such as `redis-py-8`.
    pub name: String,
    /// Version of the library; the adapter must report the same.
    pub version: String,
    /// How the library is configured, in words.
    pub configuration: String,
    /// Command line of its set-up, run in the folder of this file, through no shell.
    pub install: Option<String>,
    /// Command line of the adapter, run in the folder of this file, through no shell.
    pub run: String,
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
    /// Name of a client, or its beginning followed by `*`.
    pub client: String,
    /// Only these versions of its library, such as `<6` or `>=2.6, <2.7.33`.
    pub versions: Option<String>,
    /// Ids of scenarios, or their beginnings followed by `*`, such as `certificate/name-*`.
    pub scenarios: Vec<String>,
    /// The verdict that is expected, or the verdicts: `secure`, `compromised`, `hung`.
    pub expect: Expect,
    /// Why.
    pub reason: String,
    /// Where to read on.
    pub link: String,
    /// Makes the entry a waiver: the last day on which it holds, UTC, as `2027-03-31`. From the next
    /// day on the cell fails, whatever its verdict is.
    pub until: Option<String>,
}
