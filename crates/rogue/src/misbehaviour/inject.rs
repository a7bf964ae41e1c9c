//! Replies of Redis where there is no protection yet.

use super::Entry;
use super::Recipe::Script;
use crate::script::{PLAIN, Signature, Step};
use wirelab_model::Importance::High;
use wirelab_pki::Expectation::MustRefuse;
use wirelab_pki::Shape::Direct;
use wirelab_tls::{kind, version};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "replies-before-hello",
        title: "replies before the ServerHello",
        flaw: "it sends three replies of Redis in clear before its ServerHello",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-349",
        importance: High,
        expectation: MustRefuse,
        fix: "throw away whatever was read before the handshake ended, or better: break off where there is anything",
        recipe: Script(
            Direct,
            &[
                Step::Bytes(REPLIES),
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "replies-after-hello",
        title: "replies glued to the ServerHello",
        flaw: "it sends three replies of Redis in clear right behind its ServerHello",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-349",
        importance: High,
        expectation: MustRefuse,
        fix: "throw away whatever was read before the handshake ended, or better: break off where there is anything",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::Bytes(REPLIES),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "replies-in-record",
        title: "replies in a record in clear",
        flaw: "it sends three replies of Redis in a record in clear after there are keys",
        reference: "RFC 8446 section 5.2",
        cwe: "CWE-349",
        importance: High,
        expectation: MustRefuse,
        fix: "throw away whatever was read before the handshake ended, or better: break off where there is anything",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Clear(kind::APPLICATION_DATA, version::TLS12, REPLIES),
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
];

/// The answers to AUTH, SET and GET.
const REPLIES: &[u8] = b"+OK\r\n+OK\r\n$6\r\nforged\r\n";
