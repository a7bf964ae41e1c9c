//! What the lab and an adapter say to each other: one JSON object a line. `docs/adapters.md` has it in
//! words. Fields that a reader does not know are ignored on both sides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the protocol that this wirelab speaks.
pub const ADAPTER_PROTOCOL: u64 = 1;

/// Any line of the protocol.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AdapterLine {
    /// The adapter's first line.
    Hello(AdapterHello),
    /// From the lab.
    Case(Box<AdapterCase>),
    /// From the adapter, one for each case.
    Answer(AdapterAnswer),
}

/// The first line of an adapter, before any case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdapterHello {
    /// Version of the protocol: 1.
    pub protocol: u64,
    /// Name of the adapter, such as `redis-py`.
    pub adapter: String,
    /// Name of the library as its package manager knows it.
    pub library: String,
    /// Version of the library, as the library itself says. The lab holds it against the registry.
    pub version: String,
    /// What it runs on, such as `Python 3.11.7`.
    pub runtime: String,
}

/// One case: connect anew, SET, GET, close, unless `client` says otherwise. It holds secrets, so it has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct AdapterCase {
    /// To be repeated in the answer.
    pub id: u64,
    /// Host to connect to, and the name that the certificate must have.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether to use TLS.
    pub tls: bool,
    /// False: with the certificate checks switched off, where the library has such a switch.
    pub verify: bool,
    /// The only authority to trust, PEM.
    pub ca: String,
    /// The client's own certificate, PEM. None: without one.
    pub client_cert: Option<String>,
    /// The key to it, PEM.
    pub client_key: Option<String>,
    /// Both in one file, PKCS#12 with an empty password.
    pub client_pfx: Option<String>,
    /// User to log in as.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Key to SET and GET.
    pub key: String,
    /// Value to SET, and to expect from GET.
    pub value: String,
    /// The same as a URL: `redis://` or `rediss://`.
    pub url: String,
    /// The same as a StackExchange.Redis configuration string.
    pub stackexchange: String,
    /// What is behind host and port.
    pub topology: AdapterTopology,
    /// Name of the master, to ask a Sentinel for.
    pub service: String,
    /// Which client object does it.
    pub client: AdapterClient,
    /// Milliseconds until the answer must be there.
    pub deadline_ms: u64,
}

/// Which client object does a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterClient {
    /// A new one, which is closed before the answer.
    New,
    /// A new one, which stays open for the next case.
    Keep,
    /// That of the case before, whose connections were cut off since then: it connects again by itself.
    Kept,
}

/// What a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterTopology {
    /// One server.
    Standalone,
    /// A node of a cluster, from which the others are discovered.
    Cluster,
    /// A Sentinel, which knows the master.
    Sentinel,
    /// The same, to be asked without TLS, whatever `tls` says of the master.
    ClearSentinel,
}

/// The answer to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdapterAnswer {
    /// That of the case.
    pub id: u64,
    /// How it went.
    #[serde(flatten)]
    pub outcome: AdapterOutcome,
}

/// How a case went, as the adapter says. The lab has witnesses of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum AdapterOutcome {
    /// SET and GET worked.
    Worked {
        /// What GET returned.
        received: String,
    },
    /// Something did not work.
    Failed {
        /// What GET returned, where it did.
        received: Option<String>,
        /// The library's own error with its inner causes.
        error: String,
    },
    /// The library cannot do what the case asks for.
    Unsupported {
        /// Why.
        error: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_documented_and_unknown_fields_are_ignored() {
        let read = |text: &str| serde_json::from_str::<AdapterAnswer>(text).map(|answer| answer.outcome).ok();
        let worked = AdapterOutcome::Worked { received: "v".into() };
        assert_eq!(read(r#"{"id":1,"outcome":"worked","received":"v","later":1}"#), Some(worked));
        let failed = AdapterOutcome::Failed { received: None, error: "no".into() };
        assert_eq!(read(r#"{"id":1,"outcome":"failed","received":null,"error":"no"}"#), Some(failed.clone()));
        assert_eq!(read(r#"{"id":1,"outcome":"failed","error":"no"}"#), Some(failed));
        let unsupported = AdapterOutcome::Unsupported { error: "no switch".into() };
        assert_eq!(read(r#"{"id":1,"outcome":"unsupported","error":"no switch"}"#), Some(unsupported));
        for wrong in [
            r#"{"id":1,"outcome":"worked"}"#,
            r#"{"id":1,"outcome":"worked","received":null}"#,
            r#"{"id":1,"outcome":"failed"}"#,
            r#"{"id":1,"outcome":"fine","received":"v"}"#,
            r#"{"outcome":"worked","received":"v"}"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
