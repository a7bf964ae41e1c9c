//! TLS by hand, for a rogue that breaks its rules and for a client that does not mind. A library that
//! keeps the rules cannot be told to break them. One suite of TLS 1.3 (`TLS_AES_128_GCM_SHA256` with
//! X25519), which every client has; of the older versions what goes by in clear, and the records of TLS 1.2 with
//! AES-128-GCM. No I/O, no checks
//! beyond lengths, and of no use to anybody who wants security.

mod hello;
mod message;
mod old;
mod record;
mod schedule;
mod ticket;

pub use hello::{ClientHello, ServerHello};
pub use message::{Reader, extension, extensions, handshake, record, vector8, vector16, vector24};
pub use old::{HELLO_REQUEST, NO_RENEGOTIATION, OldKeys, OldSession};
pub use record::{Keys, MOST_CIPHERTEXT, alert_name, split_record, unpad};
pub use schedule::{Exchange, Schedule, Traffic, early_traffic};
pub use ticket::Ticket;

/// Record types (RFC 8446 section 5.1).
pub mod kind {
    /// change_cipher_spec.
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    /// alert.
    pub const ALERT: u8 = 21;
    /// handshake.
    pub const HANDSHAKE: u8 = 22;
    /// application_data.
    pub const APPLICATION_DATA: u8 = 23;
}

/// Handshake types (RFC 8446 section 4, RFC 5246 section 7.4).
pub mod message_type {
    /// ClientHello.
    pub const CLIENT_HELLO: u8 = 1;
    /// ServerHello.
    pub const SERVER_HELLO: u8 = 2;
    /// NewSessionTicket.
    pub const NEW_SESSION_TICKET: u8 = 4;
    /// EndOfEarlyData.
    pub const END_OF_EARLY_DATA: u8 = 5;
    /// EncryptedExtensions.
    pub const ENCRYPTED_EXTENSIONS: u8 = 8;
    /// Certificate.
    pub const CERTIFICATE: u8 = 11;
    /// ServerKeyExchange.
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    /// CertificateRequest.
    pub const CERTIFICATE_REQUEST: u8 = 13;
    /// ServerHelloDone.
    pub const SERVER_HELLO_DONE: u8 = 14;
    /// CertificateVerify.
    pub const CERTIFICATE_VERIFY: u8 = 15;
    /// ClientKeyExchange.
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
    /// Finished.
    pub const FINISHED: u8 = 20;
    /// message_hash, which stands for the first ClientHello after a HelloRetryRequest.
    pub const MESSAGE_HASH: u8 = 254;
}

/// Extensions.
pub mod extension_type {
    /// server_name (RFC 6066 section 3).
    pub const SERVER_NAME: u16 = 0;
    /// supported_groups (RFC 8446 section 4.2.7).
    pub const SUPPORTED_GROUPS: u16 = 10;
    /// ec_point_formats (RFC 8422 section 5.1.2).
    pub const POINT_FORMATS: u16 = 11;
    /// signature_algorithms (RFC 8446 section 4.2.3).
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    /// heartbeat (RFC 6520 section 2).
    pub const HEARTBEAT: u16 = 15;
    /// application_layer_protocol_negotiation (RFC 7301 section 3.1).
    pub const ALPN: u16 = 16;
    /// extended_master_secret (RFC 7627 section 5.1).
    pub const EXTENDED_MASTER_SECRET: u16 = 23;
    /// renegotiation_info (RFC 5746 section 3.2).
    pub const RENEGOTIATION_INFO: u16 = 0xFF01;
    /// pre_shared_key (RFC 8446 section 4.2.11).
    pub const PRE_SHARED_KEY: u16 = 41;
    /// early_data (RFC 8446 section 4.2.10).
    pub const EARLY_DATA: u16 = 42;
    /// psk_key_exchange_modes (RFC 8446 section 4.2.9).
    pub const PSK_MODES: u16 = 45;
    /// supported_versions (RFC 8446 section 4.2.1).
    pub const SUPPORTED_VERSIONS: u16 = 43;
    /// cookie (RFC 8446 section 4.2.2).
    pub const COOKIE: u16 = 44;
    /// key_share (RFC 8446 section 4.2.8).
    pub const KEY_SHARE: u16 = 51;
}

/// Versions (RFC 8446 section 4.1.2).
pub mod version {
    /// SSL 3.0.
    pub const SSL3: u16 = 0x0300;
    /// TLS 1.0.
    pub const TLS10: u16 = 0x0301;
    /// TLS 1.1.
    pub const TLS11: u16 = 0x0302;
    /// TLS 1.2.
    pub const TLS12: u16 = 0x0303;
    /// TLS 1.3.
    pub const TLS13: u16 = 0x0304;
}

/// Groups for the exchange of keys (RFC 8446 section 4.2.7).
pub mod group {
    /// secp256r1.
    pub const SECP256R1: u16 = 23;
    /// x25519.
    pub const X25519: u16 = 29;
}

/// `TLS_AES_128_GCM_SHA256` (RFC 8446 appendix B.4).
pub const AES_128_GCM_SHA256: u16 = 0x1301;
