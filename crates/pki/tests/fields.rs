//! Only the intended fields of a forged certificate differ from the good one; which, is on record in
//! `fields.txt`.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;

use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use wirelab_pki::{Identity, Lab, all, find};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

const NOW: i64 = 1_767_323_045;

fn time() -> OffsetDateTime {
    // Not a whole second, and not in UTC: certificates hold neither.
    let now =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(NOW) * 1_000_000_000 + 987_654_321).unwrap();
    now.to_offset(time::UtcOffset::from_hms(5, 30, 0).unwrap())
}

fn lab() -> Lab {
    Lab::new(time()).unwrap()
}

fn parse<'a>(der: &'a CertificateDer<'static>) -> X509Certificate<'a> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

/// Everything in a certificate but key, serial number and signature, which always differ. All
/// extensions are in it by number, so that one more or one fewer shows. None where it cannot be read.
fn fields(der: &CertificateDer<'static>) -> Option<BTreeMap<String, String>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    let seconds = |time: x509_parser::time::ASN1Time| time.timestamp() - NOW;
    let mut fields = BTreeMap::from([
        ("version".to_owned(), certificate.version().to_string()),
        ("algorithm".to_owned(), certificate.tbs_certificate.signature.algorithm.to_id_string()),
        ("subject".to_owned(), certificate.subject().to_string()),
        ("issuer".to_owned(), certificate.issuer().to_string()),
        ("not before".to_owned(), seconds(certificate.validity().not_before).to_string()),
        ("not after".to_owned(), seconds(certificate.validity().not_after).to_string()),
        ("key algorithm".to_owned(), format!("{:?}", certificate.public_key().algorithm)),
        ("key size".to_owned(), certificate.public_key().subject_public_key.data.len().to_string()),
        ("bytes behind".to_owned(), rest.len().to_string()),
        ("outer algorithm".to_owned(), certificate.signature_algorithm.algorithm.to_id_string()),
    ]);
    for extension in certificate.extensions() {
        // Key ids differ where the keys do; their presence is what counts.
        let value = match extension.oid.to_id_string().as_str() {
            "2.5.29.35" | "2.5.29.14" => extension.critical.to_string(),
            _ => format!("{} {:?}", extension.critical, extension.value),
        };
        // One that is there twice shows as well.
        *fields.entry(extension.oid.to_id_string()).or_insert_with(String::new) += &value;
    }
    Some(fields)
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

/// Where a forged chain differs from the same chain without its flaw, certificate by certificate.
fn difference(forged: &Identity, mended: &Identity) -> String {
    let mut found = Vec::new();
    if forged.chain.len() != mended.chain.len() {
        found.push(format!("{} certificates for {}", forged.chain.len(), mended.chain.len()));
    }
    for (place, (bad, good)) in forged.chain.iter().zip(&mended.chain).enumerate() {
        let good = fields(good).unwrap();
        let Some(bad) = fields(bad) else {
            found.push(format!("{place}: unreadable"));
            continue;
        };
        let keys: BTreeSet<&String> = good.keys().chain(bad.keys()).collect();
        let differ: Vec<&str> =
            keys.into_iter().filter(|key| good.get(*key) != bad.get(*key)).map(String::as_str).collect();
        if !differ.is_empty() {
            found.push(format!("{place}: {}", differ.join(", ")));
        }
    }
    if found.is_empty() { "in none of the fields compared".into() } else { found.join("; ") }
}

#[test]
fn a_forged_certificate_differs_in_its_flaw_only() {
    let lab = lab();
    let mut table = String::from("# certificate | where it differs from itself without its flaw\n");
    for entry in all() {
        let [forged, mended] = [lab.forge(entry, time()), lab.mend(entry, time())].map(Result::unwrap);
        writeln!(table, "{} | {}", entry.id, difference(&forged, &mended)).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fields.txt");
    if std::env::var_os("WIRELAB_BLESS").is_some_and(|value| value == "1") {
        return std::fs::write(path, &table).unwrap();
    }
    let recorded = std::fs::read_to_string(path).unwrap();
    for (now, then) in table.lines().zip(recorded.lines()) {
        assert_eq!(now, then, "WIRELAB_BLESS=1 records it");
    }
    assert_eq!(table.lines().count(), recorded.lines().count(), "WIRELAB_BLESS=1 records it");
}

#[test]
fn an_expired_certificate_lay_within_its_authoritys_life() {
    let lab = lab();
    let entry = all().iter().find(|e| e.id == "expired").unwrap();
    let forged = lab.forge(entry, time()).unwrap();
    let (leaf, authority) = (parse(&forged.chain[0]), parse(lab.authority_der()));
    assert_eq!(leaf.validity().not_after.timestamp(), NOW - 3600);
    assert!(authority.validity().not_before < leaf.validity().not_before);
    assert!(authority.validity().not_after > leaf.validity().not_after);
}

#[test]
fn serial_numbers_and_keys_are_positive_fresh_and_unique() {
    let (one, two) = (lab(), lab());
    let mut identities = vec![one.good().clone(), one.client().clone(), two.good().clone()];
    for id in ["wrong-host", "expired", "self-signed", "untrusted-authority", "md5", "ed25519"] {
        let entry = find(id).unwrap();
        identities.push(one.forge(entry, time()).unwrap());
        identities.push(one.forge(entry, time()).unwrap());
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
