//! Lists of revoked certificates (RFC 5280 section 5), which a certificate says where to find.

use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, Issuer, KeyIdMethod, KeyUsagePurpose,
    RevocationReason, RevokedCertParams, SerialNumber, SigningKey,
};
use time::Duration;

use crate::client_trust::REVOKED;
use crate::der::{OBJECT_IDENTIFIER, bit_string, elements, open, sequence, tlv};
use crate::kit::{Authority, Kit, Made, new_key};
use crate::template;

/// Serial number of the certificate that names a list.
const SERIAL: [u8; 8] = *b"\x01listed!";
/// Where a list is that nobody serves: the discard port (RFC 863).
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9/authority.crl";
/// Tag of the extensions of a list (RFC 5280 section 5.1).
const EXTENSIONS: u8 = 0xa0;
/// id-ce-cRLNumber, 2.5.29.20.
const NUMBER: &[u8] = &[0x55, 0x1d, 20];

/// What is wrong with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListFault {
    /// It names the certificate.
    Revoked,
    /// It has no number.
    WithoutNumber,
    /// Another authority signed it.
    OtherIssuer,
    /// The authority may not sign lists.
    IssuerWithoutSign,
}

/// A certificate below an authority of its own that names the list at `url`, and that list; with this fault, or with
/// none.
pub(crate) fn listed(
    kit: &Kit<'_>,
    url: &str,
    fault: Option<ListFault>,
) -> Result<(Made, Vec<u8>), rcgen::Error> {
    let mut params = template::authority("wirelab own authority", kit.now);
    if fault == Some(ListFault::IssuerWithoutSign) {
        params.key_usages.retain(|usage| *usage != KeyUsagePurpose::CrlSign);
    }
    let key = new_key()?;
    let der = params.self_signed(&key)?.der().clone();
    // The key signs lists whatever its certificate says.
    params.key_usages.push(KeyUsagePurpose::CrlSign);
    let authority = Authority { issuer: Issuer::new(params, key), der };
    let mut server = kit.server()?;
    server.serial_number = Some(SerialNumber::from_slice(&SERIAL));
    server.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![url.to_owned()] }];
    let made = kit.chain(&server, &[&authority])?;
    let list = match fault {
        Some(ListFault::OtherIssuer) => {
            let other = kit.stranger(template::authority("wirelab other authority", kit.now))?;
            list(kit, &other, false)?
        }
        Some(ListFault::WithoutNumber) => without_number(&list(kit, &authority, false)?, &authority)?,
        fault => list(kit, &authority, fault == Some(ListFault::Revoked))?,
    };
    Ok((made, list))
}

fn list(kit: &Kit<'_>, by: &Authority, revoked: bool) -> Result<Vec<u8>, rcgen::Error> {
    let list = CertificateRevocationListParams {
        this_update: kit.now - Duration::hours(1),
        next_update: kit.now + Duration::hours(24),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(if revoked { &SERIAL } else { &REVOKED }),
            revocation_time: kit.now - Duration::minutes(30),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(list.signed_by(&by.issuer)?.der().to_vec())
}

/// The list without its number, signed again: rcgen writes none without one.
fn without_number(list: &[u8], by: &Authority) -> Result<Vec<u8>, rcgen::Error> {
    let read = || {
        let outer = elements(open(list)?.0)?;
        let [tbs, algorithm, _] = outer.as_slice() else { return None };
        let mut fields = elements(open(tbs)?.0)?;
        let last = fields.pop().filter(|last| last.first() == Some(&EXTENSIONS))?;
        let mut extensions = elements(open(open(&last)?.0)?.0)?;
        let number = tlv(OBJECT_IDENTIFIER, NUMBER);
        extensions.retain(|one| open(one).is_none_or(|(content, _)| !content.starts_with(&number)));
        fields.push(tlv(EXTENSIONS, &sequence([&extensions.concat()])));
        Some((sequence([&fields.concat()]), algorithm.clone()))
    };
    let (tbs, algorithm) = read().ok_or(rcgen::Error::CouldNotParseCertificate)?;
    let signature = by.key().sign(&tbs)?;
    Ok(sequence([&tbs, &algorithm, &bit_string(&signature)]))
}
