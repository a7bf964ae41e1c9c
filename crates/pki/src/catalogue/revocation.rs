//! Whether it was revoked: RFC 6960. Clients may ask or not, so all of it is left to them.

use crate::Entry;
use crate::entry::Expectation::Policy;
use crate::entry::Recipe::Stapled;
use crate::ocsp::Staple;
use wirelab_model::Importance::{High, Low, Medium};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "staple-revoked",
        title: "revoked certificate that says so",
        flaw: "the OCSP response that is stapled to it says that it was revoked",
        reference: "RFC 6960 section 3.2",
        cwe: "CWE-299",
        importance: High,
        expectation: Policy,
        host: "localhost",
        fix: "ask for stapled responses and obey them",
        recipe: Stapled(Staple::Revoked),
    },
    Entry {
        id: "staple-expired",
        title: "old word that it is not revoked",
        flaw: "the OCSP response that is stapled to it was to be replaced a day ago",
        reference: "RFC 6960 section 3.2",
        cwe: "CWE-299",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "ask for stapled responses and check their dates",
        recipe: Stapled(Staple::Expired),
    },
    Entry {
        id: "staple-other",
        title: "word about another certificate",
        flaw: "the OCSP response that is stapled to it is about another serial number",
        reference: "RFC 6960 section 3.2",
        cwe: "CWE-299",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "compare the serial number in a stapled response",
        recipe: Stapled(Staple::Other),
    },
    Entry {
        id: "staple-forged",
        title: "forged word that it is not revoked",
        flaw: "the signature of the OCSP response that is stapled to it is wrong",
        reference: "RFC 6960 section 3.2",
        cwe: "CWE-299",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "verify the signature of a stapled response",
        recipe: Stapled(Staple::Forged),
    },
    Entry {
        id: "staple-missing",
        title: "certificate that must not come alone",
        flaw: "it demands a stapled OCSP response, and there is none",
        reference: "RFC 7633 section 4",
        cwe: "CWE-299",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "refuse such a certificate without a response",
        recipe: Stapled(Staple::Missing),
    },
];
