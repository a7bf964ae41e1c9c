use crate::{Canaries, ClientReport, Link, PeerReport, Transport, WireReport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a trial was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrialKind {
    /// Good server, before the attacks.
    ControlBefore,
    /// Good server, after the attacks.
    ControlAfter,
    /// The rogue with its one flaw removed: the same client must accept it.
    ControlUnarmed,
    /// An attack.
    Attack,
}

/// One client, run once against one peer: everything that was recorded.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What it was for.
    pub kind: TrialKind,
    /// How the client was told to talk.
    pub transport: Transport,
    /// The link between servers that it was of; `client` is then its near end. None: of a client.
    pub link: Option<Link>,
    /// Nobody logs in with a password: the server goes by the certificate, or by nothing.
    pub passwordless: bool,
    /// The secrets of this trial.
    pub canaries: Canaries,
    /// Port on loopback that the client was told to use.
    pub port: u16,
    /// Port on loopback that the peer sent the client to. None where it sends nobody anywhere.
    pub announced_port: Option<u16>,
    /// First witness: the wire.
    pub wire: WireReport,
    /// Second witness: the peer that the client was pointed at. None where the peer is a foreign
    /// server that keeps no record.
    pub peer: Option<PeerReport>,
    /// What the good server behind a rogue says. None where there is none, or where it keeps no record.
    pub server: Option<PeerReport>,
    /// Second witness: the client.
    pub client: ClientReport,
    /// Whether the good server held the value under the key afterwards. None where no good server
    /// took part.
    pub stored: Option<bool>,
    /// Corrupter only: offset of the first byte from the server that differs between the two legs
    /// of a relayed connection, as the wire shows it.
    pub legs_differ_at: Option<u64>,
    /// What went wrong in the lab itself, for people. Makes the trial inconclusive.
    pub fault: Option<String>,
}

/// The evidence of an arm as it is written into its folder (`evidence.json`), secrets masked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ArmEvidence {
    /// What the wire shows.
    pub wire: WireReport,
    /// What the peer says.
    pub peer: Option<PeerReport>,
    /// What the client says.
    pub client: ClientReport,
    /// Whether the good server held the value under the key afterwards.
    pub stored: Option<bool>,
    /// Where the two legs of a corrupted connection differ.
    pub legs_differ_at: Option<u64>,
    /// What went wrong in the lab itself.
    pub fault: Option<String>,
    /// The first packets with payload between the client and its peer.
    pub packets: Vec<PacketView>,
}

/// One packet, to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PacketView {
    /// Number in the arm's capture, counted from 1.
    pub frame: u64,
    /// Microseconds since the arm's first packet.
    pub time_us: u64,
    /// Who sent it.
    pub from: crate::Direction,
    /// Length of the TCP payload in bytes.
    pub length: u32,
    /// What it is, in a few words: `ClientHello`, `AUTH`, `3 replies`.
    pub summary: String,
    /// First bytes of the payload as hexadecimal digits, at most 256 bytes; secrets masked by `2a`.
    pub hex: String,
}
