use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime, UtcOffset};

/// The good server certificate. Every certificate of the lab starts as this or as [`authority`], and
/// what a catalogue entry changes in it is its flaw. Without a serial number: rcgen takes that from the
/// hash of the public key, and every certificate has a fresh one.
pub(crate) fn server(now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::hours(24);
    params.distinguished_name = named("localhost");
    params.subject_alt_names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A good server certificate for 127.0.0.1, as IPv4 and as IPv6 (RFC 4291 section 2.5.5.2), and for the
/// host `also`.
pub(crate) fn for_address(
    now: OffsetDateTime,
    also: Option<&str>,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = server(now)?;
    params.distinguished_name = named("127.0.0.1");
    params.subject_alt_names = vec![
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())),
    ];
    if let Some(host) = also {
        params.subject_alt_names.push(SanType::DnsName(host.try_into()?));
    }
    Ok(params)
}

/// The good client certificate.
pub(crate) fn client(now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = server(now)?;
    params.distinguished_name = named("wirelab-client");
    params.subject_alt_names.clear();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// An authority. It is valid from two days ago, so that a certificate that expired an hour ago lay
/// within its authority's life for all of its own: only the certificate is at fault.
pub(crate) fn authority(common_name: &str, now: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = now - Duration::hours(48);
    params.not_after = now + Duration::hours(24);
    params.distinguished_name = named(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// DER has whole seconds (RFC 5280 section 4.1.2.5), in UTC.
pub(crate) fn whole_seconds(now: OffsetDateTime) -> OffsetDateTime {
    let now = now.to_offset(UtcOffset::UTC);
    now - Duration::nanoseconds(i64::from(now.nanosecond()))
}

pub(crate) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// An extension with this DER inside.
pub(crate) fn extension(oid: &[u64], critical: bool, content: &[u8]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
    extension.set_criticality(critical);
    extension
}
