use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime, UtcOffset};

/// Who signs a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    /// The authority that clients of the lab trust.
    Lab,
    /// An authority made for this one certificate, which nobody trusts.
    Stranger,
    /// The certificate's own key.
    Itself,
}

/// A certificate before it is signed. Every one in the lab starts as [`Template::good`], and what a
/// catalogue entry changes in it is its flaw.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) now: OffsetDateTime,
    pub(crate) common_name: &'static str,
    pub(crate) dns: &'static [&'static str],
    pub(crate) addresses: &'static [IpAddr],
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) usage: ExtendedKeyUsagePurpose,
    pub(crate) signer: Signer,
}

impl Template {
    /// The good server certificate.
    pub(crate) fn good(now: OffsetDateTime) -> Self {
        Self {
            now,
            common_name: "localhost",
            dns: &["localhost"],
            addresses: &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            not_before: now - Duration::hours(1),
            not_after: now + Duration::hours(24),
            usage: ExtendedKeyUsagePurpose::ServerAuth,
            signer: Signer::Lab,
        }
    }

    /// What to sign, without the serial number: rcgen takes it from the hash of the public key, and
    /// every certificate of the lab has a fresh one.
    pub(crate) fn params(&self) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.not_before = self.not_before;
        params.not_after = self.not_after;
        params.distinguished_name = named(self.common_name);
        for name in self.dns {
            params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
        }
        params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage.clone()];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }
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

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
