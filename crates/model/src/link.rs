use crate::CanaryKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A link that servers keep among themselves, or that operators forget. It is under test in place of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// A replica at its master. TLS: `tls-replication yes`.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/management/replication/>
    Replication,
    /// Two nodes of a cluster, one of which passes a published message on. TLS: `tls-cluster yes`.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
    ClusterBus,
    /// A Sentinel at the master that it watches. TLS: `tls-replication yes`.
    Sentinel,
    /// MIGRATE of a key from one server to another. TLS: `tls-cluster yes`, also without a cluster.
    /// <https://redis.io/docs/latest/commands/migrate/>
    Migrate,
    /// The last hop from a TLS terminator to a server that knows no TLS: over TCP in the plaintext arm, over a
    /// Unix socket in the TLS arm.
    Terminator,
    /// The port without TLS beside the one with it: open in the plaintext arm, `port 0` in the other one.
    OpenPort,
}

impl Link {
    /// The secrets that go over it.
    pub fn carries(self) -> &'static [CanaryKind] {
        match self {
            Self::Replication | Self::Migrate | Self::Terminator | Self::OpenPort => {
                &[CanaryKind::Password, CanaryKind::Value]
            }
            Self::ClusterBus => &[CanaryKind::Value],
            Self::Sentinel => &[CanaryKind::Password],
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replication => "replication",
            Self::ClusterBus => "cluster-bus",
            Self::Sentinel => "sentinel",
            Self::Migrate => "migrate",
            Self::Terminator => "terminator",
            Self::OpenPort => "open-port",
        })
    }
}
