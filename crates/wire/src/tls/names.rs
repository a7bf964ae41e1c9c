//! Names of versions, suites and groups.

use super::TLS_1_3;
use tls_parser::TlsCipherSuite;

/// Name of a version by its number, such as `TLSv1.3`.
pub fn version(id: u16) -> String {
    match id {
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1.0".to_owned(),
        0x0302 => "TLSv1.1".to_owned(),
        0x0303 => "TLSv1.2".to_owned(),
        0x0304 => TLS_1_3.to_owned(),
        other => format!("0x{other:04x}"),
    }
}

/// IANA name of a suite, or `0x` and four digits.
pub fn suite(id: u16) -> String {
    TlsCipherSuite::from_id(id).map_or_else(|| format!("0x{id:04x}"), |suite| suite.name.to_owned())
}

/// Name of a group (IANA registry of TLS supported groups).
pub(super) fn group(id: u16) -> String {
    let name = match id {
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        31 => "brainpoolP256r1tls13",
        32 => "brainpoolP384r1tls13",
        33 => "brainpoolP512r1tls13",
        41 => "curveSM2",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        512 => "MLKEM512",
        513 => "MLKEM768",
        514 => "MLKEM1024",
        0x11eb => "SecP256r1MLKEM768",
        0x11ec => "X25519MLKEM768",
        0x11ed => "SecP384r1MLKEM1024",
        0x6399 => "X25519Kyber768Draft00",
        other => return format!("0x{other:04x}"),
    };
    name.to_owned()
}

/// Values that clients send so that servers learn to ignore what they do not know (RFC 8701).
pub(super) fn is_grease(id: u16) -> bool {
    id & 0x0f0f == 0x0a0a && id >> 8 == id & 0xff
}

/// Text from the wire: at most 256 characters, control characters as `?`.
pub(super) fn readable(text: &str) -> String {
    text.chars().take(256).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}
