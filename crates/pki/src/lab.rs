use p12_keystore::{KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::CertificateParams;
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::client_trust::ClientTrust;
use crate::kit::{Aside, Authority, Kit, new_key, self_signed};
use crate::list::NOWHERE;
use crate::template::{self, whole_seconds};
use crate::{Entry, Identity, Shape};

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

/// The certificates of one run: an authority made for it, which only the run's own clients are told
/// to trust, a good server, and a client. Their keys are ECDSA on P-256.
pub struct Lab {
    root: Authority,
    good: Identity,
    client: Identity,
    client_trust: ClientTrust,
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
        let name = "wirelab authority";
        let root = new_key()
            .and_then(|key| self_signed(template::authority(name, now), key))
            .map_err(|source| PkiError::Make { name: name.to_owned(), source })?;
        let good = issue("good", template::server(now), &root)?;
        let client = issue("client", template::client(now), &root)?;
        let client_trust = ClientTrust::new(&root, now)
            .map_err(|source| PkiError::Make { name: "list of revoked certificates".to_owned(), source })?;
        Ok(Self { root, good, client, client_trust })
    }

    /// The authority's certificate in PEM: what a client under test is told to trust.
    #[must_use]
    pub fn authority_pem(&self) -> String {
        crate::identity::to_pem("CERTIFICATE", &self.root.der)
    }

    /// The authority's certificate in DER.
    #[must_use]
    pub fn authority_der(&self) -> &CertificateDer<'static> {
        &self.root.der
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

    /// What a server with mutual TLS is to know of its clients.
    #[must_use]
    pub fn client_trust(&self) -> &ClientTrust {
        &self.client_trust
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

    /// Makes the forged certificate of `entry` as of `now`, which lies within a day of the time of
    /// the lab. Keys are fresh, as an attacker does not have the server's, unless the key is the flaw.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn forge(&self, entry: &Entry, now: OffsetDateTime) -> Result<Identity, PkiError> {
        self.make(entry, now, true, NOWHERE)
    }

    /// The same, and the list of revoked certificates is where it says: at this address, a URL. Only those of shape
    /// [`Shape::Listed`] name one.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn forge_listed(&self, entry: &Entry, now: OffsetDateTime, url: &str) -> Result<Identity, PkiError> {
        self.make(entry, now, true, url)
    }

    /// A certificate by the trusted authority for 127.0.0.1, as IPv4 and as IPv6, and for `also`. Without
    /// that it is what an attacker has whose own host really is called what it announces.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn for_address(&self, now: OffsetDateTime, also: Option<&str>) -> Result<Identity, PkiError> {
        let name = if also.is_none() { "announced-name" } else { "good" };
        issue(name, template::for_address(whole_seconds(now), also), &self.root)
    }

    /// A good server with so many names, `localhost` last.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn named_often(&self, now: OffsetDateTime, names: usize) -> Result<Identity, PkiError> {
        let params = template::server(whole_seconds(now)).and_then(|mut params| {
            crate::catalogue::name::many(&mut params, names)?;
            Ok(params)
        });
        issue(&format!("good with {names} names"), params, &self.root)
    }

    /// Makes the same without its flaw: what every client must accept, for the same reason for which
    /// it refuses the forged one.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn mend(&self, entry: &Entry, now: OffsetDateTime) -> Result<Identity, PkiError> {
        self.make(entry, now, false, NOWHERE)
    }

    /// The same with the list of revoked certificates at this address.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn mend_listed(&self, entry: &Entry, now: OffsetDateTime, url: &str) -> Result<Identity, PkiError> {
        self.make(entry, now, false, url)
    }

    fn make(
        &self,
        entry: &Entry,
        now: OffsetDateTime,
        flawed: bool,
        list_at: &str,
    ) -> Result<Identity, PkiError> {
        let name = entry.id.to_owned();
        let kit = Kit { lab: self, now: whole_seconds(now), flawed, list_at };
        match kit.with_aside(entry) {
            Ok(((chain, key), Aside { staple, list })) => {
                let own = matches!(entry.shape(), Shape::OwnAnchor | Shape::Listed);
                let anchor = if own { chain.last().cloned() } else { None };
                Ok(Identity { name, chain, staple, anchor, list, key })
            }
            Err(source) => Err(PkiError::Make { name, source }),
        }
    }

    pub(crate) fn root(&self) -> &Authority {
        &self.root
    }
}

fn issue(
    name: &str,
    params: Result<CertificateParams, rcgen::Error>,
    by: &Authority,
) -> Result<Identity, PkiError> {
    let made = params.and_then(|params| {
        let key = new_key()?;
        let leaf = params.signed_by(&key, &by.issuer)?.der().clone();
        Ok(Identity {
            name: name.to_owned(),
            chain: vec![leaf, by.der.clone()],
            staple: None,
            list: None,
            anchor: None,
            key: key.into(),
        })
    });
    made.map_err(|source| PkiError::Make { name: name.to_owned(), source })
}
