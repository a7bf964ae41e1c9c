//! The good server certificate with a key of another kind than the lab's own P-256: what a handshake
//! costs depends on it.

use crate::kit::{ed25519, new_key};
use crate::{Identity, Lab, PkiError, template};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use time::OffsetDateTime;

/// Kind of a server's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKey {
    /// ECDSA on P-256.
    P256,
    /// RSA of 2048 bits.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// Ed25519 (RFC 8410).
    Ed25519,
}

impl ServerKey {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::P256, Self::Rsa2048, Self::Rsa3072, Self::Ed25519];

    /// `p256`, `rsa2048`, `rsa3072`, `ed25519`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Ed25519 => "ed25519",
        }
    }

    fn make(self) -> Result<KeyPair, rcgen::Error> {
        match self {
            Self::P256 => new_key(),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
            Self::Rsa3072 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072),
            Self::Ed25519 => ed25519(),
        }
    }
}

impl Lab {
    /// A server like [`Lab::good`] with a fresh key of this kind. The authority that signs it stays the
    /// lab's own, whose key is on P-256.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn good_with(&self, key: ServerKey, now: OffsetDateTime) -> Result<Identity, PkiError> {
        let name = format!("good-{}", key.name());
        let made = key.make().and_then(|pair| {
            let params = template::server(template::whole_seconds(now))?;
            let leaf = params.signed_by(&pair, &self.root().issuer)?.der().clone();
            let chain = vec![leaf, self.root().der.clone()];
            Ok(Identity {
                name: name.clone(),
                chain,
                staple: None,
                list: None,
                anchor: None,
                key: pair.serialize_der().into(),
            })
        });
        made.map_err(|source| PkiError::Make { name, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::FromDer;

    #[test]
    fn each_kind_of_key_is_in_its_certificate_and_signed_by_the_authority() {
        let now = OffsetDateTime::now_utc();
        let lab = Lab::new(now).unwrap();
        let (_, root) = x509_parser::certificate::X509Certificate::from_der(lab.authority_der()).unwrap();
        for (key, algorithm, bits) in [
            (ServerKey::P256, "1.2.840.10045.2.1", 256),
            (ServerKey::Rsa2048, "1.2.840.113549.1.1.1", 2048),
            (ServerKey::Rsa3072, "1.2.840.113549.1.1.1", 3072),
            (ServerKey::Ed25519, "1.3.101.112", 256),
        ] {
            let identity = lab.good_with(key, now).unwrap();
            let leaf = identity.chain.first().unwrap();
            let (_, leaf) = x509_parser::certificate::X509Certificate::from_der(leaf).unwrap();
            let info = leaf.public_key();
            assert_eq!(info.algorithm.algorithm.to_id_string(), algorithm, "{key:?}");
            if let x509_parser::public_key::PublicKey::RSA(rsa) = info.parsed().unwrap() {
                assert_eq!(rsa.key_size(), bits, "{key:?}");
            }
            assert_eq!(leaf.issuer(), root.subject(), "{key:?}");
        }
    }
}
