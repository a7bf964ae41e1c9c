use crate::weak::{Hash, Rsa};
use pem::{EncodeConfig, LineEnding, Pem};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// A certificate chain and the key of its first certificate.
#[derive(Debug)]
pub struct Identity {
    /// `good`, `client`, or the id of the catalogue entry.
    pub name: String,
    /// The certificate itself first, its authority after it where there is one.
    pub chain: Vec<CertificateDer<'static>>,
    /// The OCSP response that is stapled to it (RFC 6066 section 8), for clients that ask for one.
    pub staple: Option<Vec<u8>>,
    /// The authority that clients are to trust for it, where that is not the lab's.
    pub anchor: Option<CertificateDer<'static>>,
    /// The list of revoked certificates that it says where to find, in DER.
    pub list: Option<Vec<u8>>,
    /// The private key, PKCS#8.
    pub key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    /// The whole chain in PEM, in the order it is sent.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| to_pem("CERTIFICATE", certificate)).collect()
    }

    /// In PEM the authority that clients are to trust for it, where that is not the lab's.
    #[must_use]
    pub fn anchor_pem(&self) -> Option<String> {
        self.anchor.as_ref().map(|anchor| to_pem("CERTIFICATE", anchor))
    }

    /// RSASSA-PKCS1-v1_5 over SHA-256 (RFC 8017 section 8.2) with the private key, of whatever length.
    /// None where that is no RSA key, or one too short for a hash.
    #[must_use]
    pub fn sign_rsa_sha256(&self, message: &[u8]) -> Option<Vec<u8>> {
        Rsa::read(self.key.secret_pkcs8_der())?.sign(Hash::Sha256, message)
    }

    /// The private key in PEM (`BEGIN PRIVATE KEY`). Whoever writes it to a file makes that 0600.
    #[must_use]
    pub fn key_pem(&self) -> String {
        to_pem("PRIVATE KEY", self.key.secret_pkcs8_der())
    }
}

// By hand because a key has no `Clone`: it is copied only where one says so.
impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            chain: self.chain.clone(),
            staple: self.staple.clone(),
            anchor: self.anchor.clone(),
            list: self.list.clone(),
            key: self.key.clone_key(),
        }
    }
}

pub(crate) fn to_pem(label: &str, der: &[u8]) -> String {
    pem::encode_config(&Pem::new(label, der), EncodeConfig::new().set_line_ending(LineEnding::LF))
}
