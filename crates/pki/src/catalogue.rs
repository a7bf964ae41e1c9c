use time::Duration;

use crate::template::{Signer, Template};

/// A forged server certificate: what is wrong with it, and what mends a client that accepts it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Stable name, as on the command line and in scenario files.
    pub id: &'static str,
    /// A few words for a heading.
    pub title: &'static str,
    /// The one thing in which it differs from the good certificate.
    pub flaw: &'static str,
    /// What demands that it is refused.
    pub reference: &'static str,
    /// What to do where a client accepts it.
    pub fix: &'static str,
    /// Puts the flaw into the good certificate. Private, so that every entry is in the catalogue.
    pub(crate) forge: fn(&mut Template),
}

static ENTRIES: [Entry; 4] = [
    Entry {
        id: "self-signed",
        title: "self-signed certificate",
        flaw: "signed by its own key, not by an authority; right name, right dates",
        reference: "RFC 5280 section 6.1",
        fix: "verify the chain against the authority of the server; do not waive chain errors in a callback",
        forge: |template| template.signer = Signer::Itself,
    },
    Entry {
        id: "untrusted-authority",
        title: "certificate of an unknown authority",
        flaw: "signed by an authority that the client does not trust, which is sent along; right name, right \
               dates",
        reference: "RFC 5280 section 6.1",
        fix: "accept only chains that end in the configured authority; a chain that ends in some root proves \
              nothing",
        forge: |template| template.signer = Signer::Stranger,
    },
    Entry {
        id: "wrong-host",
        title: "certificate for another host",
        flaw: "issued by the trusted authority to evil.test; right dates",
        reference: "RFC 9525 section 6",
        fix: "check the name in the certificate against the host that was asked for",
        forge: |template| {
            template.common_name = "evil.test";
            template.dns = &["evil.test"];
            template.addresses = &[];
        },
    },
    Entry {
        id: "expired",
        title: "expired certificate",
        flaw: "its time ended an hour ago; trusted authority, right name",
        reference: "RFC 5280 section 4.1.2.5",
        fix: "check the dates of the certificate; do not waive chain errors in a callback",
        forge: |template| {
            template.not_before = template.now - Duration::hours(25);
            template.not_after = template.now - Duration::hours(1);
        },
    },
];

/// Every forged certificate the lab knows.
#[must_use]
pub fn all() -> &'static [Entry] {
    &ENTRIES
}

/// The entry of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_found() {
        let ids: HashSet<_> = all().iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), all().len());
        for id in ids {
            assert_eq!(find(id).unwrap().id, id);
        }
        assert!(find("good").is_none(), "the good certificate is no attack");
    }
}
