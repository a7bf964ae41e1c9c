//! What passive eyes see of TLS (RFC 8446, RFC 5246): record headers, the hellos, alerts in clear.

use tls_parser::{
    TlsCipherSuite, TlsExtension, parse_tls_extension_sni_content, parse_tls_handshake_client_hello,
    parse_tls_handshake_server_hello,
};
use wirelab_model::{Direction, TlsAlertSeen, TlsSeen};

/// Longest body of a record: 2^14 bytes and what encryption adds (RFC 5246 section 6.2.3).
pub const MAX_RECORD: usize = (1 << 14) + 2048;
/// Longest hello that is read.
pub const MAX_HELLO: usize = 64 << 10;
/// Most alerts that are kept of a connection.
pub const MAX_ALERTS: usize = 16;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// Name of the newest version.
pub(crate) const TLS_1_3: &str = "TLSv1.3";
/// Type of the records that hold encrypted data.
pub const APPLICATION_DATA: u8 = 23;

/// RFC 8446 section 4.1.3: a ServerHello with this random is a HelloRetryRequest.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Something that went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsEvent {
    /// The end of a record of this type.
    Record(u8),
    /// A ClientHello, with its server name.
    ClientHello(Option<String>),
    /// A HelloRetryRequest: the client has to say hello again.
    HelloRetryRequest,
    /// A ServerHello.
    ServerHello {
        /// Negotiated version, for instance `TLSv1.3`.
        version: String,
        /// Negotiated suite, IANA name, or `0x` and four digits.
        cipher: String,
    },
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

