//! What its authorities may sign: RFC 5280 sections 4.2.1.9 to 4.2.1.11.

use rcgen::{BasicConstraints, CertificateParams, CidrSubnet, GeneralSubtree, IsCa, NameConstraints};

use crate::Entry;
use crate::entry::Expectation::{MustRefuse, Policy};
use crate::entry::Recipe::{Between, Chain, Leaf};
use crate::entry::Shape::{Intermediate, TwoIntermediates};
use crate::kit::{Name, set_names};
use crate::template::{authority, extension};
use wirelab_model::Importance::{High, Low, Medium};

const NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        id: "path-too-long",
        title: "authority below one that may have none below it",
        flaw: "the upper authority has a path length of 0, and signed another authority",
        reference: "RFC 5280 section 4.2.1.9",
        cwe: "CWE-296",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "check pathLenConstraint in every issuer",
        recipe: Chain(TwoIntermediates, |kit| {
            let mut params = authority("wirelab upper intermediate", kit.now);
            if kit.flawed {
                params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            }
            let upper = kit.authority(params, kit.root())?;
            let lower = kit.under("wirelab intermediate", &upper)?;
            kit.chain(&kit.server()?, &[&lower, &upper, kit.root()])
        }),
    },
    Entry {
        id: "name-not-permitted",
        title: "authority that may sign for other names only",
        flaw: "the name constraints of the authority in between permit example.test only",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a library that enforces name constraints",
        recipe: Between(|params, _| permit(params, GeneralSubtree::DnsName("example.test".into()))),
    },
    Entry {
        id: "name-excluded",
        title: "authority that may not sign for this name",
        flaw: "the name constraints of the authority in between exclude localhost",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a library that enforces name constraints",
        recipe: Between(|params, _| exclude(params, GeneralSubtree::DnsName("localhost".into()))),
    },
    Entry {
        id: "address-not-permitted",
        title: "authority that may sign for other addresses only",
        flaw: "the name constraints of the authority in between permit the addresses 192.0.2.0/24 only",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a library that enforces name constraints, for addresses too",
        recipe: Between(|params, _| permit(params, network([192, 0, 2, 0], 24))),
    },
    Entry {
        id: "address-excluded",
        title: "authority that may not sign for this address",
        flaw: "the name constraints of the authority in between exclude 127.0.0.0/8",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "use a library that enforces name constraints, for addresses too",
        recipe: Between(|params, _| exclude(params, network([127, 0, 0, 0], 8))),
    },
    Entry {
        id: "wildcard-excluded",
        title: "wildcard that reaches into excluded names",
        flaw: "the certificate has *.example.test beside localhost, and its authority may not sign for \
               www.example.test",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: Medium,
        // The standard does not say how wildcards meet constraints.
        expectation: Policy,
        host: "localhost",
        fix: "treat a wildcard as all the names it stands for",
        recipe: Chain(Intermediate, |kit| {
            let mut params = authority("wirelab intermediate", kit.now);
            if kit.flawed {
                exclude(&mut params, GeneralSubtree::DnsName("www.example.test".into()));
            }
            let between = kit.authority(params, kit.root())?;
            let mut leaf = kit.server()?;
            set_names(&mut leaf, &[Name::Dns("localhost"), Name::Dns("*.example.test")]);
            kit.chain(&leaf, &[&between, kit.root()])
        }),
    },
    Entry {
        id: "name-constraints-not-critical",
        title: "authority for other names only, which is not marked critical",
        flaw: "the name constraints of the authority in between permit example.test only and are not critical",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: High,
        expectation: MustRefuse,
        host: "localhost",
        fix: "enforce name constraints whether they are critical or not",
        recipe: Between(|params, _| {
            let content = b"\x30\x12\xa0\x10\x30\x0e\x82\x0cexample.test";
            params.custom_extensions.push(extension(NAME_CONSTRAINTS, false, content));
        }),
    },
    Entry {
        id: "name-constraints-malformed",
        title: "authority with name constraints that are no DER",
        flaw: "the critical name constraints of the authority in between cannot be read",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-1286",
        importance: Medium,
        expectation: MustRefuse,
        host: "localhost",
        fix: "refuse what cannot be read; never take it for absent",
        recipe: Between(|params, _| {
            params.custom_extensions.push(extension(NAME_CONSTRAINTS, true, b"\x30\x03\xa0\x05\x30"));
        }),
    },
    Entry {
        id: "name-constraints-in-leaf",
        title: "name constraints in the server's certificate",
        flaw: "the certificate itself has name constraints, which only an authority may have",
        reference: "RFC 5280 section 4.2.1.10",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "none is needed: there is nothing below the certificate to constrain",
        recipe: Leaf(|params, _| {
            permit(params, GeneralSubtree::DnsName("localhost".into()));
            Ok(())
        }),
    },
    Entry {
        id: "policy-required",
        title: "authority that demands a policy the certificate does not have",
        flaw: "the authority in between has critical policy constraints, and the certificate has no policy",
        reference: "RFC 5280 section 4.2.1.11",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "process policy constraints, or refuse them as an unknown critical extension",
        // requireExplicitPolicy [0] 0
        recipe: Between(|params, _| {
            params.custom_extensions.push(extension(&[2, 5, 29, 36], true, b"\x30\x03\x80\x01\x00"));
        }),
    },
    Entry {
        id: "policy-mapping-any",
        title: "authority that maps any policy to another",
        flaw: "the critical policy mappings of the authority in between map anyPolicy, which is forbidden",
        reference: "RFC 5280 section 4.2.1.5",
        cwe: "CWE-295",
        importance: Low,
        expectation: Policy,
        host: "localhost",
        fix: "process policy mappings, or refuse them as an unknown critical extension",
        // anyPolicy (2.5.29.32.0) to 1.2.3
        recipe: Between(|params, _| {
            let content = b"\x30\x0c\x30\x0a\x06\x04\x55\x1d\x20\x00\x06\x02\x2a\x03";
            params.custom_extensions.push(extension(&[2, 5, 29, 33], true, content));
        }),
    },
];

fn permit(params: &mut CertificateParams, tree: GeneralSubtree) {
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: vec![tree], excluded_subtrees: Vec::new() });
}

fn exclude(params: &mut CertificateParams, tree: GeneralSubtree) {
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: vec![tree] });
}

fn network(address: [u8; 4], prefix: u8) -> GeneralSubtree {
    GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(address, prefix))
}
