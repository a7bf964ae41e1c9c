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
    /// A replica that has TLS for its clients (`port 0`) and no `tls-replication`, at a master that speaks TLS alone. In
    /// the plaintext arm there is no TLS anywhere.
    TlsAtMasterOnly,
    /// A replica with `tls-replication yes` at a master that knows no TLS. In the plaintext arm neither has any.
    TlsAtReplicaOnly,
    /// A server that its operator makes a replica by commands: `CONFIG SET masterauth` and `REPLICAOF`, over its port for
    /// clients. TLS: on that port and by `tls-replication yes`.
    ReplicaOf,
    /// FAILOVER: the master hands over to its replica, and logs in there as a replica of it. TLS: `tls-replication yes`.
    /// <https://redis.io/docs/latest/commands/failover/>
    Failover,
    /// A client, and later whoever has stolen its password. In the plaintext arm it logs in as `default`, who may do
    /// everything; in the TLS arm as an ACL user who may read and write one key.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/>
    AclUser,
}

impl Link {
    /// Whether a client of the lab leads it, and no server does.
    pub fn is_of_client(self) -> bool {
        matches!(self, Self::Terminator | Self::OpenPort | Self::AclUser)
    }

    /// The secrets that go over it.
    pub fn carries(self) -> &'static [CanaryKind] {
        match self {
            Self::ClusterBus => &[CanaryKind::Value],
            Self::Sentinel => &[CanaryKind::Password],
            _ => &[CanaryKind::Password, CanaryKind::Value],
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
            Self::TlsAtMasterOnly => "tls-at-master-only",
            Self::TlsAtReplicaOnly => "tls-at-replica-only",
            Self::ReplicaOf => "replica-of",
            Self::Failover => "failover",
            Self::AclUser => "acl-user",
        })
    }
}
