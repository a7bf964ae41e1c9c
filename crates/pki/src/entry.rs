use rcgen::CertificateParams;
use time::OffsetDateTime;

use crate::der::Parts;
use crate::kit::{Kit, Made, Name};
use crate::list::ListFault;
use crate::ocsp::Staple;
use wirelab_model::Importance;

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

impl Entry {
    /// What it is like without its flaw.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self.recipe {
            Recipe::Between(_) => Shape::Intermediate,
            Recipe::Anchored(_) => Shape::OwnAnchor,
            Recipe::Listed(_) => Shape::Listed,
            Recipe::Chain(shape, _) => shape,
            Recipe::Names(..) | Recipe::Leaf(_) | Recipe::Patched(_) | Recipe::Stapled(_) => Shape::Direct,
        }
    }
}

/// What a certificate is like without its flaw. A client that does not accept a good one of the same
/// shape refuses the forged one for the shape, and not for the flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Signed by the trusted authority itself, with a key on P-256.
    Direct,
    /// The same with an RSA key of 2048 bits.
    RsaKey,
    /// One authority in between.
    Intermediate,
    /// One authority in between, with an RSA key.
    RsaIntermediate,
    /// Two authorities in between.
    TwoIntermediates,
    /// Two authorities in between, the upper one with an RSA key.
    RsaAboveIntermediate,
    /// Five authorities in between.
    FiveIntermediates,
    /// Signed by an authority of its own, which the client is told to trust in the place of the lab's.
    OwnAnchor,
    /// The same, and it says where the list of revoked certificates is.
    Listed,
}

impl Shape {
    /// One word, as in the names of controls.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::RsaKey => "rsa-key",
            Self::Intermediate => "intermediate",
            Self::RsaIntermediate => "rsa-intermediate",
            Self::TwoIntermediates => "two-intermediates",
            Self::RsaAboveIntermediate => "rsa-above-intermediate",
            Self::FiveIntermediates => "five-intermediates",
            Self::OwnAnchor => "own-anchor",
            Self::Listed => "listed",
        }
    }
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
    /// A good certificate below a trusted authority of its own with other fields.
    Anchored(fn(&mut CertificateParams, OffsetDateTime)),
    /// A good certificate below a trusted authority of its own, with this wrong about the list of revoked
    /// certificates that it names.
    Listed(ListFault),
    /// The good certificate with this wrong about the OCSP response that is stapled to it.
    Stapled(Staple),
    /// Anything else. [`Kit::flawed`] says whether with its flaw.
    Chain(Shape, fn(&Kit<'_>) -> Result<Made, rcgen::Error>),
}
