//! Versions that a client must not speak, and marks of a downgrade.

use super::Entry;
use super::GENERATOR;
use super::Recipe::Script;
use crate::script::{Signature, Step};
use wirelab_model::Importance::{High, Low, Medium};
use wirelab_pki::Expectation::MustRefuse;
use wirelab_pki::Shape::{Direct, RsaKey};
use wirelab_tls::{ClientHello, extension_type, group, version};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "ssl2-only",
        title: "server that speaks SSL 2.0 only",
        flaw: "it answers with a ServerHello of SSL 2.0",
        reference: "RFC 6176 section 3",
        cwe: "CWE-757",
        importance: High,
        expectation: MustRefuse,
        fix: "set the oldest version to TLS 1.2, and leave it to the library where it knows better",
        recipe: Script(RsaKey, &[Step::Bytes(SSL2)]),
    },
    Entry {
        id: "ssl3-only",
        title: "server that speaks SSL 3.0 only",
        flaw: "its ServerHello says SSL 3.0",
        reference: "RFC 7568 section 3",
        cwe: "CWE-757",
        importance: High,
        expectation: MustRefuse,
        fix: "set the oldest version to TLS 1.2, and leave it to the library where it knows better",
        recipe: Script(
            RsaKey,
            &[
                Step::OldHello(|hello, client| {
                    hello.legacy_version = version::SSL3;
                    hello.suite = rsa_suite(client);
                }),
                Step::Certificate(&[]),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "tls10-only",
        title: "server that speaks TLS 1.0 only",
        flaw: "its ServerHello says TLS 1.0",
        reference: "RFC 8996 section 4",
        cwe: "CWE-757",
        importance: Medium,
        expectation: MustRefuse,
        fix: "set the oldest version to TLS 1.2, and leave it to the library where it knows better",
        recipe: Script(
            RsaKey,
            &[
                Step::OldHello(|hello, client| {
                    hello.legacy_version = version::TLS10;
                    hello.suite = rsa_suite(client);
                }),
                Step::Certificate(&[]),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "tls11-only",
        title: "server that speaks TLS 1.1 only",
        flaw: "its ServerHello says TLS 1.1",
        reference: "RFC 8996 section 5",
        cwe: "CWE-757",
        importance: Medium,
        expectation: MustRefuse,
        fix: "set the oldest version to TLS 1.2, and leave it to the library where it knows better",
        recipe: Script(
            RsaKey,
            &[
                Step::OldHello(|hello, client| {
                    hello.legacy_version = version::TLS11;
                    hello.suite = rsa_suite(client);
                }),
                Step::Certificate(&[]),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "version-unknown",
        title: "version that nobody offered",
        flaw: "its ServerHello chooses version 0x0305",
        reference: "RFC 8446 section 4.2.1",
        cwe: "CWE-757",
        importance: Medium,
        expectation: MustRefuse,
        fix: "take no version that was not offered",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::SUPPORTED_VERSIONS, vec![3, 5])),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "version-extension-old",
        title: "old version where only new ones may stand",
        flaw: "the extension for TLS 1.3 and later chooses TLS 1.2",
        reference: "RFC 8446 section 4.2.1",
        cwe: "CWE-757",
        importance: Medium,
        expectation: MustRefuse,
        fix: "in supported_versions of a ServerHello take TLS 1.3 or later only",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::SUPPORTED_VERSIONS, vec![3, 3])),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "version-grease",
        title: "version of the kind that is there to be ignored",
        flaw: "its ServerHello chooses the reserved version 0x7A7A",
        reference: "RFC 8701 section 4",
        cwe: "CWE-757",
        importance: Low,
        expectation: MustRefuse,
        fix: "take no version that was not offered, and no reserved one",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::SUPPORTED_VERSIONS, vec![0x7A, 0x7A])),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "downgrade-mark",
        title: "downgrade that the server marked as one",
        flaw: "it answers with TLS 1.2 and the mark of a server that can do TLS 1.3 in its random",
        reference: "RFC 8446 section 4.1.3",
        cwe: "CWE-757",
        importance: High,
        expectation: MustRefuse,
        fix: "compare the last 8 bytes of the random with the two marks before anything else",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| hello.random[24..].copy_from_slice(b"DOWNGRD\x01")),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "downgrade-mark-old",
        title: "downgrade to TLS 1.1 that the server marked as one",
        flaw: "it answers with TLS 1.1 and the mark of a server that can do TLS 1.2 in its random",
        reference: "RFC 8446 section 4.1.3",
        cwe: "CWE-757",
        importance: High,
        expectation: MustRefuse,
        fix: "compare the last 8 bytes of the random with the two marks before anything else",
        recipe: Script(
            RsaKey,
            &[
                Step::OldHello(|hello, client| {
                    hello.legacy_version = version::TLS11;
                    hello.suite = rsa_suite(client);
                    hello.random[24..].copy_from_slice(b"DOWNGRD\x00");
                }),
                Step::Certificate(&[]),
                Step::Done,
            ],
        ),
    },
];

/// Most clients of old versions offer it.
fn rsa_suite(client: &ClientHello) -> u16 {
    let exchange_rsa = [0x002F, 0x0035, 0x000A];
    client.suites.iter().copied().find(|suite| exchange_rsa.contains(suite)).unwrap_or(0x002F)
}

/// SERVER-HELLO of SSL 2.0 without a certificate: length, type, hit, certificate type, version, three lengths.
const SSL2: &[u8] = &[0x80, 0x0B, 4, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0];
