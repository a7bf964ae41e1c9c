//! Public keys that are none: RFC 7748, RFC 8422.

use super::Entry;
use super::Recipe::Script;
use crate::script::{PLAIN, Signature, Step};
use wirelab_model::Importance::{High, Low, Medium};
use wirelab_pki::Expectation::MustRefuse;
use wirelab_pki::Shape::Direct;
use wirelab_tls::{extension_type, group, vector16};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "share-zero",
        title: "public key of low order: zero",
        flaw: "its key share on X25519 is the point 0",
        reference: "RFC 7748 section 6.1",
        cwe: "CWE-20",
        importance: High,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::KEY_SHARE, share(group::X25519, &[0; 32]))),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "share-one",
        title: "public key of low order: one",
        flaw: "its key share on X25519 is the point 1",
        reference: "RFC 7748 section 6.1",
        cwe: "CWE-20",
        importance: High,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::KEY_SHARE, share(group::X25519, &ONE))),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "share-order-8",
        title: "public key of order 8",
        flaw: "its key share on X25519 is a point of order 8",
        reference: "RFC 7748 section 6.1",
        cwe: "CWE-20",
        importance: High,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::KEY_SHARE, share(group::X25519, &ORDER_8))),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "share-short",
        title: "public key that is too short",
        flaw: "its key share on X25519 has 31 bytes",
        reference: "RFC 8446 section 4.2.8.2",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::KEY_SHARE, share(group::X25519, &[9; 31]))),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "share-empty",
        title: "public key that is not there",
        flaw: "its key share on X25519 is empty",
        reference: "RFC 8446 section 4.2.8",
        cwe: "CWE-20",
        importance: Low,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::KEY_SHARE, share(group::X25519, &[]))),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "share-other-group",
        title: "public key in a group that the client sent none for",
        flaw: "its key share is on a group of the private range",
        reference: "RFC 8446 section 4.2.8",
        cwe: "CWE-20",
        importance: Medium,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::Hello(|hello, _| hello.set(extension_type::KEY_SHARE, share(0xFE00, &[0; 32]))),
                Step::CipherChange,
                Step::Extensions(&[]),
                Step::Certificate(&[]),
                Step::Verify(Signature::Good),
                Step::Finished(0),
            ],
        ),
    },
    Entry {
        id: "point-off-curve",
        title: "point that is not on the curve",
        flaw: "its ServerKeyExchange has a point beside P-256",
        reference: "RFC 8422 section 5.11",
        cwe: "CWE-20",
        importance: High,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(PLAIN),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, OFF_CURVE, Signature::Good),
                Step::Done,
            ],
        ),
    },
    Entry {
        id: "point-infinity",
        title: "point at infinity",
        flaw: "its ServerKeyExchange has the point at infinity",
        reference: "RFC 8422 section 5.11",
        cwe: "CWE-20",
        importance: Medium,
        expectation: MustRefuse,
        fix: "leave the exchange of keys to a library that checks points, and refuse a secret of zeros",
        recipe: Script(
            Direct,
            &[
                Step::OldHello(PLAIN),
                Step::Certificate(&[]),
                Step::KeyExchange(group::SECP256R1, INFINITY, Signature::Good),
                Step::Done,
            ],
        ),
    },
];

/// A key_share extension of a ServerHello.
fn share(group: u16, key: &[u8]) -> Vec<u8> {
    [&group.to_be_bytes()[..], &vector16(key)].concat()
}

/// The point 1, of order 4 on the curve or its twist.
const ONE: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

/// A point of order 8, little-endian.
const ORDER_8: [u8; 32] = [
    0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56, 0xE3, 0xFA, 0xF1, 0x9F, 0xC4, 0x6A, 0xDA,
    0x09, 0x8D, 0xEB, 0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16, 0x5F, 0x49, 0xB8, 0x00,
];

/// Not compressed, and 1, 1 does not satisfy the equation of P-256.
const OFF_CURVE: &[u8] = &{
    let mut point = [0; 65];
    (point[0], point[32], point[64]) = (4, 1, 1);
    point
};

/// One zero byte (SEC 1 section 2.3.3).
const INFINITY: &[u8] = &[0];
