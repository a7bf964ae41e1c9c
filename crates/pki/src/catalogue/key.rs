//! Which keys: lengths, curves, kinds.

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ML_DSA_44, PublicKeyData, SigningKey,
};

use crate::Entry;
use crate::entry::Expectation::{MustAccept, MustRefuse, Policy};
use crate::entry::Recipe::Chain;
use crate::entry::Shape::{Direct, Intermediate, RsaIntermediate, RsaKey};
use crate::kit::{Kit, Made, ed25519, new_key, patch_first, point};
use crate::template::authority;
use crate::weak::{self, Hash, KnownKey, Pkcs8, Rsa};
use wirelab_model::Importance::{High, Low, Medium};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "rsa-512",
        title: "RSA key of 512 bits",
        flaw: "its key is RSA with 512 bits, which was factored in 1999",
        reference: "NIST SP 800-131A section 3",
        cwe: "CWE-326",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse RSA keys below 2048 bits",
        recipe: Chain(RsaKey, |kit| rsa(kit, weak::RSA_512)),
    },
    Entry {
        id: "rsa-768",
        title: "RSA key of 768 bits",
        flaw: "its key is RSA with 768 bits, which was factored in 2009",
        reference: "NIST SP 800-131A section 3",
        cwe: "CWE-326",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse RSA keys below 2048 bits",
        recipe: Chain(RsaKey, |kit| rsa(kit, weak::RSA_768)),
    },
    Entry {
        id: "rsa-1024",
        title: "RSA key of 1024 bits",
        flaw: "its key is RSA with 1024 bits, which no standard allows any more",
        reference: "NIST SP 800-131A section 3",
        cwe: "CWE-326",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "refuse RSA keys below 2048 bits",
        recipe: Chain(RsaKey, |kit| rsa(kit, weak::RSA_1024)),
    },
    Entry {
        id: "rsa-2047",
        title: "RSA key of 2047 bits",
        flaw: "its key is RSA with 2047 bits: one too few, and no multiple of eight",
        reference: "NIST SP 800-131A section 3",
        cwe: "CWE-326",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "make keys of the usual sizes",
        recipe: Chain(RsaKey, |kit| rsa(kit, weak::RSA_2047)),
    },
    Entry {
        id: "rsa-8192",
        title: "RSA key of 8192 bits",
        flaw: "its key is RSA with 8192 bits, which costs a client and above all a server time",
        reference: "RFC 8017 section 3.1",
        cwe: "CWE-400",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "make keys of the usual sizes",
        recipe: Chain(RsaKey, |kit| rsa(kit, weak::RSA_8192)),
    },
    Entry {
        id: "issuer-rsa-512",
        title: "authority with an RSA key of 512 bits",
        flaw: "the key of the authority in between is RSA with 512 bits, which was factored in 1999",
        reference: "NIST SP 800-131A section 3",
        cwe: "CWE-326",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse RSA keys below 2048 bits in the whole chain",
        recipe: Chain(RsaIntermediate, |kit| between_rsa(kit, Rsa::read(weak::RSA_512))),
    },
    Entry {
        id: "issuer-rsa-exponent-1",
        title: "authority with an RSA key that signs nothing",
        flaw: "the public exponent of the authority in between is 1, so that everybody can sign as it",
        reference: "RFC 8017 section 3.1",
        cwe: "CWE-347",
        importance: High,
        // OpenSSL 3.0 accepts it, against the standard.
        expectation: Policy,
        host: "localhost",
        fix: "refuse RSA exponents below 3",
        recipe: Chain(RsaIntermediate, |kit| {
            between_rsa(kit, Rsa::read(weak::RSA_2048).map(Rsa::exponent_one))
        }),
    },
    Entry {
        id: "issuer-rsa-exponent-even",
        title: "authority with an RSA key whose exponent is even",
        flaw: "the public exponent of the authority in between is even, so that no signature belongs to it",
        reference: "RFC 8017 section 3.1",
        cwe: "CWE-347",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse RSA keys with an even exponent, and signatures that do not verify",
        recipe: Chain(RsaIntermediate, |kit| {
            between_rsa(kit, Rsa::read(weak::RSA_2048).map(Rsa::exponent_even))
        }),
    },
    Entry {
        id: "issuer-p192",
        title: "authority with a key on P-192",
        flaw: "the key of the authority in between is on the curve P-192, which TLS no longer uses",
        reference: "NIST SP 800-186",
        cwe: "CWE-327",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "use P-256 or P-384",
        recipe: Chain(Intermediate, |kit| between_known(kit, &weak::P192)),
    },
    Entry {
        id: "issuer-p224",
        title: "authority with a key on P-224",
        flaw: "the key of the authority in between is on the curve P-224, which TLS no longer uses",
        reference: "RFC 8422 section 5.1.1",
        cwe: "CWE-327",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "use P-256 or P-384",
        recipe: Chain(Intermediate, |kit| between_known(kit, &weak::P224)),
    },
    Entry {
        id: "issuer-secp256k1",
        title: "authority with a key on secp256k1",
        flaw: "the key of the authority in between is on the curve secp256k1, which TLS no longer uses",
        reference: "RFC 8422 section 5.1.1",
        cwe: "CWE-327",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "use P-256 or P-384",
        recipe: Chain(Intermediate, |kit| between_known(kit, &weak::SECP256K1)),
    },
    Entry {
        id: "issuer-dsa",
        title: "authority with a DSA key",
        flaw: "the key of the authority in between is DSA with 1024 bits",
        reference: "NIST FIPS 186-5",
        cwe: "CWE-327",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "use ECDSA on P-256 or P-384, or RSA",
        recipe: Chain(Intermediate, |kit| between_known(kit, &weak::DSA)),
    },
    Entry {
        id: "explicit-curve",
        title: "curve given by its parameters",
        flaw: "its key is on P-256, given by parameters and not by name",
        reference: "RFC 5480 section 2.1.1",
        cwe: "CWE-295",
        importance: Medium,
        expectation: Policy,
        host: "localhost",
        fix: "refuse explicit curve parameters",
        recipe: Chain(Direct, |kit| {
            let (mut chain, _) = kit.chain(&kit.server()?, &[kit.root()])?;
            let key = new_key()?;
            patch_first(&mut chain, |parts| {
                let explicit = weak::explicit_p256(weak::P256_GENERATOR, point(&key));
                let public = if kit.flawed { explicit } else { key.subject_public_key_info() };
                weak::set_key(parts, &public);
                parts.sign(|tbs| kit.root().key().sign(tbs))
            })?;
            Ok((chain, key.into()))
        }),
    },
    Entry {
        id: "ed25519",
        title: "Ed25519 key",
        flaw: "its key is Ed25519, which is in order and not common yet",
        reference: "RFC 8410 section 3",
        cwe: "CWE-327",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "use a library that knows Ed25519, or ECDSA on P-256",
        recipe: Chain(Direct, |kit| with_key(kit, ed25519)),
    },
    Entry {
        id: "p384",
        title: "key on P-384",
        flaw: "its key is ECDSA on P-384, which is in order",
        reference: "RFC 8422 section 5.1.1",
        cwe: "CWE-327",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "use a library that knows P-384, or P-256",
        recipe: Chain(Direct, |kit| with_key(kit, || KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384))),
    },
    Entry {
        id: "issuer-ml-dsa",
        title: "authority with a post-quantum key",
        flaw: "the key of the authority in between is ML-DSA-44, which is in order and not common yet",
        reference: "RFC 9881 section 2",
        cwe: "CWE-327",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "use ECDSA until clients know ML-DSA",
        recipe: Chain(Intermediate, |kit| {
            let algorithm = if kit.flawed { &PKCS_ML_DSA_44 } else { &PKCS_ECDSA_P256_SHA256 };
            let params = authority("wirelab intermediate", kit.now);
            let between = kit.authority_with(params, KeyPair::generate_for(algorithm)?, kit.root())?;
            kit.chain(&kit.server()?, &[&between, kit.root()])
        }),
    },
];

