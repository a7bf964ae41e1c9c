//! Requests for another hello.

use super::Entry;
use super::Recipe::Script;
use crate::script::{PLAIN, Signature, Step};
use wirelab_model::Importance::{Low, Medium};
use wirelab_pki::Expectation::MustRefuse;
use wirelab_pki::Shape::Direct;
use wirelab_tls::{ClientHello, ServerHello, extension_type, vector16};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "retry-without-change",
        title: "request for what was sent already",
        flaw: "its HelloRetryRequest asks for a key that the client sent",
        reference: "RFC 8446 section 4.1.4",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "follow one HelloRetryRequest, and only where it changes the hello to something that was offered",
        recipe: Script(
            Direct,
            &[
                Step::WrongRetry(PLAIN),
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
        id: "retry-twice",
        title: "second request for another hello",
        flaw: "it sends a second HelloRetryRequest",
        reference: "RFC 8446 section 4.1.4",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "follow one HelloRetryRequest, and only where it changes the hello to something that was offered",
        recipe: Script(
            Direct,
            &[
                Step::Retry(with_cookie),
                Step::WrongRetry(PLAIN),
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
        id: "retry-endless",
        title: "requests without end",
        flaw: "it sends eight of them",
        reference: "RFC 8446 section 4.1.4",
        cwe: "CWE-835",
        importance: Medium,
        expectation: MustRefuse,
        fix: "follow one HelloRetryRequest, and only where it changes the hello to something that was offered",
        recipe: Script(
            Direct,
            &[
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
                Step::WrongRetry(PLAIN),
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
        id: "retry-group-not-offered",
        title: "request for a group that nobody offered",
        flaw: "its HelloRetryRequest asks for a group of the private range",
        reference: "RFC 8446 section 4.1.4",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "follow one HelloRetryRequest, and only where it changes the hello to something that was offered",
        recipe: Script(
            Direct,
            &[
                Step::WrongRetry(|hello, _| hello.set(extension_type::KEY_SHARE, vec![0xFE, 0])),
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
        id: "retry-empty-cookie",
        title: "request with a cookie that is none",
        flaw: "the cookie of its HelloRetryRequest is empty",
        reference: "RFC 8446 section 4.2.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "hold each field of a message against the lengths that the standard gives for it",
        recipe: Script(
            Direct,
            &[
                Step::WrongRetry(|hello, _| {
                    hello.extensions.pop();
                    hello.set(extension_type::COOKIE, vector16(b""));
                }),
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
        id: "retry-other-suite",
        title: "another suite after the request",
        flaw: "its HelloRetryRequest chooses another suite than its ServerHello",
        reference: "RFC 8446 section 4.1.4",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "follow one HelloRetryRequest, and only where it changes the hello to something that was offered",
        recipe: Script(
            Direct,
            &[
                Step::Retry(|hello, client| {
                    with_cookie(hello, client);
                    hello.suite = 0x1303;
                }),
                Step::Hello(PLAIN),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
];

/// A request that a client has to follow: it changes the hello by a cookie, and by nothing else.
fn with_cookie(hello: &mut ServerHello, _: &ClientHello) {
    hello.extensions.pop();
    hello.set(extension_type::COOKIE, vector16(b"wirelab"));
}
