//! What the recipes of the catalogue make certificates with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::signature::Ed25519KeyPair;
use rcgen::{
    CertificateParams, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, SanType,
    SigningKey,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use crate::der::{Parts, tlv};
use crate::entry::Recipe;
use crate::ocsp::{self, Staple};
use crate::template::{self, extension, named};
use crate::{Entry, Lab, list};

/// id-ce-subjectAltName.
pub(crate) const ALTERNATIVE_NAMES: &[u64] = &[2, 5, 29, 17];

/// A chain as it is sent, and the key of its first certificate.
pub(crate) type Made = (Vec<CertificateDer<'static>>, PrivatePkcs8KeyDer<'static>);

/// What there is beside a chain.
#[derive(Default)]
pub(crate) struct Aside {
    /// An OCSP response to staple.
    pub(crate) staple: Option<Vec<u8>>,
    /// The list of revoked certificates that it names.
    pub(crate) list: Option<Vec<u8>>,
}

/// An authority: what signs, and what is sent.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) der: CertificateDer<'static>,
}

impl Authority {
    /// The key that signs.
    pub(crate) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }
}

/// A subject alternative name (RFC 5280 section 4.2.1.6).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name {
    Dns(&'static str),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    Uri(&'static str),
    Email(&'static str),
    /// Tag and content as they are, for what is no name at all.
    Raw(u8, &'static [u8]),
}

impl Name {
    /// GeneralName.
    fn der(self) -> Vec<u8> {
        match self {
            Self::Email(text) => tlv(0x81, text.as_bytes()),
            Self::Dns(text) => tlv(0x82, text.as_bytes()),
            Self::Uri(text) => tlv(0x86, text.as_bytes()),
            Self::V4(address) => tlv(0x87, &address.octets()),
            Self::V6(address) => tlv(0x87, &address.octets()),
            Self::Raw(tag, content) => tlv(tag, content),
        }
    }
}

/// Replaces the names of a certificate. rcgen would check them, so the extension is written by hand
/// where one of them is no name.
pub(crate) fn set_names(params: &mut CertificateParams, names: &[Name]) {
    params.subject_alt_names.clear();
    let plain: Option<Vec<SanType>> = names
        .iter()
        .map(|name| match *name {
            Name::Dns(text) => text.try_into().ok().map(SanType::DnsName),
            Name::V4(address) => Some(SanType::IpAddress(IpAddr::V4(address))),
            Name::V6(address) => Some(SanType::IpAddress(IpAddr::V6(address))),
            Name::Uri(text) => text.try_into().ok().map(SanType::URI),
            Name::Email(text) => text.try_into().ok().map(SanType::Rfc822Name),
            Name::Raw(..) => None,
        })
        .collect();
    match plain {
        Some(plain) => params.subject_alt_names = plain,
        None => {
            let content: Vec<u8> = names.iter().flat_map(|name| name.der()).collect();
            let names = extension(ALTERNATIVE_NAMES, false, &tlv(crate::der::SEQUENCE, &content));
            params.custom_extensions.push(names);
        }
    }
}

/// Makes the certificates of one entry. All keys are fresh: an attacker does not have the server's.
pub(crate) struct Kit<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) now: OffsetDateTime,
    /// Whether to make it with its flaw. Without it, every client must accept it.
    pub(crate) flawed: bool,
    /// Where the lists are that certificates name, a URL.
    pub(crate) list_at: &'a str,
}