/// Name of an alert (RFC 8446 section 6 and the IANA registry of TLS alerts).
pub fn alert_name(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

/// Name of an alert, or `alert_` and its number where it has none.
pub fn alert_text(code: u8) -> String {
    alert_name(code).map_or_else(|| format!("alert_{code}"), str::to_owned)
}

/// Adds an event that `from` sent to the facts of its connection.
pub fn note(seen: &mut TlsSeen, from: Direction, event: TlsEvent) {
    match event {
        TlsEvent::Record(APPLICATION_DATA) => match from {
            Direction::Client => seen.client_records += 1,
            Direction::Server => seen.server_records += 1,
        },
        TlsEvent::Record(_) | TlsEvent::HelloRetryRequest => {}
        TlsEvent::ClientHello(sni) => {
            seen.client_hello = true;
            seen.sni = seen.sni.take().or(sni);
        }
        TlsEvent::ServerHello { version, cipher } => {
            seen.server_hello = true;
            seen.version.get_or_insert(version);
            seen.cipher.get_or_insert(cipher);
        }
        TlsEvent::Alert { code, fatal } => {
            if seen.alerts.len() < MAX_ALERTS {
                seen.alerts.push(TlsAlertSeen { from, description: alert_text(code), fatal });
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Record {
    kind: u8,
    length: usize,
    left: usize,
}

/// Reads the records of one direction, in any segmentation. It holds at most one hello.
#[derive(Debug, Default)]
pub struct TlsReader {
    header: Vec<u8>,
    record: Option<Record>,
    alert: Vec<u8>,
    hello: Vec<u8>,
    /// Bytes that are left of a handshake message that is not looked at.
    skip: usize,
    /// The handshake messages of this direction cannot be told apart any more.
    blind: bool,
    cipher_changed: bool,
    /// A version before 1.3 was negotiated.
    old: bool,
}

impl TlsReader {
    /// Reads on. `old` says that a version before 1.3 was negotiated: there, what follows a
    /// ChangeCipherSpec is encrypted, whereas 1.3 sends that record for show (RFC 8446 appendix D.4).
    /// Gives the bytes from the first one on that begins no record.
    pub fn push(&mut self, bytes: &[u8], old: bool, out: &mut impl FnMut(TlsEvent)) -> Option<Vec<u8>> {
        self.old |= old;
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(mut record) = self.record else {
                let (head, later) = rest.split_at(rest.len().min(5 - self.header.len()));
                self.header.extend_from_slice(head);
                rest = later;
                match begins_record(&self.header) {
                    None => return None,
                    Some(false) => {
                        let mut foreign = std::mem::take(&mut self.header);
                        foreign.extend_from_slice(rest);
                        return Some(foreign);
                    }
                    Some(true) => {}
                }
                if let [kind, _, _, high, low] = self.header.as_slice() {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    self.begin(Record { kind: *kind, length, left: length }, out);
                }
                continue;
            };
            let (body, later) = rest.split_at(rest.len().min(record.left));
            rest = later;
            record.left -= body.len();
            self.record = Some(record);
            match record.kind {
                ALERT if record.length == 2 => self.alert.extend_from_slice(body),
                HANDSHAKE if !(self.old && self.cipher_changed) => self.handshake(body, out),
                _ => {}
            }
            if record.left == 0 {
                self.end(record.kind, out);
            }
        }
        None
    }

    fn begin(&mut self, record: Record, out: &mut impl FnMut(TlsEvent)) {
        self.header.clear();
        self.alert.clear();
        self.record = Some(record);
        if record.left == 0 {
            self.end(record.kind, out);
        }
    }

    fn end(&mut self, kind: u8, out: &mut impl FnMut(TlsEvent)) {
        self.record = None;
        if kind == CHANGE_CIPHER_SPEC {
            self.cipher_changed = true;
        }
        out(TlsEvent::Record(kind));
        // Two bytes are an alert in clear: an encrypted one is longer.
        if let [level @ 1..=2, code] = self.alert.as_slice()
            && kind == ALERT
            && !(self.old && self.cipher_changed)
        {
            out(TlsEvent::Alert { code: *code, fatal: *level == 2 });
        }
    }

    fn handshake(&mut self, mut bytes: &[u8], out: &mut impl FnMut(TlsEvent)) {
        while !bytes.is_empty() && !self.blind {
            if self.skip > 0 {
                let (_, later) = bytes.split_at(bytes.len().min(self.skip));
                self.skip -= bytes.len() - later.len();
                bytes = later;
                continue;
            }
            let wanted = self.message_length().map_or(4, |length| 4 + length);
            let (part, later) = bytes.split_at(bytes.len().min(wanted - self.hello.len()));
            self.hello.extend_from_slice(part);
            bytes = later;
            let Some(length) = self.message_length() else { continue };
            let is_hello = matches!(self.hello.first(), Some(1 | 2));
            if !is_hello {
                self.skip = length;
                self.hello.clear();
            } else if length > MAX_HELLO {
                self.blind = true;
                self.hello = Vec::new();
            } else if self.hello.len() == 4 + length {
                let message = std::mem::take(&mut self.hello);
                if let Some(event) = hello(&message) {
                    self.old |= matches!(&event, TlsEvent::ServerHello { version, .. } if version != TLS_1_3);
                    out(event);
                }
            }
        }
    }

    fn message_length(&self) -> Option<usize> {
        let [high, middle, low] = self.hello.get(1..4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()
    }
}

fn hello(message: &[u8]) -> Option<TlsEvent> {
    let body = message.get(4..)?;
    if message.first() == Some(&1) {
        let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
        return Some(TlsEvent::ClientHello(extension(hello.ext, 0).and_then(server_name)));
    }
    let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
    if hello.random == RETRY_RANDOM {
        return Some(TlsEvent::HelloRetryRequest);
    }
    // RFC 8446 section 4.2.1: the selected version is in the extension, the field above says 1.2.
    let selected =
        extension(hello.ext, 43).and_then(|value| Some(u16::from_be_bytes(value.try_into().ok()?)));
    let version = match selected.unwrap_or(hello.version.0) {
        0x0300 => "SSLv3".to_owned(),
        0x0301 => "TLSv1.0".to_owned(),
        0x0302 => "TLSv1.1".to_owned(),
        0x0303 => "TLSv1.2".to_owned(),
        0x0304 => TLS_1_3.to_owned(),
        other => format!("0x{other:04x}"),
    };
    let id = hello.cipher.0;
    let cipher =
        TlsCipherSuite::from_id(id).map_or_else(|| format!("0x{id:04x}"), |suite| suite.name.to_owned());
    Some(TlsEvent::ServerHello { version, cipher })
}

/// The body of the first extension of this type. Bodies of others are not looked at, so that one
/// the parser does not know hides none.
fn extension(extensions: Option<&[u8]>, wanted: u16) -> Option<&[u8]> {
    let mut rest = extensions?;
    while let Some(([a, b, c, d], after)) = rest.split_first_chunk::<4>() {
        let (body, later) = after.split_at_checked(usize::from(u16::from_be_bytes([*c, *d])))?;
        if u16::from_be_bytes([*a, *b]) == wanted {
            return Some(body);
        }
        rest = later;
    }
    None
}

/// The host name of RFC 6066 section 3, if it is one.
fn server_name(body: &[u8]) -> Option<String> {
    let Ok((_, TlsExtension::SNI(names))) = parse_tls_extension_sni_content(body) else { return None };
    let (_, name) = names.into_iter().find(|(kind, _)| kind.0 == 0)?;
    let printable = name.len() <= 255 && name.iter().all(u8::is_ascii_graphic);
    printable.then(|| String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
