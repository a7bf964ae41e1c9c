//! OCSP responses to staple (RFC 6960 section 4.2), signed by the trusted authority itself.

use rcgen::{PublicKeyData, SigningKey};
use time::{Duration, OffsetDateTime};

use crate::der::{
    Field, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Parts, bit_string, sequence, tlv,
};
use crate::kit::Kit;
use crate::weak::{ECDSA_SHA256, Hash};

/// What is wrong with a stapled response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Staple {
    /// It says that the certificate was revoked.
    Revoked,
    /// It was to be replaced a day ago.
    Expired,
    /// It is about another certificate.
    Other,
    /// Its signature is wrong.
    Forged,
    /// It is not there, although the certificate demands one.
    Missing,
}

/// The response about a certificate of the trusted authority; with this fault, or with none.
pub(crate) fn response(
    kit: &Kit<'_>,
    certificate: &[u8],
    fault: Option<Staple>,
) -> Result<Vec<u8>, rcgen::Error> {
    let leaf = Parts::split(certificate)?;
    let key = kit.root().key();
    let sha1 = sequence([&tlv(OBJECT_IDENTIFIER, &[0x2b, 0x0e, 3, 2, 0x1a]), &[5, 0]]);
    let key_hash = tlv(OCTET_STRING, &Hash::Sha1.of(key.der_bytes()));
    let name_hash = tlv(OCTET_STRING, &Hash::Sha1.of(leaf.get(Field::Issuer)));
    let other = tlv(INTEGER, &[0x42]);
    let serial = if fault == Some(Staple::Other) { &other } else { leaf.get(Field::Serial) };
    let id = sequence([&sha1, &name_hash, &key_hash, serial]);

    let age = if fault == Some(Staple::Expired) { Duration::days(2) } else { Duration::hours(1) };
    let produced = generalized(kit.now - age);
    let next = tlv(0xa0, &generalized(kit.now - age + Duration::days(1)));
    let revoked = tlv(0xa1, &produced);
    let status = if fault == Some(Staple::Revoked) { revoked.as_slice() } else { &[0x80, 0] };
    let single = sequence([&id, status, &produced, &next]);

    let responder = tlv(0xa2, &key_hash);
    let data = sequence([&responder, &produced, &sequence([&single])]);
    let mut signature = key.sign(&data)?;
    if fault == Some(Staple::Forged)
        && let Some(last) = signature.last_mut()
    {
        *last ^= 1;
    }
    let basic = sequence([&data, ECDSA_SHA256, &bit_string(&signature)]);
    // id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1
    let kind = tlv(OBJECT_IDENTIFIER, &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]);
    let bytes = sequence([&kind, &tlv(OCTET_STRING, &basic)]);
    // responseStatus successful
    Ok(sequence([&[0x0a, 1, 0], &tlv(0xa0, &bytes)]))
}

fn generalized(time: OffsetDateTime) -> Vec<u8> {
    let (date, clock) = (time.date(), time.time());
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    tlv(GENERALIZED_TIME, text.as_bytes())
}
