//! What passive eyes see of TLS (RFC 8446, RFC 5246): record headers, the hellos and their
//! fingerprints, certificates and alerts in clear.
//!
//! [`TlsReader`] reads the records of one direction and gives events; [`Watch`] collects those of both.

mod alert;
mod certificate;
mod fingerprint;
#[cfg(test)]
pub(crate) mod fixtures;
mod hello;
mod names;
mod reader;
mod watch;

pub use alert::{alert_name, alert_text};
pub use certificate::read as read_certificate;
pub use hello::{ClientHello, ServerHello};
pub use names::{suite, version};
pub use reader::TlsReader;
pub use watch::Watch;
use wirelab_model::CertificateSeen;

/// Longest body of a record: 2^14 bytes and what encryption adds (RFC 5246 section 6.2.3).
pub const MAX_RECORD: usize = (1 << 14) + 2048;
/// Longest hello that is read.
pub const MAX_HELLO: usize = 64 << 10;
/// Most alerts that are kept of a connection.
pub const MAX_ALERTS: usize = 16;

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
/// Type of the records that hold encrypted data.
pub const APPLICATION_DATA: u8 = 23;
/// Name of the newest version.
pub(crate) const TLS_1_3: &str = "TLSv1.3";

/// Something that went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsEvent {
    /// The end of a record of this type.
    Record(u8),
    /// A ClientHello.
    ClientHello(Box<ClientHello>),
    /// A HelloRetryRequest: the client has to say hello again.
    HelloRetryRequest,
    /// A ServerHello.
    ServerHello(Box<ServerHello>),
    /// A list of certificates: the first one, none where the list is empty.
    Certificate(Option<Box<CertificateSeen>>),
    /// The server's half of a key exchange before TLS 1.3: its group.
    KeyExchange(String),
    /// The server asks for a certificate.
    CertificateRequest,
    /// The protocol that the server chose by ALPN, where TLS 1.3 was decrypted.
    Alpn(String),
    /// An alert in clear.
    Alert {
        /// Code of RFC 8446 section 6.
        code: u8,
        /// Level 2.
        fatal: bool,
    },
}

/// Whether bytes begin a TLS record; none where there are too few of them to say so.
pub fn begins_record(bytes: &[u8]) -> Option<bool> {
    let fits = |index: usize, test: &dyn Fn(u8) -> bool| bytes.get(index).is_none_or(|byte| test(*byte));
    if !fits(0, &|kind| (CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind))
        || !fits(1, &|major| major == 3)
        || !fits(2, &|minor| minor <= 4)
    {
        return Some(false);
    }
    let [high, low] = bytes.get(3..5)?.try_into().ok()?;
    Some(usize::from(u16::from_be_bytes([high, low])) <= MAX_RECORD)
}

/// Looks for a record in bytes whose beginning is unknown, as after a hole: one header that another
/// one follows. Gives where it begins, or how many bytes can be dropped before more are there to look
/// again. It holds that at most `MAX_RECORD + 10` bytes have to be kept.
pub fn find_record(bytes: &[u8]) -> Result<usize, usize> {
    for (start, byte) in bytes.iter().enumerate() {
        if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(byte) {
            continue;
        }
        let here = bytes.get(start..).unwrap_or_default();
        let Some(length) = record_length(here) else {
            if here.len() < 5 && begins_record(here).is_none() {
                return Err(start);
            }
            continue;
        };
        // An empty record is allowed, but zeros are more often something else.
        if length == 0 {
            continue;
        }
        let next = here.get(5 + length..).unwrap_or_default();
        match begins_record(next) {
            // One more version byte to be right: all records after the first hellos say 3.3.
            Some(true) if next.get(1..3) == here.get(1..3) => return Ok(start),
            Some(_) => {}
            None => return Err(start),
        }
    }
    Err(bytes.len())
}

/// Length of the body of the record that begins here.
pub(crate) fn record_length(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, high, low] = bytes.first_chunk::<5>()?;
    (begins_record(bytes) == Some(true)).then(|| usize::from(u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
