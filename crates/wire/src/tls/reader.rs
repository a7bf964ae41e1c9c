//! The records of one direction.

use super::{
    ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, MAX_HELLO, TLS_1_3, TlsEvent, begins_record, certificate, hello,
    names,
};

// Types of handshake messages.
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const ENCRYPTED_EXTENSIONS: u8 = 8;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const CERTIFICATE_REQUEST: u8 = 13;

#[derive(Debug, Clone, Copy)]
struct Record {
    kind: u8,
    length: usize,
    left: usize,
}

/// How the keys are exchanged before TLS 1.3, by the name of the suite.
#[derive(Debug, Clone, Copy)]
enum Exchange {
    Curve,
    Prime,
}

/// Reads the records of one direction, in any segmentation. It holds at most one handshake message,
/// of which at most 64 KiB.
#[derive(Debug, Default)]
pub struct TlsReader {
    header: Vec<u8>,
    record: Option<Record>,
    alert: Vec<u8>,
    /// A handshake message with its header, as far as it is looked at.
    message: Vec<u8>,
    /// Bytes of that message that were not looked at.
    skip: usize,
    /// All of that message is to be passed over.
    passes_over: bool,
    cipher_changed: bool,
    /// Messages come from decrypted records.
    decrypted: bool,
    exchange: Option<Exchange>,
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

    /// Bytes of memory that it holds.
    pub fn held(&self) -> usize {
        self.message.capacity()
    }

    /// There is no room for the message that is being read: its rest is passed over.
    pub fn let_go(&mut self) {
        if let Some(extra) = self.message.len().checked_sub(4) {
            self.message.truncate(4);
            self.message.shrink_to_fit();
            self.skip += extra;
            self.passes_over = true;
        }
    }

    /// Reads handshake messages that were decrypted, in any segmentation: certificates and ALPN of TLS
    /// 1.3. They go between the records that are pushed.
    pub fn push_decrypted(&mut self, bytes: &[u8], out: &mut impl FnMut(TlsEvent)) {
        self.decrypted = true;
        self.handshake(bytes, out);
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
            self.message = Vec::new();
            self.skip = 0;
            self.passes_over = false;
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
        while !bytes.is_empty() {
            if self.message_length().is_none() {
                let (head, later) = bytes.split_at(bytes.len().min(4 - self.message.len()));
                self.message.extend_from_slice(head);
                bytes = later;
            }
            let Some(length) = self.message_length() else { return };
            let wanted = 4 + self.wanted(length);
            if self.message.len() < wanted {
                let (part, later) = bytes.split_at(bytes.len().min(wanted - self.message.len()));
                self.message.extend_from_slice(part);
                bytes = later;
            }
            if self.message.len() < wanted {
                return;
            }
            let skipped = bytes.len().min(4 + length - wanted - self.skip);
            self.skip += skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if wanted + self.skip == 4 + length {
                self.skip = 0;
                let message = std::mem::take(&mut self.message);
                if !std::mem::take(&mut self.passes_over) {
                    self.whole(&message, length, out);
                }
            }
        }
    }

    /// How many bytes of the body are looked at.
    fn wanted(&self, length: usize) -> usize {
        match self.message.first() {
            _ if self.passes_over => 0,
            Some(&(CLIENT_HELLO | SERVER_HELLO | ENCRYPTED_EXTENSIONS)) if length <= MAX_HELLO => length,
            // The first certificate comes first.
            Some(&CERTIFICATE) => length.min(MAX_HELLO),
            Some(&SERVER_KEY_EXCHANGE) => length.min(3),
            _ => 0,
        }
    }

    fn message_length(&self) -> Option<usize> {
        let [high, middle, low] = self.message.get(1..4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()
    }

    fn whole(&mut self, message: &[u8], length: usize, out: &mut impl FnMut(TlsEvent)) {
        let Some((kind, body)) =
            message.split_first().zip(message.get(4..)).map(|((kind, _), body)| (*kind, body))
        else {
            return;
        };
        match (kind, body) {
            (CLIENT_HELLO | SERVER_HELLO, _) if body.len() == length => {
                let Some(event) = hello::hello(message) else { return };
                if let TlsEvent::ServerHello(hello) = &event {
                    self.old |= hello.version != TLS_1_3;
                    self.exchange = if hello.cipher.contains("_ECDH") {
                        Some(Exchange::Curve)
                    } else if hello.cipher.contains("_DHE_") {
                        Some(Exchange::Prime)
                    } else {
                        None
                    };
                }
                out(event);
            }
            (CERTIFICATE, _) => {
                // In clear there is only the form of the older versions.
                let first =
                    if self.decrypted && !self.old { certificate::first_new } else { certificate::first };
                out(TlsEvent::Certificate(first(body).map(Box::new)));
            }
            (ENCRYPTED_EXTENSIONS, _) if self.decrypted => {
                if let Some(protocol) = hello::encrypted_alpn(body) {
                    out(TlsEvent::Alpn(protocol));
                }
            }
            (SERVER_KEY_EXCHANGE, [a, b, c]) => match (self.exchange, a) {
                // RFC 8422 section 5.4: a named curve.
                (Some(Exchange::Curve), 3) => {
                    out(TlsEvent::KeyExchange(names::group(u16::from_be_bytes([*b, *c]))));
                }
                // RFC 5246 section 7.4.3: first comes the length of the prime.
                (Some(Exchange::Prime), _) => {
                    let bits = 8 * u32::from(u16::from_be_bytes([*a, *b]));
                    out(TlsEvent::KeyExchange(format!("dhe{bits}")));
                }
                _ => {}
            },
            (CERTIFICATE_REQUEST, _) => out(TlsEvent::CertificateRequest),
            _ => {}
        }
    }
}
