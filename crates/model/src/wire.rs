//! What the eavesdropper's capture holds.

use crate::CanaryKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// All that the capture of one trial says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WireReport {
    /// Packets between the two markers.
    pub packets: u64,
    /// Bytes of those packets.
    pub bytes: u64,
    /// Packets that the kernel dropped; any makes the trial inconclusive.
    pub dropped: u64,
    /// Packets that the lab itself had no room for; any makes the trial inconclusive.
    pub cut: u64,
    /// Packets that are not readable as IP.
    pub damaged: u64,
    /// TCP flows in order of their first packet.
    pub flows: Vec<FlowSeen>,
    /// Canaries that were found.
    pub leaks: Vec<Leak>,
}

/// Who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The client, to the server.
    Client,
    /// The server, to the client.
    Server,
}

/// What a flow turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FlowKind {
    /// Readable RESP.
    Plaintext,
    /// TLS records.
    Tls,
    /// Neither, or no payload.
    Other,
}

/// One TCP connection as the wire showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowSeen {
    /// Who opened it.
    pub client: SocketAddr,
    /// Who was called.
    pub server: SocketAddr,
    /// What it carried.
    pub kind: FlowKind,
    /// Plaintext RESP and TLS on one connection; `kind` is then `tls`.
    pub mixed: bool,
    /// Payload bytes from the client.
    pub client_bytes: u64,
    /// Payload bytes from the server.
    pub server_bytes: u64,
    /// Readable commands.
    pub commands: u64,
    /// Readable replies.
    pub replies: u64,
    /// Credentials in clear, with the result that the paired reply shows:
    /// `AUTH default accepted`. Never the secret.
    pub credentials: Vec<String>,
    /// TLS facts, where there are any.
    pub tls: Option<TlsSeen>,
    /// Bytes that were never seen.
    pub gaps: u64,
    /// A side reset the connection.
    pub reset: bool,
}

/// What passive eyes see of a TLS flow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsSeen {
    /// A ClientHello went by.
    pub client_hello: bool,
    /// A ServerHello went by.
    pub server_hello: bool,
    /// Negotiated version, for instance `TLSv1.3`.
    pub version: Option<String>,
    /// Negotiated suite, IANA name.
    pub cipher: Option<String>,
    /// Group of the key exchange, for instance `x25519` or `X25519MLKEM768`.
    pub group: Option<String>,
    /// The server asked for another key share (HelloRetryRequest).
    #[serde(default)]
    pub retried: bool,
    /// Server name of the ClientHello.
    pub sni: Option<String>,
    /// Protocols that the client offered by ALPN.
    #[serde(default)]
    pub alpn_offered: Vec<String>,
    /// Protocol that the server chose by ALPN; TLS 1.3 encrypts it.
    pub alpn: Option<String>,
    /// How an earlier session was resumed; none where it was not.
    pub resumed: Option<Resumption>,
    /// The server asked for a certificate of the client; TLS 1.3 encrypts it.
    #[serde(default)]
    pub client_certificate_asked: bool,
    /// The server's own certificate; TLS 1.3 encrypts it.
    pub server_certificate: Option<CertificateSeen>,
    /// The client's own certificate, where it sent one; TLS 1.3 encrypts it.
    pub client_certificate: Option<CertificateSeen>,
    /// JA3 fingerprint of the client.
    pub ja3: Option<String>,
    /// JA4 fingerprint of the client.
    pub ja4: Option<String>,
    /// Records of type application_data (23) from the client.
    pub client_records: u64,
    /// Records of type application_data (23) from the server.
    pub server_records: u64,
    /// Alerts in clear.
    pub alerts: Vec<TlsAlertSeen>,
}

/// How a session was resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resumption {
    /// By a pre-shared key (RFC 8446 section 2.2).
    Psk,
    /// By the session's id (RFC 5246 section 7.4.1.2).
    SessionId,
    /// By a session ticket (RFC 5077).
    Ticket,
}

/// A certificate that went by in clear. The fields are empty where it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateSeen {
    /// Distinguished name of the owner.
    pub subject: String,
    /// Distinguished name of who signed it.
    pub issuer: String,
    /// Serial number, in hexadecimal digits.
    #[serde(default)]
    pub serial: String,
    /// Subject alternative names: host names, addresses, `email:..` and `uri:..`.
    pub names: Vec<String>,
    /// Valid from, as in RFC 3339.
    pub not_before: String,
    /// Valid until, as in RFC 3339.
    pub not_after: String,
}

/// An alert in clear (TLS 1.3 encrypts those after the ServerHello).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsAlertSeen {
    /// Who sent it.
    pub from: Direction,
    /// Name after RFC 8446 section 6, for instance `unknown_ca`.
    pub description: String,
    /// Whether it was fatal.
    pub fatal: bool,
}

/// How a canary was written on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// As it is.
    Raw,
    /// Hexadecimal, either case.
    Hex,
    /// Base64 or base64url, at any alignment.
    Base64,
    /// Percent-encoded.
    Url,
}

/// A canary on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leak {
    /// Which secret.
    pub canary: CanaryKind,
    /// How it was written.
    pub encoding: Encoding,
    /// Index into the flows of the report; none where the packet belongs to no TCP flow.
    pub flow: Option<usize>,
    /// Who sent it; none where the packet belongs to no TCP flow.
    pub from: Option<Direction>,
    /// Number of the frame in the arm's capture that holds its last byte, counted from 1.
    pub frame: u64,
    /// Offset in the stream of that direction, or in the frame where it belongs to no flow.
    pub offset: u64,
}
