//! How it is signed and written: RFC 5280 sections 4.1 and 6.1.3.

use rcgen::{KeyPair, PKCS_RSA_SHA256, SigningKey};

use crate::Entry;
use crate::der::{Field, INTEGER, SEQUENCE, sequence, tlv};
use crate::entry::Expectation::{MustAccept, MustRefuse, Policy};
use crate::entry::Recipe::{Chain, Leaf, Patched};
use crate::entry::Shape::{Direct, RsaAboveIntermediate, RsaIntermediate};
use crate::kit::{ALTERNATIVE_NAMES, Authority, Kit, Made, new_key, patch_first};
use crate::template::{authority, extension};
use crate::weak::{self, Hash, Rsa};
use wirelab_model::Importance::{Critical, High, Low, Medium};

/// ecdsa-with-SHA384, 1.2.840.10045.4.3.3
const ECDSA_SHA384: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03";
/// id-pe-authorityInfoAccess
const INFORMATION_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "algorithm-mismatch",
        title: "two signature algorithms",
        flaw: "the signature algorithm within the signed part is another than outside",
        reference: "RFC 5280 section 4.1.1.2",
        cwe: "CWE-347",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require both algorithm fields to be the same",
        recipe: Patched(|parts| parts.set(Field::Algorithm, ECDSA_SHA384.to_vec())),
    },
    Entry {
        id: "signature-flipped",
        title: "signature with one bit flipped",
        flaw: "one bit of the authority's signature is flipped",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-347",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "verify the signature of every certificate of the chain",
        recipe: Chain(Direct, |kit| {
            signature(kit, |signature| {
                if let Some(last) = signature.last_mut() {
                    *last ^= 1;
                }
            })
        }),
    },
    Entry {
        id: "signature-other-key",
        title: "signature of another key",
        flaw: "it names the trusted authority, and another key has signed it",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-347",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "verify the signature of every certificate of the chain",
        recipe: Chain(Direct, |kit| {
            let key = new_key()?;
            kit.patched(|parts| {
                let key = if kit.flawed { &key } else { kit.root().key() };
                parts.sign(|tbs| key.sign(tbs))
            })
        }),
    },
    Entry {
        id: "signature-zero",
        title: "signature of zeroes (CVE-2022-21449)",
        flaw: "both numbers of its ECDSA signature are 0",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-347",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a library that checks that both numbers lie between 1 and the order",
        recipe: Chain(Direct, |kit| {
            signature(kit, |signature| *signature = b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec())
        }),
    },
    Entry {
        id: "signature-empty",
        title: "no signature",
        flaw: "its signature has no octets",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-347",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "verify the signature of every certificate of the chain",
        recipe: Chain(Direct, |kit| signature(kit, Vec::clear)),
    },
    Entry {
        id: "signature-hash-lie",
        title: "signature over another hash than it says",
        flaw: "it says SHA-256, and the RSA signature of its authority holds an MD5 hash",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-347",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "compare the whole DigestInfo of an RSA signature",
        recipe: Chain(RsaIntermediate, |kit| {
            rsa_signed(kit, Hash::Sha256, if kit.flawed { Hash::Md5 } else { Hash::Sha256 })
        }),
    },
    Entry {
        id: "md5",
        title: "certificate signed with MD5",
        flaw: "the authority in between has signed it over MD5, in which collisions take seconds",
        reference: "RFC 6151 section 2",
        cwe: "CWE-328",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse signatures over MD5",
        recipe: Chain(RsaIntermediate, |kit| rsa_signed_over(kit, Hash::Md5)),
    },
    Entry {
        id: "sha1",
        title: "certificate signed with SHA-1",
        flaw: "the authority in between has signed it over SHA-1",
        reference: "RFC 9155 section 2",
        cwe: "CWE-328",
        importance: Medium,
        // OpenSSL accepts it at security level 0, and old clients do.
        expectation: Policy,
        host: "localhost",
        fix: "refuse signatures over SHA-1",
        recipe: Chain(RsaIntermediate, |kit| rsa_signed_over(kit, Hash::Sha1)),
    },
    Entry {
        id: "issuer-md5",
        title: "authority signed with MD5",
        flaw: "one of the authorities is signed over MD5; the certificate itself is in order",
        reference: "RFC 6151 section 2",
        cwe: "CWE-328",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse signatures over MD5 in the whole chain",
        recipe: Chain(RsaAboveIntermediate, |kit| authority_signed_over(kit, Hash::Md5)),
    },
    Entry {
        id: "issuer-sha1",
        title: "authority signed with SHA-1",
        flaw: "one of the authorities is signed over SHA-1; the certificate itself is in order",
        reference: "RFC 9155 section 2",
        cwe: "CWE-328",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "refuse signatures over SHA-1 in the whole chain",
        recipe: Chain(RsaAboveIntermediate, |kit| authority_signed_over(kit, Hash::Sha1)),
    },
    Entry {
        id: "trailing-byte",
        title: "byte behind the certificate",
        flaw: "one byte follows the end of the certificate",
        reference: "RFC 5280 section 4.1",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require that the certificate ends where its bytes end",
        recipe: Chain(Direct, |kit| bytes(kit, |der| der.push(0))),
    },
    Entry {
        id: "long-length",
        title: "length that is not minimal",
        flaw: "the outermost length has a leading zero, which is BER and no DER",
        reference: "X.690 section 10.1",
        cwe: "CWE-1286",
        importance: Low,
        // OpenSSL reads BER.
        expectation: Policy,
        host: "localhost",
        fix: "read certificates with a DER parser",
        recipe: Chain(Direct, |kit| {
            bytes(kit, |der| {
                // 30 82 xx xx becomes 30 83 00 xx xx.
                if let Some(count) = der.get_mut(1) {
                    *count += 1;
                    der.insert(2, 0);
                }
            })
        }),
    },
    Entry {
        id: "indefinite-length",
        title: "length that is not given",
        flaw: "the outermost length is indefinite, which is BER and no DER",
        reference: "X.690 section 10.1",
        cwe: "CWE-1286",
        importance: Low,
        // OpenSSL reads BER.
        expectation: Policy,
        host: "localhost",
        fix: "read certificates with a DER parser",
        recipe: Chain(Direct, |kit| {
            bytes(kit, |der| {
                let content = der.split_off(4);
                *der = [&[SEQUENCE, 0x80], content.as_slice(), &[0, 0]].concat();
            })
        }),
    },
    Entry {
        id: "cut-off",
        title: "certificate that is cut off",
        flaw: "its last byte is missing",
        reference: "RFC 5280 section 4.1",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse what cannot be read, without reading beyond its end",
        recipe: Chain(Direct, |kit| bytes(kit, |der| der.truncate(der.len() - 1))),
    },
    Entry {
        id: "garbage",
        title: "bytes that are no certificate",
        flaw: "256 bytes stand where the certificate should be",
        reference: "RFC 5280 section 4.1",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse what cannot be read",
        recipe: Chain(Direct, |kit| bytes(kit, |der| *der = (0..=255).collect())),
    },
    Entry {
        id: "empty",
        title: "certificate of no length",
        flaw: "the certificate has no bytes at all",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse a certificate without bytes",
        recipe: Chain(Direct, |kit| bytes(kit, Vec::clear)),
    },
    Entry {
        id: "version-1",
        title: "certificate of version 1",
        flaw: "its version is 1, so that it has no extensions: its only name is the common name",
        reference: "RFC 5280 section 4.1.2.1",
        cwe: "CWE-295",
        importance: Medium,
        // OpenSSL takes it as a certificate with a common name only.
        expectation: Policy,
        host: "localhost",
        fix: "require version 3",
        recipe: Patched(|parts| {
            parts.set(Field::Version, Vec::new());
            parts.set(Field::Extensions, Vec::new());
        }),
    },
    Entry {
        id: "version-4",
        title: "certificate of version 4",
        flaw: "its version is 4, which does not exist",
        reference: "RFC 5280 section 4.1.2.1",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "require version 3",
        recipe: Patched(|parts| parts.set(Field::Version, tlv(0xa0, &tlv(INTEGER, &[3])))),
    },
    Entry {
        id: "names-malformed",
        title: "names that are no DER",
        flaw: "its subject alternative names cannot be read; its common name is right",
        reference: "RFC 5280 section 4.2.1.6",
        cwe: "CWE-1286",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse what cannot be read; never take it for absent",
        recipe: Leaf(|params, _| {
            params.subject_alt_names.clear();
            params.custom_extensions.push(extension(ALTERNATIVE_NAMES, false, b"\x30\x20\x82\x09localhost"));
            Ok(())
        }),
    },
    Entry {
        id: "usage-malformed",
        title: "extended key usage that is no DER",
        flaw: "its extended key usage cannot be read",
        reference: "RFC 5280 section 4.2.1.12",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse what cannot be read; never take it for absent",
        recipe: Leaf(|params, _| {
            params.extended_key_usages.clear();
            params.custom_extensions.push(extension(&[2, 5, 29, 37], false, b"\x30\x0a\x06\x20\x2b"));
            Ok(())
        }),
    },
    Entry {
        id: "access-malformed",
        title: "place of the authority that is no DER",
        flaw: "its authority information access cannot be read",
        reference: "RFC 5280 section 4.2.2.1",
        cwe: "CWE-1286",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "follow no links in certificates",
        recipe: Leaf(|params, _| {
            params.custom_extensions.push(extension(INFORMATION_ACCESS, false, b"\x30\x20\x30"));
            Ok(())
        }),
    },
    Entry {
        id: "access-link",
        title: "link to its authority",
        flaw: "its authority information access names a page on the discard port of this machine",
        reference: "RFC 5280 section 4.2.2.1",
        cwe: "CWE-918",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "follow no links in certificates: whoever makes the certificate chooses them",
        recipe: Leaf(|params, _| {
            // caIssuers, 1.3.6.1.5.5.7.48.2, at a URI
            let method = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02";
            let link = tlv(0x86, b"http://127.0.0.1:9/authority.crt");
            let access = sequence([&sequence([method, &link])]);
            params.custom_extensions.push(extension(INFORMATION_ACCESS, false, &access));
            Ok(())
        }),
    },
];

