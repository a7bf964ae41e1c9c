//! Servers of TLS 1.2 that are open to what RFC 5746 closed: somebody speaks to the server first, and lets the
//! client's handshake follow in the same session. And one that asks for another handshake.

use super::Entry;
use super::GENERATOR;
use super::Recipe::{Renegotiate, Script};
use crate::script::{Signature, Step};
use wirelab_model::Importance::{Low, Medium};
use wirelab_pki::Expectation::Policy;
use wirelab_pki::Shape::Direct;
use wirelab_tls::{extension_type, group};

/// Everything after a hello that is as it should be but for its extension.
const CERTIFICATE: Step = Step::Certificate(&[]);
const EXCHANGE: Step = Step::KeyExchange(group::SECP256R1, GENERATOR, Signature::Good);

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "tls12-renegotiation-insecure",
        title: "server that does not protect renegotiation",
        flaw: "its ServerHello of TLS 1.2 has no renegotiation_info",
        reference: "RFC 5746 section 4.1",
        cwe: "CWE-757",
        importance: Low,
        expectation: Policy,
        fix: "talk to servers with TLS 1.3, which has no renegotiation, and never ask for one in TLS 1.2",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| {
                    hello.extensions.retain(|(kind, _)| *kind != extension_type::RENEGOTIATION_INFO);
                }),
                CERTIFICATE,
                EXCHANGE,
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "tls12-renegotiation-spliced",
        title: "handshake that follows another one",
        flaw: "its ServerHello of TLS 1.2 says that the session was another client's before",
        reference: "RFC 5746 section 3.4",
        cwe: "CWE-300",
        importance: Medium,
        expectation: Policy,
        fix: "break off where the first renegotiation_info is not empty, also without renegotiation of your own",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(|hello, _| {
                    let other = [&[12][..], b"another side"].concat();
                    hello.set(extension_type::RENEGOTIATION_INFO, other);
                }),
                CERTIFICATE,
                EXCHANGE,
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "tls12-renegotiation-forced",
        title: "server that asks for another handshake",
        flaw: "it sends a HelloRequest in the session, in front of the first reply",
        reference: "RFC 5246 section 7.4.1.1",
        cwe: "CWE-757",
        importance: Low,
        expectation: Policy,
        fix: "decline with no_renegotiation, as TLS 1.3 and HTTP/2 have no renegotiation at all, or turn it off in the \
              TLS library",
        recipe: Renegotiate,
    },
];
