//! The catalogue of misbehaviour: what a peer can do wrong in a handshake or in its records, by what it is.

mod cleartext;
mod extension;
mod inject;
mod long;
mod order;
mod path;
mod proof;
mod record;
mod renegotiation;
mod retry;
mod share;
mod stall;
mod suite;
mod version;

use crate::greeting::Greeting;
use crate::path::Prank;
use crate::script::Step;
use crate::stall::Pace;
use std::sync::LazyLock;
use wirelab_model::Attack;
use wirelab_model::Importance;
use wirelab_pki::{Expectation, Shape};

/// A misbehaving peer: what it does wrong, and what mends a client that goes on with it. It shows the good
/// certificate, and differs from a good server by this one flaw.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Stable name, as in scenario files.
    pub id: &'static str,
    /// A few words for a heading.
    pub title: &'static str,
    /// The one thing that it does wrong.
    pub flaw: &'static str,
    /// What demands that a client breaks off.
    pub reference: &'static str,
    /// Weakness of a client that is wrong about it, such as `CWE-757`.
    pub cwe: &'static str,
    /// How much is lost where a client is wrong about it.
    pub importance: Importance,
    /// What a client has to do.
    pub expectation: Expectation,
    /// What to do where a client is wrong about it.
    pub fix: &'static str,
    /// How it is done. Private, so that every entry is in the catalogue.
    pub(crate) recipe: Recipe,
}

/// How a misbehaviour is done.
#[derive(Clone, Copy)]
pub(crate) enum Recipe {
    /// By a server that follows a script, with a certificate of this shape.
    Script(Shape, &'static [Step]),
    /// By a good server of TLS 1.3 whose certificate has so many names.
    Names(usize),
    /// Without TLS where TLS was asked for.
    Greet(Greeting),
    /// By keeping the client waiting.
    Stall(Pace),
    /// By asking for a new handshake within a session of TLS 1.2.
    Renegotiate,
    /// By somebody on the path to a good server.
    Path(Prank),
}

/// What a misbehaving peer is without its flaw: a client that does not work with that breaks off for it,
/// and not for the flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// The lab's own server of TLS 1.3.
    Modern,
    /// A server of TLS 1.2 alone, with a certificate of this shape.
    Old(Shape),
    /// A server with any version.
    Server,
    /// A good server behind somebody who passes bytes on as they are.
    Path,
}

impl Family {
    /// One word, as in the names of controls.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Modern => "by-hand".into(),
            Self::Old(Shape::Direct) => "tls12".into(),
            Self::Server => "server".into(),
            Self::Path => "path".into(),
            Self::Old(shape) => format!("tls12-{}", shape.word()),
        }
    }
}

impl Family {
    /// What its certificate is like.
    #[must_use]
    pub fn shape(self) -> Shape {
        match self {
            Self::Modern | Self::Server | Self::Path => Shape::Direct,
            Self::Old(shape) => shape,
        }
    }
}

impl Entry {
    /// Whether it is an attack of this kind.
    #[must_use]
    pub fn is(&self, attack: &Attack) -> bool {
        match self.recipe {
            Recipe::Script(..) | Recipe::Names(_) | Recipe::Greet(_) => {
                matches!(attack, Attack::Misbehave { .. })
            }
            Recipe::Stall(_) => matches!(attack, Attack::Stall { .. }),
            Recipe::Renegotiate => matches!(attack, Attack::Renegotiate { .. }),
            Recipe::Path(_) => matches!(attack, Attack::OnPath { .. }),
        }
    }

    /// Whether the good server behind it is to give tickets for resumption: whoever leaves a record out needs
    /// one that is followed by others.
    #[must_use]
    pub fn needs_tickets(&self) -> bool {
        matches!(self.recipe, Recipe::Path(Prank::Drop | Prank::Swap))
    }

    /// How many names its certificate has, where that is its flaw.
    #[must_use]
    pub fn names(&self) -> Option<usize> {
        match self.recipe {
            Recipe::Names(count) => Some(count),
            _ => None,
        }
    }

    /// What it is without its flaw.
    #[must_use]
    pub fn family(&self) -> Family {
        match self.recipe {
            Recipe::Script(shape, steps) => {
                let old = |step: &Step| matches!(step, Step::OldHello(_) | Step::Bytes([0x80, ..]));
                if steps.iter().any(old) { Family::Old(shape) } else { Family::Modern }
            }
            Recipe::Greet(_) => Family::Server,
            Recipe::Names(_) | Recipe::Stall(_) => Family::Modern,
            Recipe::Renegotiate => Family::Old(Shape::Direct),
            Recipe::Path(_) => Family::Path,
        }
    }
}

/// The generator of P-256 (SEC 2 section 2.4.2), not compressed: a public key whose private key is 1.
pub(crate) const GENERATOR: &[u8] = &[
    0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2,
    0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96, 0x4F,
    0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE,
    0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5,
];

static ENTRIES: LazyLock<Vec<&'static Entry>> = LazyLock::new(|| {
    let parts = [
        version::ENTRIES,
        suite::ENTRIES,
        share::ENTRIES,
        proof::ENTRIES,
        order::ENTRIES,
        extension::ENTRIES,
        retry::ENTRIES,
        record::ENTRIES,
        renegotiation::ENTRIES,
        inject::ENTRIES,
        long::ENTRIES,
        stall::ENTRIES,
        path::ENTRIES,
        cleartext::ENTRIES,
    ];
    parts.into_iter().flatten().collect()
});

/// Every misbehaviour the lab knows.
#[must_use]
pub fn all() -> &'static [&'static Entry] {
    &ENTRIES
}

/// The entry of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.id == id).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_unique_and_every_entry_says_what_it_is() {
        let ids: HashSet<_> = all().iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), all().len());
        for entry in all() {
            assert_eq!(find(entry.id).unwrap().id, entry.id);
            let usable = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            assert!(entry.id.bytes().all(usable), "{}", entry.id);
            for text in [entry.title, entry.flaw, entry.reference, entry.fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", entry.id);
            }
            assert!(entry.cwe.starts_with("CWE-"), "{}", entry.id);
        }
    }
}