/// The good certificate with its signature changed after the fact.
fn signature(kit: &Kit<'_>, change: fn(&mut Vec<u8>)) -> Result<Made, rcgen::Error> {
    kit.patched(|parts| {
        if kit.flawed {
            change(&mut parts.signature);
        }
        Ok(())
    })
}

/// The good certificate with its bytes changed after the fact.
fn bytes(kit: &Kit<'_>, change: fn(&mut Vec<u8>)) -> Result<Made, rcgen::Error> {
    let (mut chain, key) = kit.chain(&kit.server()?, &[kit.root()])?;
    if kit.flawed
        && let Some(first) = chain.first_mut()
    {
        let mut der = first.to_vec();
        change(&mut der);
        *first = der.into();
    }
    Ok((chain, key))
}

/// An authority with an RSA key of 2048 bits under another one.
fn rsa_authority(kit: &Kit<'_>, name: &str, by: &Authority) -> Result<Authority, rcgen::Error> {
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&weak::RSA_2048.into(), &PKCS_RSA_SHA256)?;
    kit.authority_with(authority(name, kit.now), key, by)
}

fn rsa_sign(hash: Hash, tbs: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
    Rsa::read(weak::RSA_2048).and_then(|key| key.sign(hash, tbs)).ok_or(rcgen::Error::RingUnspecified)
}

