//! Keys of one direction: how they are derived, and how a record is opened.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Prk};
use aws_lc_rs::tls_prf::{self, P_SHA256, P_SHA384};

const TAG: usize = 16;

/// What a suite says about records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suite {
    algorithm: &'static Algorithm,
    sha384: bool,
    /// GCM before TLS 1.3: eight bytes of the nonce are in the record (RFC 5288 section 3).
    explicit_nonce: bool,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// `HKDF-Expand-Label` of RFC 8446 section 7.1, without a context.
fn expand(sha384: bool, secret: &[u8], label: &str, length: usize) -> Option<Vec<u8>> {
    let label = format!("tls13 {label}");
    let mut info = u16::try_from(length).ok()?.to_be_bytes().to_vec();
    info.push(u8::try_from(label.len()).ok()?);
    info.extend_from_slice(label.as_bytes());
    info.push(0);
    let mut out = vec![0; length];
    let key = Prk::new_less_safe(if sha384 { HKDF_SHA384 } else { HKDF_SHA256 }, secret);
    key.expand(&[&info], Length(length)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

impl Suite {
    /// By its IANA name; none where its records cannot be opened here (CBC, RC4, CCM).
    pub(super) fn new(name: &str) -> Option<Self> {
        let (algorithm, sha384) = if name.ends_with("AES_128_GCM_SHA256") {
            (&AES_128_GCM, false)
        } else if name.ends_with("AES_256_GCM_SHA384") {
            (&AES_256_GCM, true)
        } else if name.ends_with("CHACHA20_POLY1305_SHA256") {
            (&CHACHA20_POLY1305, false)
        } else {
            return None;
        };
        Some(Self { algorithm, sha384, explicit_nonce: false })
    }

    /// The suites of TLS 1.3 that a secret of this length can belong to.
    pub(super) fn all_of(secret: &[u8]) -> impl Iterator<Item = Self> {
        let names = ["AES_256_GCM_SHA384", "AES_128_GCM_SHA256", "CHACHA20_POLY1305_SHA256"];
        names.into_iter().filter_map(Self::new).filter(|suite| suite.secret_length() == secret.len())
    }

    /// Keys of a traffic secret (RFC 8446 section 7.3); none where the secret is not of this suite.
    pub(super) fn keys(self, secret: &[u8]) -> Option<Keys> {
        if secret.len() != self.secret_length() {
            return None;
        }
        let key = expand(self.sha384, secret, "key", self.algorithm.key_len())?;
        let iv = expand(self.sha384, secret, "iv", 12)?;
        Keys::new(self, &key, iv.try_into().ok()?)
    }

    /// The secret after a KeyUpdate (RFC 8446 section 7.2).
    pub(super) fn next_secret(self, secret: &[u8]) -> Option<Vec<u8>> {
        expand(self.sha384, secret, "traffic upd", self.secret_length())
    }

    /// Keys of the client and of the server before TLS 1.3 (RFC 5246 section 6.3, RFC 5288, RFC 7905).
    pub(super) fn old_keys(self, master: &[u8], client: &[u8; 32], server: &[u8; 32]) -> Option<[Keys; 2]> {
        let gcm = *self.algorithm != CHACHA20_POLY1305;
        let suite = Self { explicit_nonce: gcm, ..self };
        let (key, iv) = (self.algorithm.key_len(), if gcm { 4 } else { 12 });
        let secret = tls_prf::Secret::new(if self.sha384 { &P_SHA384 } else { &P_SHA256 }, master).ok()?;
        let label = b"key expansion";
        let block = secret.derive_with_seed_concatination(label, server, client, 2 * (key + iv)).ok()?;
        let (keys, ivs) = block.as_ref().split_at_checked(2 * key)?;
        let make = |key, iv: &[u8]| {
            let mut whole = [0; 12];
            whole.get_mut(..iv.len())?.copy_from_slice(iv);
            Keys::new(suite, key, whole)
        };
        let ((client_key, server_key), (client_iv, server_iv)) = (keys.split_at(key), ivs.split_at(iv));
        Some([make(client_key, client_iv)?, make(server_key, server_iv)?])
    }

    fn secret_length(self) -> usize {
        if self.sha384 { 48 } else { 32 }
    }
}

/// Keys of one direction, and the number of its next record.
#[derive(Debug)]
pub(super) struct Keys {
    key: LessSafeKey,
    iv: [u8; 12],
    pub(super) sequence: u64,
    pub(super) suite: Suite,
    /// The nonce of the last record that was opened, and its number.
    last_nonce: Option<(u64, u64)>,
}

impl Keys {
    fn new(suite: Suite, key: &[u8], iv: [u8; 12]) -> Option<Self> {
        let key = LessSafeKey::new(UnboundKey::new(suite.algorithm, key).ok()?);
        Some(Self { key, iv, sequence: 0, suite, last_nonce: None })
    }

    /// Opens a whole record of TLS 1.3, at its number or up to `skips` later ones. Gives the inner type
    /// and leaves the data in `plain`.
    pub(super) fn open_new(&mut self, record: &[u8], skips: u64, plain: &mut Vec<u8>) -> Option<u8> {
        let (header, body) = record.split_first_chunk::<5>()?;
        for sequence in self.sequence..=self.sequence.checked_add(skips)? {
            if self.open(body, self.nonce(sequence), header, plain) {
                self.sequence = sequence + 1;
                // RFC 8446 section 5.4: zeros behind the type are padding.
                let end = plain.iter().rposition(|byte| *byte != 0)?;
                let kind = plain.get(end).copied();
                plain.truncate(end);
                return kind;
            }
        }
        None
    }

    /// The same before TLS 1.3.
    pub(super) fn open_old(&mut self, record: &[u8], skips: u64, plain: &mut Vec<u8>) -> Option<u8> {
        let ([kind, major, minor, ..], body) = record.split_first_chunk::<5>()?;
        let explicit = self.suite.explicit_nonce.then(|| body.first_chunk::<8>()).flatten();
        let sealed = if self.suite.explicit_nonce { body.get(8..)? } else { body };
        let length = u16::try_from(sealed.len().checked_sub(TAG)?).ok()?.to_be_bytes();
        let explicit = explicit.map(|explicit| u64::from_be_bytes(*explicit));
        // Nearly everybody counts the nonce: it tells how many records are missing.
        let counted = explicit
            .zip(self.last_nonce)
            .map(|(now, (then, number))| number.wrapping_add(now.wrapping_sub(then)));
        let ahead = counted.filter(|number| skips > 0 && *number > self.sequence);
        let range = self.sequence..=self.sequence.checked_add(skips)?;
        for sequence in ahead.into_iter().chain(range) {
            let nonce = match explicit {
                Some(explicit) => {
                    let mut nonce = self.iv;
                    nonce.last_chunk_mut::<8>()?.copy_from_slice(&explicit.to_be_bytes());
                    nonce
                }
                None => self.nonce(sequence),
            };
            let mut aad = [0; 13];
            aad.first_chunk_mut::<8>()?.copy_from_slice(&sequence.to_be_bytes());
            aad.last_chunk_mut::<5>()?.copy_from_slice(&[*kind, *major, *minor, length[0], length[1]]);
            if self.open(sealed, nonce, &aad, plain) {
                self.sequence = sequence.checked_add(1)?;
                self.last_nonce = explicit.map(|explicit| (explicit, sequence));
                return Some(*kind);
            }
        }
        None
    }

    /// RFC 8446 section 5.3: the number of the record, over the IV.
    fn nonce(&self, sequence: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, part) in nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()) {
            *byte ^= part;
        }
        nonce
    }

    fn open(&self, sealed: &[u8], nonce: [u8; 12], aad: &[u8], plain: &mut Vec<u8>) -> bool {
        let Some((text, tag)) = sealed.len().checked_sub(TAG).and_then(|at| sealed.split_at_checked(at))
        else {
            return false;
        };
        plain.clear();
        plain.extend_from_slice(text);
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, plain).is_ok()
    }
}
