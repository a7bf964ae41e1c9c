use crate::message::record;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

const EXPLICIT: usize = 8;
const TAG: usize = 16;
const KEY: usize = 16;
const SALT: usize = 4;

/// The PRF of TLS 1.2 with SHA-256 (RFC 5246 section 5).
fn prf(secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mac = |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
    let seed = [label.as_bytes(), seed].concat();
    let (mut a, mut out) = (mac(&seed), Vec::new());
    while out.len() < length {
        out.extend(mac(&[&a[..], &seed].concat()));
        a = mac(&a);
    }
    out.truncate(length);
    out
}

/// Keys of one direction of TLS 1.2 with AES-128-GCM (RFC 5288 section 3).
#[derive(Debug)]
pub struct OldKeys {
    key: Option<LessSafeKey>,
    salt: [u8; SALT],
    /// Number of the next record.
    pub sequence: u64,
}

impl OldKeys {
    /// From a key of 16 bytes and at least the 4 of the nonce that are not sent. With others nothing can be
    /// sealed or opened.
    pub fn new(key: &[u8], salt: &[u8], sequence: u64) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key).ok().map(LessSafeKey::new);
        let salt = salt.first_chunk().copied().unwrap_or_default();
        Self { key, salt, sequence }
    }

    fn nonce(&self, explicit: [u8; EXPLICIT]) -> Nonce {
        let mut nonce = [0; SALT + EXPLICIT];
        for (byte, of) in nonce.iter_mut().zip(self.salt.iter().chain(&explicit)) {
            *byte = *of;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// What is authenticated beside the content (RFC 5246 section 6.2.3.3).
    fn beside(&self, kind: u8, length: usize) -> Vec<u8> {
        [&self.sequence.to_be_bytes()[..], &[kind, 3, 3], &(length as u16).to_be_bytes()].concat()
    }

    /// A protected record.
    pub fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        let explicit = self.sequence.to_be_bytes();
        let mut sealed = content.to_vec();
        if let Some(key) = &self.key {
            // It fails for lengths that no record can have.
            let beside = Aad::from(self.beside(kind, content.len()));
            let _ = key.seal_in_place_append_tag(self.nonce(explicit), beside, &mut sealed);
        }
        self.sequence += 1;
        record(kind, crate::version::TLS12, &[&explicit[..], &sealed].concat())
    }

    /// Opens the next record.
    pub fn open(&mut self, kind: u8, payload: &[u8]) -> Option<Vec<u8>> {
        let (explicit, sealed) = payload.split_first_chunk()?;
        let beside = Aad::from(self.beside(kind, sealed.len().checked_sub(TAG)?));
        let mut bytes = sealed.to_vec();
        let opened = self.key.as_ref()?.open_in_place(self.nonce(*explicit), beside, &mut bytes).ok()?;
        let content = opened.to_vec();
        self.sequence += 1;
        Some(content)
    }
}

/// Secrets of a session of TLS 1.2 whose suite uses ECDHE, AES-128-GCM and SHA-256.
#[derive(Debug)]
pub struct OldSession {
    master: Vec<u8>,
    /// Keys of what the client sends.
    pub client: OldKeys,
    /// Keys of what the server sends.
    pub server: OldKeys,
}

impl OldSession {
    /// From what both sides share and the randoms of their hellos, without the extension of RFC 7627
    /// (RFC 5246 sections 6.3 and 8.1).
    pub fn new(shared: &[u8], client_random: &[u8], server_random: &[u8]) -> Self {
        let master = prf(shared, "master secret", &[client_random, server_random].concat(), 48);
        let seed = [server_random, client_random].concat();
        let block = prf(&master, "key expansion", &seed, 2 * (KEY + SALT));
        let part = |from: usize, length: usize| block.get(from..from + length).unwrap_or_default();
        let client = OldKeys::new(part(0, KEY), part(2 * KEY, SALT), 0);
        let server = OldKeys::new(part(KEY, KEY), part(2 * KEY + SALT, SALT), 0);
        Self { master, client, server }
    }

    /// Content of the client's Finished, over the hash of all messages before it (RFC 5246 section 7.4.9).
    pub fn client_finished(&self, hash: &[u8]) -> Vec<u8> {
        prf(&self.master, "client finished", hash, 12)
    }
}

/// A request for a new handshake within the session (RFC 5246 section 7.4.1.1), as a whole message.
pub const HELLO_REQUEST: &[u8] = &[0, 0, 0, 0];
/// Warning of who does not want that (RFC 5246 section 7.2.2).
pub const NO_RENEGOTIATION: u8 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kind, split_record};

    /// The vector for SHA-256 of <https://www.ietf.org/mail-archive/web/tls/current/msg03416.html>.
    #[test]
    fn the_prf_is_that_of_tls12() {
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let out = prf(&secret, "test label", &seed, 100);
        assert_eq!(out.len(), 100);
        assert_eq!(out[..16], hex("e3f229ba727be17b8d122620557cd453"));
        assert_eq!(out[84..], hex("22ee42c5a72e5a5110fff70187347b66"));
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn a_record_opens_as_it_was_sealed_and_only_in_its_turn() {
        let pair = || OldKeys::new(&[1; 16], &[2; 12], 1);
        let (mut seal, mut open) = (pair(), pair());
        let first = seal.seal(kind::HANDSHAKE, HELLO_REQUEST);
        let second = seal.seal(kind::APPLICATION_DATA, b"two");
        let payload = |bytes: &[u8]| split_record(bytes).unwrap().1.to_vec();
        assert_eq!(open.open(kind::APPLICATION_DATA, &payload(&second)), None, "too early");
        assert_eq!(open.open(kind::APPLICATION_DATA, &payload(&first)), None, "another type");
        assert_eq!(open.open(kind::HANDSHAKE, &payload(&first)), Some(HELLO_REQUEST.to_vec()));
        assert_eq!(open.open(kind::APPLICATION_DATA, &payload(&second)), Some(b"two".to_vec()));
        assert_eq!(open.open(kind::ALERT, b"short"), None);
    }
}
