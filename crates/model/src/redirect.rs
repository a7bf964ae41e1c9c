//! Redis that sends its clients elsewhere: cluster nodes and Sentinels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the client is told that it connects to.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// One server.
    #[default]
    Standalone,
    /// A node of a cluster, from which the client learns the others.
    /// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>
    Cluster,
    /// A Sentinel, which names the server. <https://redis.io/docs/latest/develop/reference/sentinel-clients/>
    Sentinel,
    /// The same, and clients ask it without TLS, whatever they do with the server that it names.
    ClearSentinel,
}

impl Topology {
    /// Whether the peer that clients connect to first knows TLS, where the transport of the arm is TLS.
    pub fn asks_over_tls(self) -> bool {
        self != Self::ClearSentinel
    }

    /// What the first peer is, however it is asked.
    #[must_use]
    pub fn role(self) -> Self {
        if self == Self::ClearSentinel { Self::Sentinel } else { self }
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standalone => "standalone",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
            Self::ClearSentinel => "clear-sentinel",
        })
    }
}

/// How a peer sends the client elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Redirection {
    /// A cluster node answers each command on a key with `-MOVED slot host:port`.
    Moved,
    /// A cluster node answers each command on a key with `-ASK slot host:port`.
    Ask,
    /// A cluster node names another one for all slots, in whichever way it is asked: CLUSTER SLOTS,
    /// SHARDS, NODES.
    Map,
    /// A Sentinel names another master: SENTINEL GET-MASTER-ADDR-BY-NAME, MASTER, MASTERS.
    Master,
    /// A Sentinel names the right master, and another one to those who listen to what it publishes:
    /// `+switch-master`. From then on it names that one to all.
    Switch,
}

impl Redirection {
    /// What clients must take their peer for, to be sent elsewhere like this.
    pub fn topology(self) -> Topology {
        match self {
            Self::Moved | Self::Ask | Self::Map => Topology::Cluster,
            Self::Master | Self::Switch => Topology::Sentinel,
        }
    }

    /// The word of scenario files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Ask => "ask",
            Self::Map => "map",
            Self::Master => "master",
            Self::Switch => "switch",
        }
    }
}

/// The host that the client is sent to. All of them are the loopback of this machine.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AnnouncedHost {
    /// The one that the client knows already; only the port is another.
    #[default]
    Same,
    /// No host, which means the same one.
    Empty,
    /// `127.0.0.1`.
    Address,
    /// `::ffff:127.0.0.1`: the same address as IPv6 (RFC 4291 section 2.5.5.2).
    Ipv6,
}

impl AnnouncedHost {
    /// The host as it is sent, where `dialled` is the one that the client knows.
    pub fn text(self, dialled: &str) -> &str {
        match self {
            Self::Same => dialled,
            Self::Empty => "",
            Self::Address => "127.0.0.1",
            Self::Ipv6 => "::ffff:127.0.0.1",
        }
    }

    /// The word of scenario files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Empty => "empty",
            Self::Address => "address",
            Self::Ipv6 => "ipv6",
        }
    }

    /// Whether the host is named otherwise than the client knows it.
    pub fn is_other_name(self) -> bool {
        matches!(self, Self::Address | Self::Ipv6)
    }
}

/// What the attacker runs where the client is sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// A listener without TLS.
    Plaintext,
    /// TLS with a certificate that the trusted authority signed for the announced host, and not for the
    /// one that the client was told to connect to.
    AnnouncedName,
    /// TLS that resumes the sessions of the server that the client was told to connect to, for any name, and has a
    /// certificate for another host for those who do not want that: two servers that share the keys of their tickets.
    SharedTickets,
    /// TLS with an entry of the certificate catalogue.
    #[serde(untagged)]
    Certificate(String),
}