fn with_key(kit: &Kit<'_>, make: fn() -> Result<KeyPair, rcgen::Error>) -> Result<Made, rcgen::Error> {
    let key = if kit.flawed { make()? } else { new_key()? };
    kit.chain_with(&kit.server()?, &key, &[kit.root()])
}

/// A certificate for this RSA key; without its flaw, for one of 2048 bits.
fn rsa(kit: &Kit<'_>, key: Pkcs8) -> Result<Made, rcgen::Error> {
    let pkcs8 = if kit.flawed { key } else { weak::RSA_2048 };
    let public = Rsa::read(pkcs8).ok_or(rcgen::Error::CouldNotParseKeyPair)?.public();
    let (chain, _) = kit.patched(|parts| {
        weak::set_key(parts, &public);
        parts.sign(|tbs| kit.root().key().sign(tbs))
    })?;
    Ok((chain, pkcs8.into()))
}

/// An authority in between with this RSA key; without its flaw, with one of 2048 bits.
fn between_rsa(kit: &Kit<'_>, key: Option<Rsa>) -> Result<Made, rcgen::Error> {
    let key = if kit.flawed { key } else { Rsa::read(weak::RSA_2048) };
    let key = key.ok_or(rcgen::Error::CouldNotParseKeyPair)?;
    between(kit, &key.public(), &Hash::Sha256.with_rsa(), |tbs| {
        key.sign(Hash::Sha256, tbs).ok_or(rcgen::Error::RingUnspecified)
    })
}

fn between_known(kit: &Kit<'_>, key: &KnownKey) -> Result<Made, rcgen::Error> {
    if kit.flawed {
        return between(kit, key.public, key.algorithm, |tbs| Ok(key.sign(tbs)));
    }
    let between = kit.under("wirelab intermediate", kit.root())?;
    kit.chain(&kit.server()?, &[&between, kit.root()])
}

/// An authority in between with a key that rcgen does not know.
fn between(
    kit: &Kit<'_>,
    public: &[u8],
    algorithm: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, rcgen::Error>,
) -> Result<Made, rcgen::Error> {
    let between = kit.under("wirelab intermediate", kit.root())?;
    let (mut chain, key) = kit.chain(&kit.server()?, &[&between, kit.root()])?;
    patch_first(&mut chain, |parts| {
        parts.set_algorithm(algorithm);
        parts.sign(sign)
    })?;
    if let Some(authorities) = chain.get_mut(1..) {
        patch_first(authorities, |parts| {
            weak::set_key(parts, public);
            parts.sign(|tbs| kit.root().key().sign(tbs))
        })?;
    }
    Ok((chain, key))
}
