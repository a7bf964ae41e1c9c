//! What it may be used for, and its other extensions: RFC 5280 section 4.2.

use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SigningKey};

use crate::Entry;
use crate::der::{Field, INTEGER, Parts, SEQUENCE, elements, open, sequence, tlv};
use crate::entry::Expectation::{MustAccept, MustRefuse, Policy};
use crate::entry::Recipe::{Between, Chain, Leaf, Patched};
use crate::entry::Shape::{Direct, Intermediate};
use crate::kit::patch_first;
use crate::template::extension;
use wirelab_model::Importance::{High, Low, Medium};

const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
const AUTHORITY_KEY: &[u64] = &[2, 5, 29, 35];
const EXTENDED_USAGE: &[u64] = &[2, 5, 29, 37];
/// In the arc for examples (RFC 5612).
pub(super) const UNKNOWN: &[u64] = &[1, 3, 6, 1, 4, 1, 32_473, 6379];

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "usage-client",
        title: "client certificate as a server",
        flaw: "its extended key usage is clientAuth",
        reference: "RFC 5280 section 4.2.1.12",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require serverAuth in the extended key usage where it is there",
        recipe: Leaf(|params, _| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            Ok(())
        }),
    },
    Entry {
        id: "usage-code-signing",
        title: "code-signing certificate as a server",
        flaw: "its extended key usage is codeSigning",
        reference: "RFC 5280 section 4.2.1.12",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require serverAuth in the extended key usage where it is there",
        recipe: Leaf(|params, _| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
            Ok(())
        }),
    },
    Entry {
        id: "usage-empty",
        title: "empty extended key usage",
        flaw: "its extended key usage is there and empty",
        reference: "RFC 5280 section 4.2.1.12",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "require serverAuth in the extended key usage where it is there",
        recipe: Leaf(|params, _| {
            params.extended_key_usages.clear();
            params.custom_extensions.push(extension(EXTENDED_USAGE, false, b"\x30\x00"));
            Ok(())
        }),
    },
    Entry {
        id: "usage-any",
        title: "extended key usage for anything",
        flaw: "its extended key usage is anyExtendedKeyUsage alone",
        reference: "RFC 5280 section 4.2.1.12",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue servers a certificate with serverAuth",
        recipe: Leaf(|params, _| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any];
            Ok(())
        }),
    },
    Entry {
        id: "usage-absent",
        title: "no extended key usage",
        flaw: "it has no extended key usage, so that nothing restricts it",
        reference: "RFC 5280 section 4.2.1.12",
        cwe: "CWE-295",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "issue servers a certificate with serverAuth",
        recipe: Leaf(|params, _| {
            params.extended_key_usages.clear();
            Ok(())
        }),
    },
    Entry {
        id: "issuer-usage-client",
        title: "authority for clients only",
        flaw: "the extended key usage of the authority in between is clientAuth",
        reference: "CA/Browser Forum Baseline Requirements section 7.1.2",
        cwe: "CWE-295",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "apply the extended key usage of an authority to what it signs",
        recipe: Between(|params, _| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
    },
    Entry {
        id: "key-usage-no-signature",
        title: "key that may not sign",
        flaw: "its key usage is keyEncipherment alone, which no suite with ECDHE uses",
        reference: "RFC 8446 section 4.4.2.2",
        cwe: "CWE-295",
        importance: Low,
        // webpki, and with it rustls, does not read key usage.
        expectation: Policy,
        host: "localhost",
        fix: "issue servers a certificate with digitalSignature",
        recipe: Leaf(|params, _| {
            params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            Ok(())
        }),
    },
    Entry {
        id: "key-usage-absent",
        title: "no key usage",
        flaw: "it has no key usage, so that nothing restricts it",
        reference: "RFC 5280 section 4.2.1.3",
        cwe: "CWE-295",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "issue servers a certificate with digitalSignature",
        recipe: Leaf(|params, _| {
            params.key_usages.clear();
            Ok(())
        }),
    },
    Entry {
        id: "authority-as-server",
        title: "authority as a server",
        flaw: "it is an authority itself: basic constraints with cA true",
        reference: "CA/Browser Forum Baseline Requirements section 7.1.2.7",
        cwe: "CWE-295",
        importance: Low,
        // webpki refuses it, OpenSSL does not.
        expectation: Policy,
        host: "localhost",
        fix: "keep the keys of authorities off servers",
        recipe: Leaf(|params, _| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
            Ok(())
        }),
    },
    Entry {
        id: "unknown-critical",
        title: "unknown critical extension",
        flaw: "it has a critical extension that nobody knows",
        reference: "RFC 5280 section 4.2",
        cwe: "CWE-295",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse critical extensions that are not understood",
        recipe: Leaf(|params, _| {
            params.custom_extensions.push(extension(UNKNOWN, true, b"\x05\x00"));
            Ok(())
        }),
    },
    Entry {
        id: "issuer-unknown-critical",
        title: "authority with an unknown critical extension",
        flaw: "the authority in between has a critical extension that nobody knows",
        reference: "RFC 5280 section 4.2",
        cwe: "CWE-295",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse critical extensions that are not understood, in the whole chain",
        recipe: Between(|params, _| params.custom_extensions.push(extension(UNKNOWN, true, b"\x05\x00"))),
    },
    Entry {
        id: "unknown-not-critical",
        title: "unknown extension that is not critical",
        flaw: "it has an extension that nobody knows, and that is not critical",
        reference: "RFC 5280 section 4.2",
        cwe: "CWE-295",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "ignore what is not critical and not known",
        recipe: Leaf(|params, _| {
            params.custom_extensions.push(extension(UNKNOWN, false, b"\x05\x00"));
            Ok(())
        }),
    },
    Entry {
        id: "duplicate-extension",
        title: "the same extension twice",
        flaw: "its key usage is there twice, with different content",
        reference: "RFC 5280 section 4.2",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse a certificate in which an extension is there twice",
        recipe: Leaf(|params, _| {
            params.custom_extensions.push(extension(KEY_USAGE, true, b"\x03\x02\x05\x20"));
            Ok(())
        }),
    },
    Entry {
        id: "serial-zero",
        title: "serial number zero",
        flaw: "its serial number is 0",
        reference: "RFC 5280 section 4.1.2.2",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue positive serial numbers",
        recipe: Patched(|parts| parts.set(Field::Serial, tlv(INTEGER, &[0]))),
    },
    Entry {
        id: "serial-negative",
        title: "negative serial number",
        flaw: "its serial number is -1",
        reference: "RFC 5280 section 4.1.2.2",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue positive serial numbers",
        recipe: Patched(|parts| parts.set(Field::Serial, tlv(INTEGER, &[0xff]))),
    },
    Entry {
        id: "serial-long",
        title: "serial number of 21 octets",
        flaw: "its serial number is an octet longer than allowed",
        reference: "RFC 5280 section 4.1.2.2",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue serial numbers of at most 20 octets",
        recipe: Patched(|parts| parts.set(Field::Serial, tlv(INTEGER, &[0x11; 21]))),
    },
    Entry {
        id: "serial-reused",
        title: "serial number of another certificate",
        flaw: "its serial number is that of the good certificate, with another key",
        reference: "RFC 5280 section 4.1.2.2",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "never tell certificates apart by their serial number alone",
        recipe: Chain(Direct, |kit| {
            let good = kit.lab.good().chain.first().ok_or(rcgen::Error::CouldNotParseCertificate)?;
            let serial = Parts::split(good)?.get(Field::Serial).to_vec();
            kit.patched(|parts| {
                if kit.flawed {
                    parts.set(Field::Serial, serial);
                }
                parts.sign(|tbs| kit.root().key().sign(tbs))
            })
        }),
    },
    Entry {
        id: "authority-key-id-absent",
        title: "no id of the authority's key",
        flaw: "it has no authority key identifier",
        reference: "RFC 5280 section 4.2.1.1",
        cwe: "CWE-295",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "find the issuer by its name, and by the id only where it is there",
        recipe: Leaf(|params, _| {
            params.use_authority_key_identifier_extension = false;
            Ok(())
        }),
    },
    Entry {
        id: "authority-key-id-other",
        title: "id of another authority's key",
        flaw: "its authority key identifier is not that of its authority",
        reference: "RFC 5280 section 4.2.1.1",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "take key ids as hints; signatures decide",
        recipe: Leaf(|params, _| {
            params.use_authority_key_identifier_extension = false;
            params.custom_extensions.push(extension(AUTHORITY_KEY, false, b"\x30\x06\x80\x04evil"));
            Ok(())
        }),
    },
    Entry {
        id: "authority-key-id-critical",
        title: "critical id of the authority's key",
        flaw: "its authority key identifier is right, but marked critical",
        reference: "RFC 5280 section 4.2.1.1",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "issue it as not critical",
        recipe: Chain(Direct, |kit| {
            let mut params = kit.server()?;
            if kit.flawed {
                // The subject key id of the authority, under the tag of an authority key id.
                let id = kit.root_key_id();
                params.use_authority_key_identifier_extension = false;
                params.custom_extensions.push(extension(AUTHORITY_KEY, true, &sequence([&tlv(0x80, &id)])));
            }
            kit.chain(&params, &[kit.root()])
        }),
    },
    Entry {
        id: "issuer-key-id-absent",
        title: "authority without a key id",
        flaw: "the authority in between has no subject key identifier",
        reference: "RFC 5280 section 4.2.1.2",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "find the issuer by its name, and by the id only where it is there",
        recipe: Chain(Intermediate, |kit| {
            let between = kit.under("wirelab intermediate", kit.root())?;
            let (mut chain, key) = kit.chain(&kit.server()?, &[&between, kit.root()])?;
            if kit.flawed
                && let Some(authorities) = chain.get_mut(1..)
            {
                patch_first(authorities, |parts| {
                    without_extension(parts, b"\x06\x03\x55\x1d\x0e");
                    parts.sign(|tbs| kit.root().key().sign(tbs))
                })?;
            }
            Ok((chain, key))
        }),
    },
];

/// Takes the extension with this object identifier out.
fn without_extension(parts: &mut Parts, oid: &[u8]) {
    // extensions [3] EXPLICIT SEQUENCE OF Extension
    let list = open(parts.get(Field::Extensions)).and_then(|(list, _)| open(list)).map(|(list, _)| list);
    let kept = list
        .and_then(elements)
        .unwrap_or_default()
        .into_iter()
        .filter(|extension| open(extension).is_none_or(|(content, _)| !content.starts_with(oid)));
    let kept: Vec<u8> = kept.flatten().collect();
    parts.set(Field::Extensions, tlv(0xa3, &tlv(SEQUENCE, &kept)));
}