impl Kit<'_> {
    /// Follows the recipe of an entry, with what is beside the chain where that is part of it.
    pub(crate) fn with_aside(&self, entry: &Entry) -> Result<(Made, Aside), rcgen::Error> {
        if let Recipe::Listed(fault) = entry.recipe {
            let (made, list) = list::listed(self, self.list_at, self.flawed.then_some(fault))?;
            return Ok((made, Aside { list: Some(list), ..Aside::default() }));
        }
        let (chain, key) = self.make(entry)?;
        let staple = match (entry.recipe, chain.first()) {
            (Recipe::Stapled(Staple::Missing), _) if self.flawed => None,
            (Recipe::Stapled(fault), Some(leaf)) => {
                Some(ocsp::response(self, leaf, self.flawed.then_some(fault))?)
            }
            _ => None,
        };
        Ok(((chain, key), Aside { staple, ..Aside::default() }))
    }

    fn make(&self, entry: &Entry) -> Result<Made, rcgen::Error> {
        match entry.recipe {
            Recipe::Names(common_name, names) => {
                let mut params = self.server()?;
                if self.flawed {
                    params.distinguished_name = named(common_name);
                    set_names(&mut params, names);
                }
                self.chain(&params, &[self.root()])
            }
            Recipe::Leaf(change) => {
                let mut params = self.server()?;
                if self.flawed {
                    change(&mut params, self.now)?;
                }
                self.chain(&params, &[self.root()])
            }
            Recipe::Patched(change) => self.patched(|parts| {
                if self.flawed {
                    change(parts);
                }
                parts.sign(|tbs| self.root().key().sign(tbs))
            }),
            Recipe::Between(change) => {
                let mut params = template::authority("wirelab intermediate", self.now);
                if self.flawed {
                    change(&mut params, self.now);
                }
                let between = self.authority(params, self.root())?;
                self.chain(&self.server()?, &[&between, self.root()])
            }
            Recipe::Anchored(change) => {
                let mut params = template::authority("wirelab own authority", self.now);
                if self.flawed {
                    change(&mut params, self.now);
                }
                let anchor = self.stranger(params)?;
                self.chain(&self.server()?, &[&anchor])
            }
            Recipe::Stapled(fault) => {
                let mut params = self.server()?;
                if fault == Staple::Missing {
                    // id-pe-tlsfeature (RFC 7633 section 4): status_request, which is 5
                    let feature = extension(&[1, 3, 6, 1, 5, 5, 7, 1, 24], false, b"\x30\x03\x02\x01\x05");
                    params.custom_extensions.push(feature);
                }
                self.chain(&params, &[self.root()])
            }
            Recipe::Listed(fault) => Ok(list::listed(self, self.list_at, self.flawed.then_some(fault))?.0),
            Recipe::Chain(_, make) => make(self),
        }
    }

    /// The authority that clients of the lab trust.
    pub(crate) fn root(&self) -> &Authority {
        self.lab.root()
    }

    /// Key id of the trusted authority, as in its certificate.
    pub(crate) fn root_key_id(&self) -> Vec<u8> {
        template::authority("", self.now).key_identifier(self.root().key())
    }

    /// The good server certificate before it is signed.
    pub(crate) fn server(&self) -> Result<CertificateParams, rcgen::Error> {
        template::server(self.now)
    }

    /// A good authority under another one.
    pub(crate) fn under(&self, common_name: &str, by: &Authority) -> Result<Authority, rcgen::Error> {
        self.authority(template::authority(common_name, self.now), by)
    }

    /// An authority under another one.
    pub(crate) fn authority(
        &self,
        params: CertificateParams,
        by: &Authority,
    ) -> Result<Authority, rcgen::Error> {
        self.authority_with(params, new_key()?, by)
    }

    /// An authority with this key under another one.
    pub(crate) fn authority_with(
        &self,
        params: CertificateParams,
        key: KeyPair,
        by: &Authority,
    ) -> Result<Authority, rcgen::Error> {
        let der = params.signed_by(&key, &by.issuer)?.der().clone();
        Ok(Authority { issuer: Issuer::new(params, key), der })
    }

    /// An authority of its own, which nobody trusts.
    pub(crate) fn stranger(&self, params: CertificateParams) -> Result<Authority, rcgen::Error> {
        self_signed(params, new_key()?)
    }

    /// A certificate with a fresh key, signed by the first of these authorities; all are sent after it.
    /// The trusted one is sent as well, so that a chain differs from the good one by its flaw and not
    /// by its length.
    pub(crate) fn chain(
        &self,
        params: &CertificateParams,
        authorities: &[&Authority],
    ) -> Result<Made, rcgen::Error> {
        self.chain_with(params, &new_key()?, authorities)
    }

    /// The same with this key.
    pub(crate) fn chain_with(
        &self,
        params: &CertificateParams,
        key: &KeyPair,
        authorities: &[&Authority],
    ) -> Result<Made, rcgen::Error> {
        let by = authorities.first().copied().unwrap_or_else(|| self.root());
        let leaf = params.signed_by(key, &by.issuer)?.der().clone();
        let chain = std::iter::once(leaf).chain(authorities.iter().map(|by| by.der.clone())).collect();
        Ok((chain, key.serialize_der().into()))
    }

    /// The good certificate with its parts changed. Whoever changes them signs them too.
    pub(crate) fn patched(
        &self,
        change: impl FnOnce(&mut Parts) -> Result<(), rcgen::Error>,
    ) -> Result<Made, rcgen::Error> {
        let (mut chain, key) = self.chain(&self.server()?, &[self.root()])?;
        patch_first(&mut chain, change)?;
        Ok((chain, key))
    }
}

/// Changes the parts of the first certificate.
pub(crate) fn patch_first(
    chain: &mut [CertificateDer<'static>],
    change: impl FnOnce(&mut Parts) -> Result<(), rcgen::Error>,
) -> Result<(), rcgen::Error> {
    if let Some(first) = chain.first_mut() {
        let mut parts = Parts::split(first)?;
        change(&mut parts)?;
        *first = parts.join();
    }
    Ok(())
}

pub(crate) fn self_signed(params: CertificateParams, key: KeyPair) -> Result<Authority, rcgen::Error> {
    let der = params.self_signed(&key)?.der().clone();
    Ok(Authority { issuer: Issuer::new(params, key), der })
}

/// A fresh key. All keys are ECDSA on P-256 unless the flaw is in the key.
pub(crate) fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

/// A fresh key for Ed25519, in version 1 of PKCS #8 (RFC 5208): OpenSSL 3.0, and so redis-server, reads no version 2
/// (RFC 5958), which is what rcgen would make.
pub(crate) fn ed25519() -> Result<KeyPair, rcgen::Error> {
    let unspecified = |_| rcgen::Error::RingUnspecified;
    let key = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(unspecified)?;
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(key.as_ref().to_vec()), &PKCS_ED25519)
}

/// The point of a key on P-256, `04 x y`.
pub(crate) fn point(key: &KeyPair) -> &[u8] {
    key.der_bytes()
}
