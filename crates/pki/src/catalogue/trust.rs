//! Who signed it: RFC 5280 section 6.1.

use rcgen::{CertificateParams, IsCa, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SigningKey};
use rustls_pki_types::CertificateDer;
use time::Duration;

use crate::Entry;
use crate::der::Field;
use crate::entry::Expectation::{MustAccept, MustRefuse, Policy};
use crate::entry::Recipe::{Between, Chain};
use crate::entry::Shape::{Direct, FiveIntermediates, Intermediate, TwoIntermediates};
use crate::kit::{Authority, Kit, Made, Name, new_key, patch_first, point, set_names};
use crate::template::{authority, named};
use crate::weak;
use wirelab_model::Importance::{Critical, High, Low, Medium};

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "self-signed",
        title: "self-signed certificate",
        flaw: "signed by its own key, not by an authority; right name, right dates",
        reference: "RFC 5280 section 6.1",
        cwe: "CWE-296",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "verify the chain against the authority of the server; do not waive chain errors in a callback",
        recipe: Chain(Direct, |kit| if kit.flawed { signed_by_itself(kit.server()?) } else { good(kit) }),
    },
    Entry {
        id: "self-signed-wrong-host",
        title: "self-signed certificate for another host",
        flaw: "signed by its own key, and for evil.test: two flaws, for clients that look for the first only \
               where the second is absent",
        reference: "RFC 5280 section 6.1, RFC 9525 section 6",
        cwe: "CWE-295",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "verify chain and name, both always; no check may replace another",
        recipe: Chain(Direct, |kit| {
            if !kit.flawed {
                return good(kit);
            }
            let mut params = kit.server()?;
            params.distinguished_name = named("evil.test");
            set_names(&mut params, &[Name::Dns("evil.test")]);
            signed_by_itself(params)
        }),
    },
    Entry {
        id: "untrusted-authority",
        title: "certificate of an unknown authority",
        flaw: "signed by an authority that the client does not trust, which is sent along; right name, right \
               dates",
        reference: "RFC 5280 section 6.1",
        cwe: "CWE-295",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "accept only chains that end in the configured authority; a chain that ends in some root proves \
              nothing",
        recipe: Chain(Direct, |kit| {
            let stranger = kit.stranger(authority("wirelab other authority", kit.now))?;
            kit.chain(&kit.server()?, &[if kit.flawed { &stranger } else { kit.root() }])
        }),
    },
    Entry {
        id: "authority-same-name",
        title: "certificate of an authority that copies the trusted one's name",
        flaw: "signed by an unknown authority with the name and key id of the trusted one, which is sent along",
        reference: "RFC 5280 section 6.1.1",
        cwe: "CWE-296",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "compare the key of the authority, never its name or key id",
        recipe: Chain(Direct, |kit| {
            let mut params = authority("wirelab authority", kit.now);
            let id = params.key_identifier(kit.root().key());
            params.key_identifier_method = KeyIdMethod::PreSpecified(id);
            let copy = kit.stranger(params)?;
            kit.chain(&kit.server()?, &[if kit.flawed { &copy } else { kit.root() }])
        }),
    },
    Entry {
        id: "replaced-key",
        title: "good certificate with the attacker's key in it",
        flaw: "the public key was replaced and the authority's old signature kept",
        reference: "RFC 5280 section 6.1.3",
        cwe: "CWE-347",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "verify the signature of every certificate of the chain",
        recipe: Chain(Direct, |kit| {
            let (mut chain, old) = kit.chain(&kit.server()?, &[kit.root()])?;
            let key = new_key()?;
            if !kit.flawed {
                return Ok((chain, old));
            }
            patch_first(&mut chain, |parts| {
                weak::set_key(parts, &key.subject_public_key_info());
                Ok(())
            })?;
            Ok((chain, key.serialize_der().into()))
        }),
    },
    Entry {
        id: "issuer-without-ca",
        title: "certificate signed by one that says nothing about being an authority",
        flaw: "the issuer, itself signed by the trusted authority, has no basic constraints",
        reference: "RFC 5280 section 4.2.1.9",
        cwe: "CWE-296",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require basic constraints with cA true in every issuer",
        recipe: Between(|params, _| params.is_ca = IsCa::NoCa),
    },
    Entry {
        id: "issuer-not-ca",
        title: "certificate signed by one that is no authority",
        flaw: "the issuer, itself signed by the trusted authority, has basic constraints with cA false",
        reference: "RFC 5280 section 4.2.1.9",
        cwe: "CWE-296",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require basic constraints with cA true in every issuer",
        recipe: Between(|params, _| params.is_ca = IsCa::ExplicitNoCa),
    },
    Entry {
        id: "issuer-without-cert-sign",
        title: "certificate of an authority that may not sign certificates",
        flaw: "the key usage of the authority in between lacks keyCertSign",
        reference: "RFC 5280 section 4.2.1.3",
        cwe: "CWE-295",
        importance: Medium,
        // webpki, and with it rustls, does not read key usage.
        expectation: Policy,
        host: "localhost",
        fix: "check keyCertSign in the key usage of every issuer",
        recipe: Between(|params, _| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
    },
    Entry {
        id: "missing-intermediate",
        title: "chain with a gap",
        flaw: "the authority between the certificate and the trusted one is not sent",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-296",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse a chain that does not reach the configured authority; let the server send it whole",
        recipe: Chain(Intermediate, |kit| {
            let between = kit.under("wirelab intermediate", kit.root())?;
            let (mut chain, key) = kit.chain(&kit.server()?, &[&between])?;
            if kit.flawed {
                chain.truncate(1);
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "chain-shuffled",
        title: "good chain in another order",
        flaw: "the authorities behind the certificate come in reverse order",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-295",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "build the path from what was sent, whatever its order",
        recipe: Chain(TwoIntermediates, |kit| {
            let upper = kit.under("wirelab upper intermediate", kit.root())?;
            let lower = kit.under("wirelab intermediate", &upper)?;
            let (mut chain, key) = kit.chain(&kit.server()?, &[&lower, &upper, kit.root()])?;
            if kit.flawed
                && let Some(authorities) = chain.get_mut(1..)
            {
                authorities.reverse();
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "chain-extra-certificate",
        title: "good chain with a certificate too many",
        flaw: "a certificate that has nothing to do with it comes along",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-295",
        importance: Low,
        expectation: MustAccept,
        host: "localhost",
        fix: "leave out what is not needed for the path",
        recipe: Chain(Direct, |kit| {
            let (mut chain, key) = good(kit)?;
            let stranger = kit.stranger(authority("wirelab other authority", kit.now))?;
            if kit.flawed {
                chain.insert(1, stranger.der);
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "leaf-not-first",
        title: "chain that begins with an authority",
        flaw: "the authority is sent before the server's certificate",
        reference: "RFC 8446 section 4.4.2",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "take the first certificate, and no other, as the server's",
        recipe: Chain(Intermediate, |kit| {
            let between = kit.under("wirelab intermediate", kit.root())?;
            let (mut chain, key) = kit.chain(&kit.server()?, &[&between, kit.root()])?;
            if kit.flawed {
                chain.swap(0, 1);
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "own-curve",
        title: "authority with the trusted key on a curve of the attacker's own (CVE-2020-0601)",
        flaw: "the authority has name and public point of the trusted one, but declares that point the \
               generator, so that its private key is 1",
        reference: "RFC 5480 section 2.1.1",
        cwe: "CWE-295",
        importance: Critical,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse explicit curve parameters; compare whole keys with their parameters",
        recipe: Chain(Direct, |kit| {
            let (mut chain, key) = good(kit)?;
            if !kit.flawed {
                return Ok((chain, key));
            }
            let public = point(kit.root().key()).to_vec();
            let x = public.get(1..33).unwrap_or_default();
            let sign = |tbs: &[u8]| Ok(weak::sign_with_own_generator(x, tbs));
            patch_first(&mut chain, |parts| parts.sign(sign))?;
            if let Some(authorities) = chain.get_mut(1..) {
                patch_first(authorities, |parts| {
                    weak::set_key(parts, &weak::explicit_p256(&public, &public));
                    parts.sign(sign)
                })?;
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "cross-signed-expired-path",
        title: "good chain beside an expired one",
        flaw: "the authority in between is also signed by an expired root, whose path comes first",
        reference: "RFC 4158",
        cwe: "CWE-295",
        importance: Low,
        // OpenSSL does not go back from the path that it tried first.
        expectation: Policy,
        host: "localhost",
        fix: "try the other paths where one fails",
        recipe: Chain(Intermediate, |kit| {
            let between = kit.under("wirelab intermediate", kit.root())?;
            let (mut chain, key) = kit.chain(&kit.server()?, &[&between, kit.root()])?;
            let mut old = authority("wirelab old authority", kit.now);
            old.not_after = kit.now - Duration::hours(1);
            let old = kit.stranger(old)?;
            let params = authority("wirelab intermediate", kit.now);
            let other = params.signed_by(between.key(), &old.issuer)?.der().clone();
            if kit.flawed {
                chain.splice(1..1, [other, old.der]);
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "issuer-cycle",
        title: "two authorities that sign each other",
        flaw: "the path from the certificate goes in a circle and never reaches a root",
        reference: "RFC 4158",
        cwe: "CWE-835",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a path builder that notices what it has seen, and that limits its work",
        recipe: Chain(TwoIntermediates, |kit| {
            let [one, two] = [authority("wirelab one", kit.now), authority("wirelab two", kit.now)];
            let first = kit.stranger(one.clone())?;
            let second = kit.authority(two, if kit.flawed { &first } else { kit.root() })?;
            let back = one.signed_by(first.key(), &second.issuer)?.der().clone();
            let (mut chain, key) = kit.chain(&kit.server()?, &[&first, &second])?;
            if let Some(sent) = chain.get_mut(1) {
                *sent = back;
            }
            if !kit.flawed {
                chain.push(kit.root().der.clone());
            }
            Ok((chain, key))
        }),
    },
    Entry {
        id: "chain-of-100",
        title: "chain of a hundred authorities",
        flaw: "a hundred authorities in a row between the certificate and the trusted one, each in order",
        reference: "RFC 5280 section 6.1",
        cwe: "CWE-400",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "limit the depth of chains; four is more than anybody needs",
        recipe: Chain(Intermediate, |kit| {
            let mut authorities: Vec<Authority> = Vec::new();
            for level in 0..if kit.flawed { 100 } else { 1 } {
                let name = format!("wirelab intermediate {level}");
                authorities.push(kit.under(&name, authorities.last().unwrap_or_else(|| kit.root()))?);
            }
            let sent: Vec<&Authority> = authorities.iter().rev().chain([kit.root()]).collect();
            kit.chain(&kit.server()?, &sent)
        }),
    },
    Entry {
        id: "cross-signed-graph",
        title: "authorities that sign each other in all combinations",
        flaw: "four levels of four authorities, each signed by all of the level above, and no path to a root",
        reference: "RFC 4158",
        cwe: "CWE-407",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a path builder that limits the signatures it checks",
        recipe: Chain(FiveIntermediates, cross_signed_graph),
    },
    Entry {
        id: "other-key",
        title: "good certificate with another key than before",
        flaw: "nothing but the key: trusted authority, right name, right dates",
        reference: "RFC 7469 section 2.6",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "where one authority signs for several parties, pin the key or use an authority of your own",
        recipe: Chain(Direct, good),
    },
    Entry {
        id: "issuer-version-1",
        title: "certificate of an authority of version 1",
        flaw: "the authority in between is a version 1 certificate, which cannot say that it is an authority",
        reference: "RFC 5280 section 4.1.2.1",
        cwe: "CWE-296",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "require version 3 with basic constraints in every issuer",
        recipe: Chain(Intermediate, |kit| {
            let between = kit.under("wirelab intermediate", kit.root())?;
            let (mut chain, key) = kit.chain(&kit.server()?, &[&between, kit.root()])?;
            if kit.flawed
                && let Some(authorities) = chain.get_mut(1..)
            {
                patch_first(authorities, |parts| {
                    parts.set(Field::Version, Vec::new());
                    parts.set(Field::Extensions, Vec::new());
                    parts.sign(|tbs| kit.root().key().sign(tbs))
                })?;
            }
            Ok((chain, key))
        }),
    },
];

fn good(kit: &Kit<'_>) -> Result<Made, rcgen::Error> {
    kit.chain(&kit.server()?, &[kit.root()])
}

fn signed_by_itself(params: CertificateParams) -> Result<Made, rcgen::Error> {
    let key = new_key()?;
    Ok((vec![params.self_signed(&key)?.der().clone()], key.into()))
}

/// All authorities of a level share a name, so that a path builder has to try each of them. Without
/// the flaw: one a level, and the uppermost signed by the trusted authority.
fn cross_signed_graph(kit: &Kit<'_>) -> Result<Made, rcgen::Error> {
    let width = if kit.flawed { 4 } else { 1 };
    let mut above = if kit.flawed {
        vec![kit.stranger(authority("wirelab other authority", kit.now))?]
    } else {
        vec![kit.under("wirelab other authority", kit.root())?]
    };
    let mut authorities: Vec<CertificateDer<'static>> = Vec::new();
    if !kit.flawed {
        authorities.extend(above.iter().map(|authority| authority.der.clone()));
    }
    for level in (1..=4).rev() {
        let params = authority(&format!("wirelab level {level}"), kit.now);
        let mut here = Vec::new();
        for _ in 0..width {
            let key = new_key()?;
            for upper in &above {
                authorities.push(params.signed_by(&key, &upper.issuer)?.der().clone());
            }
            here.push(crate::kit::self_signed(params.clone(), key)?);
        }
        above = here;
    }
    let by: Vec<&Authority> = above.iter().take(1).collect();
    let (mut chain, key) = kit.chain(&kit.server()?, &by)?;
    chain.truncate(1);
    chain.extend(authorities.into_iter().rev());
    Ok((chain, key))
}
