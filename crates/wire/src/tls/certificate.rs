//! Certificates in clear (before TLS 1.3).

use super::names::readable;
use std::fmt::Write as _;
use std::net::IpAddr;
use time::format_description::well_known::Rfc3339;
use wirelab_model::CertificateSeen;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

/// Most alternative names that are kept.
const MAX_NAMES: usize = 32;

/// The first certificate of a Certificate message (RFC 5246 section 7.4.2), read without its header;
/// none where the list is empty.
pub(super) fn first(body: &[u8]) -> Option<CertificateSeen> {
    let (_, rest) = body.split_first_chunk::<3>()?;
    let ([a, b, c], rest) = rest.split_first_chunk::<3>()?;
    let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?;
    Some(rest.get(..length).and_then(read).unwrap_or_default())
}

/// The same in TLS 1.3, where a context stands before the list (RFC 8446 section 4.4.2).
pub(super) fn first_new(body: &[u8]) -> Option<CertificateSeen> {
    let (context, rest) = body.split_first()?;
    first(rest.get(usize::from(*context)..)?)
}

/// What a certificate says, in DER. None where it cannot be read.
pub fn read(der: &[u8]) -> Option<CertificateSeen> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names =
        names.map(|names| names.value.general_names.iter().filter_map(name).take(MAX_NAMES).collect());
    Some(CertificateSeen {
        subject: distinguished(certificate.subject()),
        issuer: distinguished(certificate.issuer()),
        serial: serial(certificate.raw_serial()),
        names: names.unwrap_or_default(),
        not_before: date(certificate.validity().not_before),
        not_after: date(certificate.validity().not_after),
    })
}

/// Without the zero that only says that the number is not negative (X.690 section 8.3), and not endless.
fn serial(bytes: &[u8]) -> String {
    const MOST: usize = 64;
    let digits = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    digits.iter().take(MOST).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn distinguished(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    // `to_string` would panic on a name that cannot be written.
    match write!(text, "{name}") {
        Ok(()) => readable(&text),
        Err(_) => String::new(),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some(readable(host)),
        GeneralName::RFC822Name(address) => Some(readable(&format!("email:{address}"))),
        GeneralName::URI(uri) => Some(readable(&format!("uri:{uri}"))),
        GeneralName::IPAddress(bytes) => {
            let address = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = address.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn date(time: ASN1Time) -> String {
    time.to_datetime().format(&Rfc3339).unwrap_or_default()
}