/// A certificate of an authority with an RSA key, which says that it signed over one hash and signed
/// over another.
fn rsa_signed(kit: &Kit<'_>, says: Hash, does: Hash) -> Result<Made, rcgen::Error> {
    let between = rsa_authority(kit, "wirelab intermediate", kit.root())?;
    let (mut chain, key) = kit.chain(&kit.server()?, &[&between, kit.root()])?;
    patch_first(&mut chain, |parts| {
        parts.set_algorithm(&says.with_rsa());
        parts.sign(|tbs| rsa_sign(does, tbs))
    })?;
    Ok((chain, key))
}

fn rsa_signed_over(kit: &Kit<'_>, weak: Hash) -> Result<Made, rcgen::Error> {
    let hash = if kit.flawed { weak } else { Hash::Sha256 };
    rsa_signed(kit, hash, hash)
}

/// The same for the authority of the certificate.
fn authority_signed_over(kit: &Kit<'_>, weak: Hash) -> Result<Made, rcgen::Error> {
    let upper = rsa_authority(kit, "wirelab upper intermediate", kit.root())?;
    let lower = kit.under("wirelab intermediate", &upper)?;
    let (mut chain, key) = kit.chain(&kit.server()?, &[&lower, &upper, kit.root()])?;
    let hash = if kit.flawed { weak } else { Hash::Sha256 };
    if let Some(authorities) = chain.get_mut(1..) {
        patch_first(authorities, |parts| {
            parts.set_algorithm(&hash.with_rsa());
            parts.sign(|tbs| rsa_sign(hash, tbs))
        })?;
    }
    Ok((chain, key))
}
