use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::template::{Signer, Template, authority, whole_seconds};
use crate::{Entry, Identity};

/// Why a certificate could not be made. None of these comes from input: each is a fault of the lab
/// or a time that no certificate can hold.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A key or certificate could not be made.
    #[error("cannot make the certificate `{name}`: {source}")]
    Make {
        /// Which one.
        name: String,
        /// What rcgen says.
        source: rcgen::Error,
    },
    /// The PKCS#12 file could not be made.
    #[error("cannot put the client's certificate into a PKCS#12 file: {0}")]
    Pfx(#[from] p12_keystore::error::Error),
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// The certificates of one run: an authority made for it, which only the run's own clients are told
/// to trust, a good server, and a client. All keys are ECDSA on P-256.
pub struct Lab {
    now: OffsetDateTime,
    authority: Issuer,
    good: Identity,
    client: Identity,
}

impl Lab {
    /// Makes a new authority and its good identities. The server and the client are valid from an
    /// hour before `now` to a day after it; a run never lasts that long.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn new(now: OffsetDateTime) -> Result<Self, PkiError> {
        let now = whole_seconds(now);
        let authority = issuer("wirelab authority", now)?;
        let good = issue("good", &Template::good(now), &authority)?;
        let client = Template {
            common_name: "wirelab client",
            dns: &[],
            addresses: &[],
            usage: ExtendedKeyUsagePurpose::ClientAuth,
            ..Template::good(now)
        };
        let client = issue("client", &client, &authority)?;
        Ok(Self { now, authority, good, client })
    }

    /// The authority's certificate in PEM: what a client under test is told to trust.
    #[must_use]
    pub fn authority_pem(&self) -> String {
        crate::identity::to_pem("CERTIFICATE", self.authority.der())
    }

    /// The authority's certificate in DER.
    #[must_use]
    pub fn authority_der(&self) -> &CertificateDer<'static> {
        self.authority.der()
    }

    /// The server that every client must accept, as `localhost`, 127.0.0.1 and ::1.
    #[must_use]
    pub fn good(&self) -> &Identity {
        &self.good
    }

    /// The client that a server with mutual TLS must accept.
    #[must_use]
    pub fn client(&self) -> &Identity {
        &self.client
    }

    /// The client's chain and key as a PKCS#12 file: AES-256 and HMAC-SHA-256, which .NET and
    /// OpenSSL 3 read.
    ///
    /// # Errors
    ///
    /// [`PkiError::Pfx`].
    pub fn client_pfx(&self, password: &str) -> Result<Vec<u8>, PkiError> {
        let certificates = self.client.chain.iter().map(|der| p12_keystore::Certificate::from_der(der));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKey::from_der(self.client.key.secret_pkcs8_der())?;
        let mut store = KeyStore::new();
        // The id ties the key to its certificate within the file.
        let chain = PrivateKeyChain::new("wirelab client", key, certificates);
        store.add_entry("wirelab client", KeyStoreEntry::PrivateKeyChain(chain));
        Ok(store.writer(password).write()?)
    }

    /// Makes the forged certificate of `entry`, with a fresh key: an attacker does not have the
    /// server's.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn forge(&self, entry: &Entry) -> Result<Identity, PkiError> {
        let mut template = Template::good(self.now);
        (entry.forge)(&mut template);
        issue(entry.id, &template, &self.authority)
    }
}

/// Signs `template`. The chain is sent with its authority also where that is the trusted one, so that
/// a chain differs from the good one by its flaw and not by its length.
fn issue(name: &str, template: &Template, lab: &Issuer) -> Result<Identity, PkiError> {
    let make = |source| PkiError::Make { name: name.to_owned(), source };
    let key = new_key().map_err(make)?;
    let params = template.params().map_err(make)?;
    let signed = |by: &Issuer| -> Result<_, PkiError> {
        let leaf = params.signed_by(&key, by).map_err(make)?;
        Ok(vec![leaf.der().clone(), by.der().clone()])
    };
    let chain = match template.signer {
        Signer::Lab => signed(lab)?,
        Signer::Stranger => signed(&issuer("wirelab other authority", template.now)?)?,
        Signer::Itself => vec![params.self_signed(&key).map_err(make)?.der().clone()],
    };
    Ok(Identity { name: name.to_owned(), chain, key: key.into() })
}

fn issuer(common_name: &str, now: OffsetDateTime) -> Result<Issuer, PkiError> {
    let params: CertificateParams = authority(common_name, now);
    new_key()
        .and_then(|key| CertifiedIssuer::self_signed(params, key))
        .map_err(|source| PkiError::Make { name: common_name.to_owned(), source })
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}
