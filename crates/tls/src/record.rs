use crate::kind;
use crate::message::record;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Longest payload of a record that a peer may send (RFC 8446 section 5.2), in bytes.
pub const MOST_CIPHERTEXT: usize = (1 << 14) + 256;
const TAG: usize = 16;

/// The first record of a stream: type and payload, and how long it is with its header. None where more
/// bytes must come first. Its version is not looked at.
pub fn split_record(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let [kind, _, _, high, low] = *bytes.get(..5)? else { return None };
    let end = 5 + usize::from(u16::from_be_bytes([high, low]));
    Some((kind, bytes.get(5..end)?, end))
}

/// Keys of one direction (RFC 8446 sections 5.2 and 5.3), AES-128-GCM.
#[derive(Debug)]
pub struct Keys {
    key: Option<LessSafeKey>,
    iv: [u8; 12],
    /// Number of the next record.
    pub sequence: u64,
}

impl Keys {
    pub(crate) fn new(key: &[u8], iv: &[u8]) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key).ok().map(LessSafeKey::new);
        Self { key, iv: iv.try_into().unwrap_or_default(), sequence: 0 }
    }

    fn nonce(&self, sequence: u64) -> Nonce {
        let mut nonce = self.iv;
        for (byte, of) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
            *byte ^= of;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// A protected record that holds `payload` of this type.
    pub fn seal(&mut self, inner: u8, payload: &[u8]) -> Vec<u8> {
        self.seal_inner(&[payload, &[inner]].concat())
    }

    /// A protected record of this inner plaintext, which should end with its type.
    pub fn seal_inner(&mut self, inner: &[u8]) -> Vec<u8> {
        let mut sealed = inner.to_vec();
        // The header is what is authenticated beside it.
        let header = record(kind::APPLICATION_DATA, 0x0303, &vec![0; sealed.len() + TAG]);
        let nonce = self.nonce(self.sequence);
        if let (Some(key), Some(header)) = (&self.key, header.get(..5)) {
            // It fails for lengths that no record can have.
            let _ = key.seal_in_place_append_tag(nonce, Aad::from(header), &mut sealed);
        }
        self.sequence += 1;
        record(kind::APPLICATION_DATA, 0x0303, &sealed)
    }

    /// Opens a record with this number: the inner plaintext with its type at the end.
    pub fn open_as(&self, sequence: u64, payload: &[u8]) -> Option<Vec<u8>> {
        let header = record(kind::APPLICATION_DATA, 0x0303, payload);
        let mut bytes = payload.to_vec();
        let opened = self
            .key
            .as_ref()?
            .open_in_place(self.nonce(sequence), Aad::from(header.get(..5)?), &mut bytes)
            .ok()?;
        Some(opened.to_vec())
    }

    /// Opens the next record: its type and its content.
    pub fn open(&mut self, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        let inner = self.open_as(self.sequence, payload)?;
        self.sequence += 1;
        unpad(inner)
    }
}

/// Type and content of an inner plaintext (RFC 8446 section 5.4). None where it is all padding.
pub fn unpad(mut inner: Vec<u8>) -> Option<(u8, Vec<u8>)> {
    loop {
        match inner.pop()? {
            0 => {}
            kind => return Some((kind, inner)),
        }
    }
}

/// Name of an alert (RFC 8446 section 6.2), or its number.
pub fn alert_name(code: u8) -> String {
    let name = match code {
        0 => "CloseNotify",
        10 => "UnexpectedMessage",
        20 => "BadRecordMac",
        22 => "RecordOverflow",
        40 => "HandshakeFailure",
        42 => "BadCertificate",
        43 => "UnsupportedCertificate",
        44 => "CertificateRevoked",
        45 => "CertificateExpired",
        46 => "CertificateUnknown",
        47 => "IllegalParameter",
        48 => "UnknownCA",
        49 => "AccessDenied",
        50 => "DecodeError",
        51 => "DecryptError",
        70 => "ProtocolVersion",
        71 => "InsufficientSecurity",
        80 => "InternalError",
        90 => "UserCanceled",
        100 => "NoRenegotiation",
        109 => "MissingExtension",
        110 => "UnsupportedExtension",
        112 => "UnrecognisedName",
        116 => "CertificateRequired",
        120 => "NoApplicationProtocol",
        other => return format!("alert {other}"),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_opens_as_it_was_sealed_and_only_in_its_turn() {
        let (mut seal, mut open) = (Keys::new(&[1; 16], &[2; 12]), Keys::new(&[1; 16], &[2; 12]));
        let first = seal.seal(kind::HANDSHAKE, b"one");
        let second = seal.seal(kind::APPLICATION_DATA, b"two");
        let payload = |bytes: &[u8]| split_record(bytes).unwrap().1.to_vec();
        assert_eq!(open.open(&payload(&second)), None, "too early");
        assert_eq!(open.open(&payload(&first)), Some((kind::HANDSHAKE, b"one".to_vec())));
        assert_eq!(open.open(&payload(&first)), None, "a replay");
        assert_eq!(open.open(&payload(&second)), Some((kind::APPLICATION_DATA, b"two".to_vec())));
        assert_eq!(unpad(b"x\x17\0\0".to_vec()), Some((kind::APPLICATION_DATA, b"x".to_vec())));
        assert_eq!(unpad(vec![0; 3]), None);
        assert_eq!(split_record(&first[..first.len() - 1]), None);
    }
}
