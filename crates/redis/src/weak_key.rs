use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use wirelab_pki::Identity;

/// An RSA key that is too short for rustls to sign with. In TLS 1.2 only: the signatures of TLS 1.3 do
/// not fit into 512 bits.
#[derive(Debug, Clone)]
pub(crate) struct WeakKey(Identity);

impl WeakKey {
    /// None where the key is not RSA.
    pub(crate) fn new(identity: &Identity) -> Option<Self> {
        identity.sign_rsa_sha256(b"")?;
        Some(Self(identity.clone()))
    }
}

impl SigningKey for WeakKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered.contains(&self.scheme()).then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for WeakKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign_rsa_sha256(message).ok_or_else(|| Error::General("the key signs nothing".into()))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::RSA_PKCS1_SHA256
    }
}
