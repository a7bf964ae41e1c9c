//! Extensions that nobody asked for.

use super::Entry;
use super::Recipe::Script;
use crate::script::{PLAIN, Signature, Step};
use wirelab_model::Importance::{Low, Medium};
use wirelab_pki::Expectation::{MustRefuse, Policy};
use wirelab_pki::Shape::Direct;
use wirelab_tls::extension_type;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "hello-extension-unasked",
        title: "extension that nobody asked for",
        flaw: "its ServerHello has an extension of the private range",
        reference: "RFC 8446 section 4.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: Policy,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(0xFE00, vec![])),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "hello-heartbeat",
        title: "heartbeats that nobody asked for",
        flaw: "its ServerHello turns on heartbeats",
        reference: "RFC 6520 section 2",
        cwe: "CWE-20",
        importance: Medium,
        expectation: Policy,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::HEARTBEAT, vec![1])),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "hello-extension-twice",
        title: "extension that is there twice",
        flaw: "its ServerHello has its key share twice",
        reference: "RFC 8446 section 4.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| {
                    let again = hello.extensions.last().cloned();
                    hello.extensions.extend(again);
                }),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "hello-extension-trailing",
        title: "bytes left over in an extension",
        flaw: "its supported_versions has a byte too many",
        reference: "RFC 8446 section 6.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::SUPPORTED_VERSIONS, vec![3, 4, 0])),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "extensions-unasked",
        title: "encrypted extension that nobody asked for",
        flaw: "its EncryptedExtensions has one of the private range",
        reference: "RFC 8446 section 4.3.1",
        cwe: "CWE-20",
        importance: Low,
        expectation: Policy,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[(0xFE00, &[])]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "extensions-twice",
        title: "encrypted extension that is there twice",
        flaw: "its EncryptedExtensions has supported_groups twice",
        reference: "RFC 8446 section 4.3.1",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[
                    (extension_type::SUPPORTED_GROUPS, &[0, 2, 0, 29]),
                    (extension_type::SUPPORTED_GROUPS, &[0, 2, 0, 29]),
                ]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "extensions-forbidden",
        title: "extension in a place where it may not be",
        flaw: "its EncryptedExtensions has a key share",
        reference: "RFC 8446 section 4.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[(extension_type::KEY_SHARE, &[0, 29, 0, 1, 9])]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "certificate-extension-unasked",
        title: "extension of a certificate that nobody asked for",
        flaw: "its Certificate has one of the private range",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: Policy,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[(0xFE00, &[])]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "alpn-unasked",
        title: "protocol that nobody asked for",
        flaw: "its EncryptedExtensions chooses h2 by ALPN",
        reference: "RFC 7301 section 3.2",
        cwe: "CWE-20",
        importance: Medium,
        expectation: MustRefuse,
        fix: "take no extension that was not asked for, none twice, and none with bytes left over",
        recipe: Script(
            Direct,
            &[
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[(extension_type::ALPN, b"\x00\x03\x02h2")]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
];
