//! What the peer of the client (the good server, or the rogue) itself reports.

use crate::{CanaryKind, CertificateSeen};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// All that a peer reports of one trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerReport {
    /// Accepted connections in order; at most 64.
    pub connections: Vec<Connection>,
    /// Connections beyond those: accepted and served, not recorded.
    pub unrecorded: u64,
    /// How often somebody fetched the list of revoked certificates that the peer's certificate names; none where it
    /// names none.
    #[serde(default)]
    pub list_fetched: Option<u64>,
    /// Secrets of the TLS sessions that the peer itself ended, as lines of a key log.
    #[serde(skip)]
    pub key_log: Vec<u8>,
}

/// One accepted connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// At which of the peer's listeners.
    #[serde(default)]
    pub listener: Listener,
    /// Where the client connected from; the wire knows the flow by it.
    pub client: SocketAddr,
    /// Local address of the connection to the good server, where a relay made one.
    pub upstream: Option<SocketAddr>,
    /// How the client opened.
    pub opening: Opening,
    /// TLS facts, where the client opened with TLS and the peer ends TLS itself.
    pub tls: Option<TlsFacts>,
    /// What the client's hello says, where the peer passes it on or throws it away unopened; none where it did not
    /// come in one piece.
    #[serde(default)]
    pub hello: Option<Hello>,
    /// Commands that the client sent, where the peer reads them: name and number of arguments only
    /// (`AUTH/2`); at most 256.
    pub commands: Vec<String>,
    /// Carriers of credentials that were seen: `AUTH`, `HELLO`.
    pub credentials: Vec<String>,
    /// Bytes of the client's application data that the peer could read.
    pub client_bytes: u64,
    /// Those of them that came before the handshake ended (0-RTT, RFC 8446 section 2.3).
    #[serde(default)]
    pub early_bytes: u64,
    /// It is no client's: the attacker sent a second time what a client had sent as its first.
    #[serde(default)]
    pub replay: bool,
    /// It came before the attack: the peer was still good.
    #[serde(default)]
    pub before_attack: bool,
    /// Bytes of application data that the peer sent to the client.
    pub server_bytes: u64,
    /// The peer asked the client for a certificate of its own.
    #[serde(default)]
    pub certificate_asked: bool,
    /// The client showed a certificate of its own.
    #[serde(default)]
    pub client_certificate: bool,
    /// What that certificate says of its owner, where the peer could read it.
    #[serde(default)]
    pub client_identity: Option<CertificateSeen>,
    /// What was done to the bytes in flight, or what is wrong with what the peer sent, in words; at most 16.
    pub tampered: Vec<String>,
    /// What is wrong was sent after Finished. Clients may have their login on its way before they read that: only what
    /// comes in answer to the peer's replies shows that they went on.
    #[serde(default)]
    pub flaw_after_finished: bool,
    /// Answers that sent the client elsewhere, such as `MOVED 42 localhost:7000`; at most 16.
    #[serde(default)]
    pub redirected: Vec<String>,
    /// Warning with which the client declined what it was asked for within the session, such as `NoRenegotiation`.
    #[serde(default)]
    pub declined: Option<String>,
    /// How the connection ended.
    pub ended: Ending,
    /// Canaries found in what the client sent and in what it was sent; filled in by the runner.
    pub witnessed: Witnessed,
    /// Readable bytes from the client, cut at 256 KiB.
    #[serde(skip)]
    pub read: Vec<u8>,
    /// Readable bytes to the client, cut at 256 KiB.
    #[serde(skip)]
    pub written: Vec<u8>,
}

/// The listeners of a peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Listener {
    /// The one that the client was told to connect to.
    #[default]
    Dialled,
    /// The one that the peer itself sent the client to.
    Announced,
}

/// A credential that a rogue was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Harvest {
    /// What carried it: `AUTH`, `HELLO`.
    pub carrier: String,
    /// The user, where the command names one.
    pub user: Option<String>,
    /// The secret, masked unless it was asked for.
    pub secret: Option<String>,
}

/// Canaries in the readable bytes of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witnessed {
    /// In what the client sent.
    pub from_client: Vec<CanaryKind>,
    /// In what the client was sent.
    pub to_client: Vec<CanaryKind>,
}

/// First bytes of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Opening {
    /// It closed, or was closed, before it sent anything.
    Silent,
    /// A TLS record of type 22.
    Tls,
    /// Anything else: taken as RESP.
    Plaintext,
}

/// A TLS connection as the peer saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsFacts {
    /// Name of the certificate that was shown: `good`, or an entry of the catalogue.
    pub certificate: String,
    /// What that says of its owner; none where it is no certificate that can be read.
    #[serde(default)]
    pub shown: Option<CertificateSeen>,
    /// Server name that the client asked for (RFC 6066 section 3).
    pub sni: Option<String>,
    /// What the client's first hello offers.
    pub offered: Option<Offered>,
    /// An earlier session was resumed: no certificate was shown for it.
    #[serde(default)]
    pub resumed: bool,
    /// Whether the certificate went out to the client.
    pub certificate_sent: bool,
    /// Negotiated version, for instance `TLSv1.3`.
    pub version: Option<String>,
    /// Negotiated suite, for instance `TLS13_AES_128_GCM_SHA256`.
    pub cipher: Option<String>,
    /// How the handshake ended.
    pub handshake: Handshake,
}

/// What a client says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// Server name that it asks for (RFC 6066 section 3).
    pub sni: Option<String>,
    /// What it offers.
    pub offered: Offered,
}

/// What a client offers in its hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    /// Versions, such as `TLSv1.3`.
    pub versions: Vec<String>,
    /// Suites, by their IANA names.
    pub ciphers: Vec<String>,
    /// Protocols offered by ALPN (RFC 7301). Redis has none.
    pub alpn: Vec<String>,
    /// Fingerprint JA3.
    pub ja3: String,
    /// Fingerprint JA4.
    pub ja4: String,
}

/// How a handshake ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Handshake {
    /// Both sides finished.
    Completed,
    /// The client refused with a fatal alert (RFC 8446 section 6.2), for instance `UnknownCA`.
    Refused {
        /// Name of the alert.
        alert: String,
    },
    /// The client closed the connection without an alert.
    Closed,
    /// The client went on with a handshake that it had to break off; the peer cannot finish it.
    WentOn {
        /// What the client sent, in words.
        with: String,
    },
    /// It failed on the peer's side, or did not end.
    Failed {
        /// Why, for people.
        reason: String,
    },
}

/// How a connection ended, seen from the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum Ending {
    /// The client closed in order (FIN, close_notify or QUIT).
    ClientClosed,
    /// The client reset the connection.
    ClientReset,
    /// The client sent a fatal alert.
    ClientAlert {
        /// Name of the alert, for instance `BadRecordMac`.
        alert: String,
    },
    /// The server behind a relay closed.
    ServerClosed,
    /// It was still open when the peer was stopped.
    Open,
    /// It failed otherwise.
    Error {
        /// Why, for people.
        reason: String,
    },
}
