//! Suites and other choices of the ServerHello.

use super::Entry;
use super::GENERATOR;
use super::Recipe::Script;
use crate::script::{Signature, Step};
use wirelab_model::Importance::{Critical, High, Low, Medium};
use wirelab_pki::Expectation::{MustRefuse, Policy};
use wirelab_pki::Shape::{Direct, RsaKey};
use wirelab_tls::{ClientHello, group};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "suite-null",
        title: "suite without encryption",
        flaw: "its ServerHello chooses TLS_ECDHE_ECDSA_WITH_NULL_SHA",
        reference: "RFC 9325 section 4.1",
        cwe: "CWE-327",
        importance: Critical,
        expectation: MustRefuse,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| hello.suite = 0xC006),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "suite-anonymous",
        title: "suite without a certificate",
        flaw: "its ServerHello chooses TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
        reference: "RFC 9325 section 4.1",
        cwe: "CWE-322",
        importance: Critical,
        expectation: MustRefuse,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| hello.suite = 0xC018),
                Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Absent),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "suite-export",
        title: "suite for export",
        flaw: "its ServerHello chooses TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        reference: "RFC 9325 section 4.1",
        cwe: "CWE-327",
        importance: Critical,
        expectation: MustRefuse,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            RsaKey,
            &[Step::OldHello(|hello, _| hello.suite = 0x0003), Step::Certificate(&[]), Step::Done],
        ),
    },
    Entry {
        id: "suite-rc4",
        title: "suite with RC4",
        flaw: "its ServerHello chooses TLS_RSA_WITH_RC4_128_SHA",
        reference: "RFC 7465 section 2",
        cwe: "CWE-327",
        importance: High,
        expectation: MustRefuse,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            RsaKey,
            &[Step::OldHello(|hello, _| hello.suite = 0x0005), Step::Certificate(&[]), Step::Done],
        ),
    },
    Entry {
        id: "suite-3des",
        title: "suite with 3DES",
        flaw: "its ServerHello chooses TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        reference: "RFC 9325 section 4.1",
        cwe: "CWE-327",
        importance: Medium,
        expectation: Policy,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            RsaKey,
            &[Step::OldHello(|hello, _| hello.suite = 0x000A), Step::Certificate(&[]), Step::Done],
        ),
    },
    Entry {
        id: "suite-rsa-exchange",
        title: "suite without forward secrecy",
        flaw: "its ServerHello chooses TLS_RSA_WITH_AES_128_CBC_SHA",
        reference: "RFC 9325 section 4.1",
        cwe: "CWE-327",
        importance: Medium,
        expectation: Policy,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            RsaKey,
            &[Step::OldHello(|hello, _| hello.suite = 0x002F), Step::Certificate(&[]), Step::Done],
        ),
    },
    Entry {
        id: "suite-cbc",
        title: "suite that encrypts after it authenticates",
        flaw: "its ServerHello chooses a suite of ECDHE with AES-128-CBC",
        reference: "RFC 9325 section 4.2",
        cwe: "CWE-327",
        importance: Low,
        expectation: Policy,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, client| hello.suite = cbc_suite(client)),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "suite-signalling",
        title: "signal chosen as a suite",
        flaw: "its ServerHello chooses TLS_EMPTY_RENEGOTIATION_INFO_SCSV",
        reference: "RFC 5746 section 3.3",
        cwe: "CWE-757",
        importance: Low,
        expectation: MustRefuse,
        fix: "offer only suites with forward secrecy and authenticated encryption, and take none that was not offered",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| hello.suite = 0x00FF),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "suite-not-offered",
        title: "suite that the client did not offer",
        flaw: "its ServerHello chooses TLS_AES_128_CCM_8_SHA256",
        reference: "RFC 8446 section 4.1.3",
        cwe: "CWE-757",
        importance: Medium,
        expectation: MustRefuse,
        fix: "take no suite that was not offered",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.suite = 0x1305),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "suite-grease",
        title: "suite of the kind that is there to be ignored",
        flaw: "its ServerHello chooses the reserved suite 0x0A0A",
        reference: "RFC 8701 section 4",
        cwe: "CWE-757",
        importance: Low,
        expectation: MustRefuse,
        fix: "take no suite that is not implemented, also where it was offered",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.suite = 0x0A0A),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "compression",
        title: "compression of TLS 1.2",
        flaw: "its ServerHello of TLS 1.2 turns on DEFLATE",
        reference: "RFC 7457 section 2.6",
        cwe: "CWE-757",
        importance: Medium,
        expectation: MustRefuse,
        fix: "offer and take no compression",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| hello.compression = 1),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "compression-tls13",
        title: "compression where there is none",
        flaw: "its ServerHello of TLS 1.3 has a method of compression",
        reference: "RFC 8446 section 4.1.3",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "in TLS 1.3 take no method of compression but 0",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.compression = 1),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "session-id-other",
        title: "session id that is not the client's",
        flaw: "its ServerHello sends another session id back",
        reference: "RFC 8446 section 4.1.3",
        cwe: "CWE-20",
        importance: Low,
        expectation: Policy,
        fix: "in TLS 1.3 compare the session id with what was sent",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.session_id = vec![0x77; 32]),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
];

/// With SHA-256 where the client offers that, or else with SHA-1: for keys on curves.
fn cbc_suite(client: &ClientHello) -> u16 {
    [0xC023, 0xC009].into_iter().find(|suite| client.suites.contains(suite)).unwrap_or(0xC023)
}
