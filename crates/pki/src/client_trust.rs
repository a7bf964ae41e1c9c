//! What a server with mutual TLS knows of its clients: who signs them, and which of them were revoked.

use crate::identity::to_pem;
use crate::kit::Authority;
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::{Duration, OffsetDateTime};

/// Serial number of the client certificate that every list of the lab names as revoked.
pub(crate) const REVOKED: [u8; 8] = *b"\x01revoked";

/// An authority for clients with its list of revoked certificates (RFC 5280 section 5).
#[derive(Debug, Clone)]
pub struct ClientTrust {
    /// Who must have signed the certificates of clients.
    pub authority: CertificateDer<'static>,
    /// Its list, which names one certificate: that of the intruder `revoked`.
    pub revoked: CertificateRevocationListDer<'static>,
}

impl ClientTrust {
    pub(crate) fn new(root: &Authority, now: OffsetDateTime) -> Result<Self, rcgen::Error> {
        let list = CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            next_update: now + Duration::hours(24),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from_slice(&REVOKED),
                revocation_time: now - Duration::minutes(30),
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let revoked = list.signed_by(&root.issuer)?.der().clone();
        Ok(Self { authority: root.der.clone(), revoked })
    }

    /// The authority in PEM.
    #[must_use]
    pub fn authority_pem(&self) -> String {
        to_pem("CERTIFICATE", &self.authority)
    }

    /// The list in PEM.
    #[must_use]
    pub fn revoked_pem(&self) -> String {
        to_pem("X509 CRL", &self.revoked)
    }
}
