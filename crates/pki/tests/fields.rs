//! Only the intended fields of a forged certificate differ from the good one.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use wirelab_pki::{Identity, Lab, all};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

const NOW: i64 = 1_767_323_045;

fn lab() -> Lab {
    // Not a whole second, and not in UTC: certificates hold neither.
    let now =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(NOW) * 1_000_000_000 + 987_654_321).unwrap();
    Lab::new(now.to_offset(time::UtcOffset::from_hms(5, 30, 0).unwrap())).unwrap()
}

fn parse<'a>(der: &'a CertificateDer<'static>) -> X509Certificate<'a> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

/// Everything in a certificate but key, serial number and signature, which always differ. All
/// extensions are in it by number, so that one more or one fewer shows.
fn fields(identity: &Identity) -> BTreeMap<String, String> {
    let certificate = parse(&identity.chain[0]);
    let seconds = |time: x509_parser::time::ASN1Time| time.timestamp() - NOW;
    let mut fields = BTreeMap::from([
        ("version".to_owned(), certificate.version().to_string()),
        ("algorithm".to_owned(), certificate.signature_algorithm.algorithm.to_id_string()),
        ("subject".to_owned(), certificate.subject().to_string()),
        ("issuer".to_owned(), certificate.issuer().to_string()),
        ("not before".to_owned(), seconds(certificate.validity().not_before).to_string()),
        ("not after".to_owned(), seconds(certificate.validity().not_after).to_string()),
        ("key algorithm".to_owned(), format!("{:?}", certificate.public_key().algorithm)),
    ]);
    for extension in certificate.extensions() {
        // The authority's key id differs where the authority does; its presence is what counts.
        let value = match extension.oid.to_id_string().as_str() {
            "2.5.29.35" => "present".to_owned(),
            _ => format!("{} {:?}", extension.critical, extension.value),
        };
        fields.insert(extension.oid.to_id_string(), value);
    }
    fields
}

#[test]
fn the_good_certificate_is_what_it_should_be() {
    let lab = lab();
    let good = lab.good();
    let certificate = parse(&good.chain[0]);
    assert_eq!(certificate.subject().to_string(), "CN=localhost");
    assert_eq!(certificate.issuer().to_string(), "CN=wirelab authority");
    assert_eq!(certificate.validity().not_before.timestamp(), NOW - 3600);
    assert_eq!(certificate.validity().not_after.timestamp(), NOW + 24 * 3600);
    assert!(!certificate.is_ca());
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert_eq!(usage.flags, 1, "digitalSignature only");
    let extended = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(extended.server_auth && !extended.client_auth && !extended.any);
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), 3, "{names:?}");

    let authority = parse(lab.authority_der());
    assert!(authority.is_ca());
    let usage = authority.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    let key_id = |certificate: &X509Certificate<'_>| {
        certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0.to_vec()),
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
    };
    assert_eq!(key_id(&certificate).unwrap(), key_id(&authority).unwrap());
    assert_eq!(authority.validity().not_before.timestamp(), NOW - 48 * 3600);
    assert_eq!(authority.validity().not_after.timestamp(), NOW + 24 * 3600);
    assert_eq!(good.chain[1], *lab.authority_der());
}

#[test]
fn a_forged_certificate_differs_in_its_flaw_only() {
    const ALTERNATIVE_NAMES: &str = "2.5.29.17";
    let lab = lab();
    let good = fields(lab.good());
    for entry in all() {
        let forged = fields(&lab.forge(entry).unwrap());
        let keys: BTreeSet<&String> = good.keys().chain(forged.keys()).collect();
        let differ: Vec<&str> =
            keys.into_iter().filter(|key| good.get(*key) != forged.get(*key)).map(String::as_str).collect();
        let expected: &[&str] = match entry.id {
            "self-signed" | "untrusted-authority" => &["issuer"],
            "wrong-host" => &[ALTERNATIVE_NAMES, "subject"],
            "expired" => &["not after", "not before"],
            other => panic!("say here in which fields {other} differs"),
        };
        assert_eq!(differ, expected, "{}", entry.id);
    }
}

#[test]
fn an_expired_certificate_lay_within_its_authoritys_life() {
    let lab = lab();
    let entry = all().iter().find(|e| e.id == "expired").unwrap();
    let forged = lab.forge(entry).unwrap();
    let (leaf, authority) = (parse(&forged.chain[0]), parse(lab.authority_der()));
    assert_eq!(leaf.validity().not_after.timestamp(), NOW - 3600);
    assert!(authority.validity().not_before < leaf.validity().not_before);
    assert!(authority.validity().not_after > leaf.validity().not_after);
}

#[test]
fn serial_numbers_and_keys_are_positive_fresh_and_unique() {
    let (one, two) = (lab(), lab());
    let mut identities = vec![one.good().clone(), one.client().clone(), two.good().clone()];
    for entry in all() {
        identities.push(one.forge(entry).unwrap());
        identities.push(one.forge(entry).unwrap());
    }
    let (mut serials, mut keys) = (HashSet::new(), HashSet::new());
    for identity in &identities {
        let certificate = parse(&identity.chain[0]);
        // RFC 5280 section 4.1.2.2: positive, at most 20 octets.
        let raw = certificate.raw_serial();
        assert!(raw.len() <= 20 && raw[0] < 0x80 && raw.iter().any(|b| *b != 0), "{raw:x?}");
        assert!(serials.insert(raw.to_vec()));
        assert!(keys.insert(identity.key.secret_pkcs8_der().to_vec()));
    }
    assert_ne!(one.authority_der(), two.authority_der());
}

#[test]
fn secrets_are_not_printed() {
    let lab = lab();
    let bytes = format!("{:?}", &lab.good().key.secret_pkcs8_der()[40..50]);
    let text = format!("{:?}", lab.good());
    assert!(!text.contains(bytes.trim_matches(['[', ']'])), "{text}");
}
