use crate::message::{handshake, vector8};
use crate::message_type;
use crate::record::Keys;
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;

const HASH: usize = 32;

fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// `HKDF-Expand-Label` of RFC 8446 section 7.1, for at most one block of the hash.
pub(crate) fn expand(secret: &[u8], label: &str, context: &[u8], length: usize) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let info =
        [&(length as u16).to_be_bytes()[..], &vector8(label.as_bytes()), &vector8(context), &[1]].concat();
    let mut block = mac(secret, &info);
    block.truncate(length);
    block
}

/// The secret that everything begins with (RFC 8446 section 7.1).
fn early_secret(psk: Option<&[u8]>) -> Vec<u8> {
    mac(&[0; HASH], psk.unwrap_or(&[0; HASH]))
}

/// Proof that a client has the key of the session that it wants to resume, over its hello without the proofs
/// (RFC 8446 section 4.2.11.2).
pub(crate) fn binder(psk: &[u8], hello: &[u8]) -> Vec<u8> {
    let key = expand(&early_secret(Some(psk)), "res binder", &hash(&[]), HASH);
    mac(&expand(&key, "finished", &[], HASH), &hash(hello))
}

/// Secret of what a client sends before the server has said anything (RFC 8446 section 7.1), with the whole
/// of its hello.
pub fn early_traffic(psk: &[u8], hello: &[u8]) -> Vec<u8> {
    expand(&early_secret(Some(psk)), "c e traffic", &hash(hello), HASH)
}

/// One side's key of an exchange on X25519.
#[derive(Debug)]
pub struct Exchange {
    private: PrivateKey,
    /// What the other side gets.
    pub public: Vec<u8>,
}

impl Exchange {
    /// A new key.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new() -> Result<Self, Unspecified> {
        let private = PrivateKey::generate(&X25519)?;
        let public = private.compute_public_key()?.as_ref().to_vec();
        Ok(Self { private, public })
    }

    /// The secret that both sides share. Where the other's point has a low order it is zero (RFC 7748
    /// section 6.1), and so it is here for what is no point at all: who does not check goes on with it.
    pub fn shared(&self, other: &[u8]) -> Vec<u8> {
        let peer = UnparsedPublicKey::new(&X25519, other);
        agree(&self.private, peer, Unspecified, |secret| Ok(secret.to_vec()))
            .unwrap_or_else(|_| vec![0; HASH])
    }
}

/// Secrets of both directions.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// Of the client.
    pub client: Vec<u8>,
    /// Of the server.
    pub server: Vec<u8>,
}

impl Traffic {
    /// The keys of a direction.
    pub fn keys(secret: &[u8]) -> Keys {
        Keys::new(&expand(secret, "key", &[], 16), &expand(secret, "iv", &[], 12))
    }
}

/// Transcript and secrets of one handshake (RFC 8446 sections 4.4.1 and 7.1).
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    transcript: Vec<u8>,
    secret: Vec<u8>,
    /// The key of an earlier session, where this one is resumed with it.
    psk: Option<Vec<u8>>,
}

impl Schedule {
    /// A handshake message was sent or received. It counts as it was, in the order of the wire: two
    /// sides that do not mind what it is agree on it.
    pub fn note(&mut self, message: &[u8]) {
        self.transcript.extend_from_slice(message);
    }

    /// A HelloRetryRequest is about to be noted: the first ClientHello is replaced by its hash.
    pub fn retry(&mut self) {
        self.transcript = handshake(message_type::MESSAGE_HASH, &hash(&self.transcript));
    }

    /// Hash of all messages so far.
    pub fn hash(&self) -> Vec<u8> {
        hash(&self.transcript)
    }

    /// After the ServerHello: the secrets of the handshake.
    pub fn handshake(&mut self, shared: &[u8]) -> Traffic {
        let early = early_secret(self.psk.as_deref());
        self.secret = mac(&expand(&early, "derived", &hash(&[]), HASH), shared);
        self.traffic("hs")
    }

    /// After the server's Finished: the secrets of the application.
    pub fn application(&mut self) -> Traffic {
        self.secret = mac(&expand(&self.secret, "derived", &hash(&[]), HASH), &[0; HASH]);
        self.traffic("ap")
    }

    /// The server took the key of an earlier session.
    pub fn resume(&mut self, psk: &[u8]) {
        self.psk = Some(psk.to_vec());
    }

    /// After the client's Finished: the key of a later session, for the ticket with this nonce (RFC 8446
    /// section 4.6.1). Only the schedule that gave the secrets of the application knows it.
    pub fn resumption(&self, nonce: &[u8]) -> Vec<u8> {
        let secret = expand(&self.secret, "res master", &self.hash(), HASH);
        expand(&secret, "resumption", nonce, HASH)
    }

    fn traffic(&self, of: &str) -> Traffic {
        let secret = |side: &str| expand(&self.secret, &format!("{side} {of} traffic"), &self.hash(), HASH);
        Traffic { client: secret("c"), server: secret("s") }
    }

    /// The content of a Finished by the side with this secret (RFC 8446 section 4.4.4).
    pub fn finished(&self, secret: &[u8]) -> Vec<u8> {
        mac(&expand(secret, "finished", &[], HASH), &self.hash())
    }

    /// What a server signs (RFC 8446 section 4.4.3).
    pub fn to_sign(&self) -> Vec<u8> {
        [&[0x20; 64][..], b"TLS 1.3, server CertificateVerify\0", &self.hash()].concat()
    }
}
