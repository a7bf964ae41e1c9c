//! What a client trusts: RFC 5280 section 6.1.1 leaves it to clients what of a trusted authority they obey beyond
//! its name and its key, and they differ on purpose.

use rcgen::{GeneralSubtree, NameConstraints};
use time::Duration;

use super::usage::UNKNOWN;
use crate::Entry;
use crate::entry::Expectation::Policy;
use crate::entry::Recipe::Anchored;
use crate::template::extension;
use wirelab_model::Importance::{Low, Medium};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "anchor-expired",
        title: "trusted authority that has expired",
        flaw: "the time of the authority that the client is told to trust ended half an hour ago",
        reference: "RFC 5280 section 6.1.1",
        cwe: "CWE-298",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "renew authorities before their end, and take them out of trust stores after it",
        recipe: Anchored(|params, now| {
            params.not_after = now - Duration::minutes(30);
        }),
    },
    Entry {
        id: "anchor-name-not-permitted",
        title: "trusted authority that may sign for other names only",
        flaw: "the name constraints of the authority that the client is told to trust permit example.test only",
        reference: "RFC 5280 section 6.1.1",
        cwe: "CWE-295",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "use a library that enforces the name constraints of trusted authorities too",
        recipe: Anchored(|params, _| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName("example.test".into())],
                excluded_subtrees: Vec::new(),
            });
        }),
    },
    Entry {
        id: "anchor-unknown-critical",
        title: "trusted authority with an unknown critical extension",
        flaw: "the authority that the client is told to trust has a critical extension that nobody knows",
        reference: "RFC 5280 sections 4.2 and 6.1.1",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "use a library that obeys the extensions of trusted authorities too, and put none with such limits into \
              trust stores",
        recipe: Anchored(|params, _| params.custom_extensions.push(extension(UNKNOWN, true, b"\x05\x00"))),
    },
];
