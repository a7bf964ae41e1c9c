//! Certificates of clients that a server with mutual TLS must not let in.

use crate::client_trust::REVOKED;
use crate::kit::{Kit, Made, new_key, self_signed};
use crate::lab::Lab;
use crate::template::{self, whole_seconds};
use crate::{Identity, PkiError};
use rcgen::{ExtendedKeyUsagePurpose, SerialNumber};
use time::{Duration, OffsetDateTime};
use wirelab_model::Importance;

/// A client that a server with mutual TLS must not let in, as far as it can tell.
#[derive(Debug, Clone, Copy)]
pub struct Intruder {
    /// Stable name, as in scenario files.
    pub id: &'static str,
    /// The one thing in which its certificate differs from that of the good client.
    pub flaw: &'static str,
    /// What demands that it is refused.
    pub reference: &'static str,
    /// How much is lost where a server is wrong about it.
    pub importance: Importance,
    recipe: Option<Recipe>,
}

type Recipe = fn(&Kit<'_>) -> Result<Made, rcgen::Error>;

static ALL: [Intruder; 8] = [
    Intruder {
        id: "none",
        flaw: "it shows no certificate at all",
        reference: "RFC 8446 section 4.4.2.4",
        importance: Importance::Critical,
        recipe: None,
    },
    Intruder {
        id: "self-signed",
        flaw: "nobody but itself has signed its certificate",
        reference: "RFC 5280 section 6.1",
        importance: Importance::Critical,
        recipe: Some(|kit| {
            let client = self_signed(template::client(kit.now)?, new_key()?)?;
            Ok((vec![client.der.clone()], client.key().serialize_der().into()))
        }),
    },
    Intruder {
        id: "untrusted-authority",
        flaw: "an authority that the server does not trust has signed its certificate",
        reference: "RFC 5280 section 6.1",
        importance: Importance::Critical,
        recipe: Some(|kit| {
            let stranger = kit.stranger(template::authority("another authority", kit.now))?;
            kit.chain(&template::client(kit.now)?, &[&stranger])
        }),
    },
    Intruder {
        id: "expired",
        flaw: "its certificate expired a minute ago",
        reference: "RFC 5280 section 4.1.2.5",
        importance: Importance::High,
        recipe: Some(|kit| {
            let mut params = template::client(kit.now)?;
            params.not_after = kit.now - Duration::minutes(1);
            kit.chain(&params, &[kit.root()])
        }),
    },
    Intruder {
        id: "not-yet-valid",
        flaw: "its certificate begins to be valid in two days",
        reference: "RFC 5280 section 4.1.2.5",
        importance: Importance::Low,
        recipe: Some(|kit| {
            let mut params = template::client(kit.now)?;
            params.not_before = kit.now + Duration::days(2);
            params.not_after = kit.now + Duration::days(3);
            kit.chain(&params, &[kit.root()])
        }),
    },
    Intruder {
        id: "server-usage",
        flaw: "its certificate is for servers",
        reference: "RFC 5280 section 4.2.1.12",
        importance: Importance::High,
        recipe: Some(|kit| {
            let mut params = template::client(kit.now)?;
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            kit.chain(&params, &[kit.root()])
        }),
    },
    Intruder {
        id: "revoked",
        flaw: "its certificate is on the authority's list of revoked ones",
        reference: "RFC 5280 section 5",
        importance: Importance::High,
        recipe: Some(|kit| {
            let mut params = template::client(kit.now)?;
            params.serial_number = Some(SerialNumber::from_slice(&REVOKED));
            kit.chain(&params, &[kit.root()])
        }),
    },
    Intruder {
        id: "other-client",
        flaw: "its certificate is that of another client of the same authority",
        reference: "RFC 5280 section 6.1",
        importance: Importance::Medium,
        recipe: Some(|kit| {
            let mut params = template::client(kit.now)?;
            params.distinguished_name = template::named("another application");
            kit.chain(&params, &[kit.root()])
        }),
    },
];

/// Every intruder the lab knows.
#[must_use]
pub fn intruders() -> &'static [Intruder] {
    &ALL
}

/// The intruder of that id.
#[must_use]
pub fn intruder(id: &str) -> Option<&'static Intruder> {
    ALL.iter().find(|intruder| intruder.id == id)
}

impl Lab {
    /// Makes what an intruder shows as of `now`; none where it shows nothing.
    ///
    /// # Errors
    ///
    /// [`PkiError::Make`].
    pub fn intrude(&self, intruder: &Intruder, now: OffsetDateTime) -> Result<Option<Identity>, PkiError> {
        let name = format!("client {}", intruder.id);
        let kit = Kit { lab: self, now: whole_seconds(now), flawed: true, list_at: crate::list::NOWHERE };
        match intruder.recipe.map(|make| make(&kit)).transpose() {
            Ok(made) => Ok(made.map(|(chain, key)| Identity {
                name,
                chain,
                staple: None,
                anchor: None,
                list: None,
                key,
            })),
            Err(source) => Err(PkiError::Make { name, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls::server::WebPkiClientVerifier;
    use rustls::server::danger::ClientCertVerifier;
    use rustls_pki_types::{CertificateDer, UnixTime};
    use std::sync::Arc;

    fn refusal(
        verifier: &dyn ClientCertVerifier,
        chain: &[CertificateDer<'static>],
        now: OffsetDateTime,
    ) -> Option<String> {
        let (first, rest) = chain.split_first().unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now.unix_timestamp() as u64));
        verifier.verify_client_cert(first, rest, now).err().map(|error| format!("{error:?}"))
    }

    /// Refused, each for its own reason; the good client is not.
    #[test]
    fn a_verifier_refuses_each_for_its_flaw() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let lab = Lab::new(now).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(lab.authority_der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
            .with_crls([lab.client_trust().revoked.clone()])
            .build()
            .unwrap();
        assert_eq!(refusal(&*verifier, &lab.client().chain, now), None);
        let expected = [
            ("self-signed", "UnknownIssuer"),
            ("untrusted-authority", "UnknownIssuer"),
            ("expired", "Expired"),
            ("not-yet-valid", "NotValidYet"),
            ("server-usage", "InvalidPurpose"),
            ("revoked", "Revoked"),
        ];
        let shown: Vec<_> = intruders().iter().filter(|intruder| intruder.id != "none").collect();
        assert_eq!(shown.len(), expected.len() + 1);
        // Nothing is wrong with it but whose it is.
        let other = lab.intrude(intruder("other-client").unwrap(), now).unwrap().unwrap();
        assert_eq!(refusal(&*verifier, &other.chain, now), None);
        for (id, reason) in expected {
            let identity = lab.intrude(intruder(id).unwrap(), now).unwrap().unwrap();
            let refused = refusal(&*verifier, &identity.chain, now).unwrap();
            assert!(refused.contains(reason), "{id}: {refused}");
        }
        assert!(lab.intrude(intruder("none").unwrap(), now).unwrap().is_none());
    }
}
