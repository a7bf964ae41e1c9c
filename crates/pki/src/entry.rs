use rcgen::CertificateParams;
use time::OffsetDateTime;

use crate::der::Parts;
use crate::kit::{Kit, Made, Name};
use crate::ocsp::Staple;

/// A forged server certificate: what is wrong with it, and what mends a client that accepts it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Stable name, as on the command line and in scenario files.
    pub id: &'static str,
    /// A few words for a heading.
    pub title: &'static str,
    /// The one thing in which it differs from the good certificate.
    pub flaw: &'static str,
    /// What demands that it is refused.
    pub reference: &'static str,
    /// Weakness of a client that is wrong about it, such as `CWE-295`.
    pub cwe: &'static str,
    /// How much is lost where a client is wrong about it.
    pub importance: Importance,
    /// What a client has to do.
    pub expectation: Expectation,
    /// The host that clients must be told to connect to: `localhost`, or `127.0.0.1` where the flaw is
    /// about addresses.
    pub host: &'static str,
    /// What to do where a client is wrong about it.
    pub fix: &'static str,
    /// How it is made. Private, so that every entry is in the catalogue.
    pub(crate) recipe: Recipe,
}

/// How much is lost where a client is wrong about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Anybody on the path can play the server.
    Critical,
    /// Somebody who has some other certificate or key can.
    High,
    /// It takes a further fault, of the authority for instance.
    Medium,
    /// Nothing by itself.
    Low,
}

/// What a client has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expectation {
    /// Refuse it.
    MustRefuse,
    /// Decide: standards leave it open, or good clients differ. Reported, and never a failure.
    Policy,
    /// Accept it: nothing is wrong with it, only unusual.
    MustAccept,
}

/// How a certificate is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Recipe {
    /// Other names than the good certificate has.
    Names(&'static str, &'static [Name]),
    /// Other fields, at the time it is made.
    Leaf(fn(&mut CertificateParams, OffsetDateTime) -> Result<(), rcgen::Error>),
    /// Other bytes in the finished certificate, which is signed again.
    Patched(fn(&mut Parts)),
    /// A good certificate with a bad authority between it and the trusted one.
    Between(fn(&mut CertificateParams, OffsetDateTime)),
    /// The good certificate with this wrong about the OCSP response that is stapled to it.
    Stapled(Staple),
    /// Anything else. [`Kit::flawed`] says whether with its flaw.
    Chain(fn(&Kit<'_>) -> Result<Made, rcgen::Error>),
}
