//! More than any client needs: whoever takes all of it can be made to run out of memory before it knows whom it
//! talks to.

use super::Entry;
use super::Recipe::{Names, Script};
use crate::script::{PLAIN, Signature, Step};
use wirelab_model::Importance::{Low, Medium};
use wirelab_pki::Expectation::{MustRefuse, Policy};
use wirelab_pki::Shape::Direct;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "certificate-10000-names",
        title: "certificate with ten thousand names",
        flaw: "its certificate has ten thousand names, localhost last: 180 kilobytes",
        reference: "RFC 5280 section 4.2.1.6",
        cwe: "CWE-400",
        importance: Low,
        expectation: Policy,
        fix: "limit the length of a handshake message, not the number of names",
        recipe: Names(10_000),
    },
    Entry {
        id: "chain-16-megabytes",
        title: "chain of sixteen megabytes",
        flaw: "its Certificate is as long as a message can be: 16 megabytes of copies of the authority",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-770",
        importance: Medium,
        expectation: MustRefuse,
        fix: "limit the length of a handshake message before it is read: 64 kilobytes are plenty",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::LongCertificate(true),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
];
